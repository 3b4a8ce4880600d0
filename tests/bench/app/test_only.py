"""`report --only` shows the machines that were named, and nothing of the others."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest
from builders import a_job, a_measurement, a_record, a_run
from command_line import run_command
from conftest import ROOT
from sittings_on_disk import a_sitting, machine, write

from bench.app.only import only
from bench.errors import RequestError
from bench.record.failure import Failure
from bench.record.measurement import ThreadFacts

pytestmark = pytest.mark.slow

STEPS = {"mlp": 0.004, "cnn": 0.020}


@pytest.fixture
def folder(tmp_path):
    """A folder of reports with three machines, of which two have one label."""
    runs = [
        a_sitting("desk", STEPS),
        a_sitting("rack", STEPS, hour=1),
        a_sitting("rack", STEPS, hour=2, machine_facts=machine("other rack")),
        a_sitting("node", STEPS, hour=3),
    ]
    return write(tmp_path / "reports", runs)


def shown(folder, *words):
    """Return the machines that the report of `words` shows."""
    assert run_command(["report", "--out", str(folder), *words]) == 0
    tables = json.loads((folder / "summary.json").read_text())
    assert {row["machine"] for row in tables["capacity"] if row["source"] == "measured"} == {
        row["machine"] for row in tables["machines"] if row["machine"] in NAMES
    }
    return [row["machine"] for row in tables["machines"] if row["machine"] in NAMES]


NAMES = ("desk", "rack", "rack [2]", "node")


@pytest.mark.parametrize(
    ("words", "machines"),
    [
        ([], ["desk", "rack", "rack [2]", "node"]),
        (["--only", "desk,node"], ["desk", "node"]),
        (["--only", "node", "--only", "desk"], ["desk", "node"]),
        (["--only", " desk , node "], ["desk", "node"]),
        (["--only", "rack"], ["rack", "rack [2]"]),
        (["--only", "desk,rack [2]"], ["desk", "rack"]),
        (["--only", machine("node").machine_id[:8]], ["node"]),
    ],
    ids=str,
)
def test_only_the_named_machines_are_shown(folder, words, machines):
    assert shown(folder, *words) == machines


@pytest.mark.parametrize(
    ("name", "answers"),
    [
        ("rakc", ["--only rakc", "did you mean rack?", "desk, rack, rack [2], node"]),
        ("desk,nodd", ["--only nodd", "did you mean node?"]),
        (machine("node").machine_id[:3], ["no such machine"]),
    ],
)
def test_an_unknown_name_is_answered_with_the_nearest_right_one(folder, capsys, name, answers):
    assert run_command(["report", "--out", str(folder), "--only", name]) == 2
    printed = capsys.readouterr()
    assert [answer for answer in answers if answer not in printed.err] == []
    assert printed.out == ""
    assert not (folder / "summary.md").exists()


def threads_run():
    """A run of one machine with one and with two threads, and one failure."""
    records = [
        a_record(
            job := a_job(threads=threads),
            a_measurement(
                [[0.2, 0.1, 0.1]] * 2, threads=ThreadFacts(asked=threads, environment={})
            ),
            label="desk",
        )
        for threads in (1, 2)
    ]
    failed = a_record(a_job(seed=9), Failure(reason="crash", message="gone"), label="desk")
    assert job.threads == 2
    return a_run([*records, failed])


def test_a_name_with_a_comma_chooses_one_number_of_threads_without_the_jobs_of_the_others():
    (run,) = only([threads_run()], ["desk, 2 threads"])
    assert [record.job.threads for record in run.records] == [2, None]
    (share,) = run.shares
    assert share.unrecorded == ()
    assert [job.threads for job in share.jobs] == [2, None]


def test_both_names_with_commas_may_stand_in_one_list():
    (run,) = only([threads_run()], ["desk, 2 threads,desk, 1 thread"])
    assert [record.job.threads for record in run.records] == [1, 2, None]


def test_an_unavailable_machine_is_chosen_by_its_label():
    run = a_run([a_record(a_job(), a_measurement([[0.2, 0.1]] * 2), label="desk")])
    gone = run.machines[0].model_copy(
        update={"label": "gone", "own": False, "machine": None, "reason": "no answer", "jobs": ()}
    )
    both = type(run)(run.path, run.header, run.records, machines=(*run.machines, gone))
    (kept,) = only([both], ["gone"])
    assert [entry.label for entry in kept.machines] == ["gone"]
    assert kept.records == ()
    (kept,) = only([both], ["desk"])
    assert kept.unavailable == ()


def test_a_run_without_a_chosen_machine_is_left_out():
    runs = [a_sitting("desk", STEPS), a_sitting("rack", STEPS)]
    assert [run.header.label for run in only(runs, ["rack"])] == ["rack"]
    with pytest.raises(RequestError, match="no such machine"):
        only([], ["rack"])


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("report --out {0} --only desk,n", "desk,node"),
        ("share {0}/journals --out sent --only n", "node"),
        ("share {0} --only desk,rack,n", "desk,rack,node"),
        ("export {0}/journals --format junit --only de", "desk"),
    ],
)
def test_the_shell_completes_the_names_of_measured_machines(folder, words, expected):
    words = f"mnist-bench {words.format(folder)}"
    environment = {
        **os.environ,
        "COMP_WORDS": words,
        "COMP_CWORD": str(len(words.split()) - 1),
        "_MNIST_BENCH_COMPLETE": "bash_complete",
    }
    done = subprocess.run(
        [sys.executable, "-c", "from mnist_bench.cli import main; main()"],
        capture_output=True,
        text=True,
        env=environment,
        cwd=ROOT,
    )
    assert done.stdout.split() == [f"plain,{expected}"]
