"""What goes wrong in mid-run: a crash, Ctrl-C, a killed driver; nothing measured is lost."""

from __future__ import annotations

import os
import signal
import time
from collections import Counter

import psutil
import pytest
import toy_workload

from bench.record.journal import Journal, read_header
from bench.record.lines import ClusterEntry
from tests.e2e import journey

pytestmark = pytest.mark.slow


@pytest.fixture
def two_toys(tmp_path):
    """Return the words of a run of two toy jobs through Ray; a signal finds either in mid-job."""
    grid = tmp_path / "toys.yaml"
    grid.write_text("name: toys\nsubgrids: [{models: long, seeds: [1, 2], epochs: 1}]\n")
    words = ["--workload", toy_workload.NAME, "--grid", str(grid), "--local-only"]
    return journey.command(*words, out=tmp_path / "reports")


def test_one_crashing_job_is_a_row_with_its_reason_and_the_others_are_measured(tmp_path, two_toys):
    out = tmp_path / "reports"
    process = journey.start(two_toys)
    journey.wait_for(lambda: journey.job_child_of(process)).kill()
    code, output = journey.finish(process)
    assert code == 1, output
    assert "1 of 2 jobs measured, 1 failed" in output
    (failure,) = journey.summary(out)["failures"]
    assert failure["reason"] == "crash"
    assert "SIGKILL" in failure["message"]
    assert "SIGKILL" in (out / "summary.md").read_text()
    assert len(journey.records(journey.journals(out)[0])) == 2


def test_ctrl_c_ends_everything_writes_the_report_and_the_same_command_goes_on(tmp_path, two_toys):
    out = tmp_path / "reports"
    process = journey.start(two_toys)
    journal = journey.wait_for(lambda: journey.journals(out))[0]
    journey.wait_for(lambda: len(journey.records(journal)) == 1, 180)
    journey.wait_for(lambda: journey.job_child_of(process))
    everyone = [p.pid for p in journey.children_of(process)]
    for _ in range(3):  # an impatient user; a terminal signals the whole foreground group
        os.killpg(process.pid, signal.SIGINT)
        time.sleep(0.3)
    code, output = journey.finish(process)
    assert code == 130, output
    assert "the same command goes on" in output
    assert (out / "summary.md").exists()
    assert "Traceback" not in output
    journey.wait_for(lambda: not any(psutil.pid_exists(pid) for pid in everyone), 20)
    assert [row["reason"] for row in journey.summary(out)["failures"]] == ["not run"]

    code, output = journey.finish(journey.start(two_toys))
    assert code == 0, output
    assert "going on with" in output
    assert journey.journals(out) == [journal]
    counts = Counter(record["job_id"] for record in journey.records(journal))
    assert len(counts) == 2
    assert set(counts.values()) == {1}


def test_a_killed_driver_leaves_no_child_and_the_same_command_goes_on(tmp_path, two_toys):
    out = tmp_path / "reports"
    process = journey.start(two_toys)
    journal = journey.wait_for(lambda: journey.journals(out))[0]
    journey.wait_for(lambda: len(journey.records(journal)) == 1, 180)
    child = journey.wait_for(lambda: journey.job_child_of(process))
    process.kill()
    process.wait()
    journey.wait_for(lambda: not child.is_running(), 60)
    with journal.open("a") as file:
        file.write('{"entry": "record", "schema_version": 2, "run')  # as a power cut leaves a line

    code, output = journey.finish(journey.start(two_toys))
    assert code == 0, output
    assert journey.journals(out) == [journal]
    counts = Counter(record["job_id"] for record in journey.records(journal))
    assert len(counts) == 2
    assert set(counts.values()) == {1}


@pytest.fixture(scope="module")
def beside(tmp_path_factory):
    """A run of one job, and a second one beside it: (folder, command, what each gave)."""
    out = tmp_path_factory.mktemp("beside") / "reports"
    words = journey.command(*journey.PRODUCTS, "--local-only", "--dispatch", "inline", out=out)
    words += ["--sizes", "64", "--rest-s", "0.15"]  # longer than it takes to refuse another
    first = journey.start(words)
    journey.wait_for(lambda: journey.job_child_of(first))
    refused = journey.finish(journey.start(words))
    return out, words, journey.finish(first), refused


def test_a_second_run_into_the_same_folder_is_refused_while_the_first_measures(beside):
    _, _, first, refused = beside
    assert refused[0] == 2
    assert "another run is writing" in refused[1]
    assert "(seen: process " in refused[1]
    assert first[0] == 0, first[1]


def test_a_run_whose_cluster_is_gone_goes_on_here_and_says_what_is_open(beside):
    """The share was begun by a run that was killed; here its line is put into the journal."""
    out, words, first, _ = beside
    assert first[0] == 0, first[1]
    (journal,) = journey.journals(out)
    run_id = read_header(journal).run_id
    begun = ClusterEntry(run_id=run_id, cluster="lab", job="j", at="2026-11-01T10:00:00Z")
    Journal(journal).append(begun)
    code, output = journey.finish(journey.start(words))
    assert code == 1, output
    assert "the share of lab is open, but its cluster was not found" in output
    assert journey.journals(out) == [journal]
