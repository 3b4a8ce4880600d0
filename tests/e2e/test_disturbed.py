"""With a CPU hog beside it, a real run flags every job and says why; nothing is dropped."""

from __future__ import annotations

import subprocess
import time

import pytest

from bench.probe.usable import affinity
from tests.e2e import journey

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def disturbed(tmp_path_factory):
    """Two short jobs through a real Ray beside a hog: (output, folder, records, own pids, hog)."""
    out = tmp_path_factory.mktemp("disturbed") / "reports"
    words = [*journey.PRODUCTS, "--local-only", "--seeds", "1,2"]
    # every CPU is asked for, so that a hog on any of them is in the way
    words += ["--threads", str(len(affinity())), "--wait-quiet", "4", "--price", "0.35"]
    hog = subprocess.Popen(journey.GREEDY_HOG)  # among the three that are named, whatever runs
    own = set()
    try:
        process = journey.start(journey.command(*words, out=out))
        while process.poll() is None:
            own |= {process.pid, *(child.pid for child in journey.children_of(process))}
            time.sleep(0.5)
        code, output = journey.finish(process)
    finally:
        hog.kill()
        hog.wait()
    assert code == 0, output
    return output, out, journey.records(journey.journals(out)[0]), own, hog.pid


def test_the_look_before_the_run_names_the_hog(disturbed):
    output = disturbed[0]
    assert "the machine is not quiet: foreign CPU" in output
    first, second, *_ = [line for line in output.splitlines() if "not quiet" in line]
    assert "close " in first
    assert "; waiting up to" in first
    assert "the machine is not quiet" in second  # the time is up: the run goes on all the same


def test_the_look_is_kept_and_the_report_says_what_it_found(disturbed):
    out = disturbed[1]
    (own,) = (line for line in journey.lines(journey.journals(out)[0]) if line.get("own"))
    assert own["look"]["quiet"] is False
    assert own["look"]["seen"]["foreign_cpus"] > 0.3
    text = " ".join((out / "summary.md").read_text().split())
    assert "Looks before the first job: 0 of 1 found a quiet machine." in text


def test_every_job_is_flagged_with_foreign_cpu_as_the_cause(disturbed):
    records = disturbed[2]
    assert len(records) == 2
    for record in records:
        whole = record["conditions"]["whole"]
        assert whole["flag"] == "disturbed"
        assert whole["causes"][0].startswith("foreign CPU")
        assert whole["foreign_cpus"] > 0.3
        for epoch in record["conditions"]["epochs"]:
            assert epoch["flag"] == "disturbed"
            assert epoch["causes"][0].startswith("foreign CPU")


def test_the_hog_is_among_the_strangers_and_nothing_of_ours_is(disturbed):
    _, _, records, own, hog = disturbed
    for record in records:
        strangers = {process["pid"] for process in record["conditions"]["foreign_processes"]}
        assert hog in strangers
        assert not strangers & own


def test_flagged_jobs_are_kept_and_marked_in_the_report(disturbed):
    out = disturbed[1]
    tables = journey.summary(out)
    assert [row["flag"] for row in tables["conditions"]] == ["disturbed"] * 2
    (row,) = tables["capacity"]
    assert (row["n"], row["disturbed"]) == (2, 2)
    assert "2 of 2 jobs were disturbed (by foreign CPU 2" in " ".join(
        (out / "summary.md").read_text().split()
    )


def test_dollars_follow_the_price_that_was_given(disturbed):
    (row,) = journey.summary(disturbed[1])["cost"]
    assert (row["usd_per_hour"], row["price_source"]) == (0.35, "--price")
    assert row["usd_per_1000_jobs"] > 0
