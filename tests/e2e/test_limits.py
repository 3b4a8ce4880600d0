"""In real control groups: facts, threads, report and conditions follow the limits."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import psutil
import pytest
from groups import HOG, limited_to

from tests.e2e import journey

pytestmark = pytest.mark.slow

GIB = 2**30


@pytest.fixture(scope="module")
def half_a_cpu():
    with limited_to(0.5, 2 * GIB) as groups:
        yield groups


def machine_in(command):
    """Return the facts that `machine --json` prints where `command(words)` runs it."""
    words = command([sys.executable, "-m", "mnist_bench", "machine", "--json"])
    done = subprocess.run(words, capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


@pytest.mark.parametrize("nested", [False, True], ids=["own group", "an ancestor's limit"])
def test_the_facts_say_half_a_cpu_and_2_gib_beside_the_host_s_totals(half_a_cpu, nested):
    folders = half_a_cpu.nested() if nested else half_a_cpu.folders
    facts = machine_in(lambda words: half_a_cpu.entered(folders, words))
    assert (facts["cpu_quota"], facts["usable_cpus"]) == (0.5, 0.5)
    assert facts["memory_limit_bytes"] == facts["memory_usable_bytes"] == 2 * GIB
    assert facts["memory_total_bytes"] == psutil.virtual_memory().total
    assert facts["logical_cores"] == os.cpu_count()


def test_a_limited_group_below_a_container_s_own_is_found(half_a_cpu):
    folders = half_a_cpu.limited(0.25, GIB)
    facts = machine_in(lambda words: half_a_cpu.contained(folders, words))
    assert (facts["cpu_quota"], facts["memory_limit_bytes"]) == (0.25, GIB)


def test_a_job_s_threads_follow_and_the_report_shows_limit_and_total_apart(half_a_cpu, tmp_path):
    words = journey.command(*journey.PRODUCTS, "--local-only", "--dispatch", "inline", out=tmp_path)
    process = journey.start(half_a_cpu.entered(half_a_cpu.folders, words))
    code, output = journey.finish(process, timeout_s=600)
    assert code == 0, output
    assert "1 threads a job" in output
    (record,) = journey.records(journey.journals(tmp_path)[0])
    assert record["measurement"]["threads"]["asked"] == 1
    assert record["conditions"]["whole"]["throttled_periods_share"] > 0
    causes = [c for epoch in record["conditions"]["epochs"] for c in epoch["causes"]]
    assert not [cause for cause in causes if cause.startswith("cgroup throttling")]
    (job,) = journey.summary(tmp_path)["capacity"]
    assert job["held_by_quota"] == 1
    assert job["step_mean_ms"] > 1.5 * job["step_p10_ms"]  # half a CPU: twice as long
    (row,) = journey.summary(tmp_path)["machines"]
    assert (row["cpu_quota"], row["logical_cores"]) == (0.5, os.cpu_count())
    assert row["memory_limit_bytes"] == 2 * GIB
    assert row["memory_total_bytes"] == psutil.virtual_memory().total
    text = (tmp_path / "summary.md").read_text()
    lines = {line.split("|")[1].strip(): line for line in text.splitlines() if "|" in line}
    assert "| 0.5 " in lines["CPU limit"]
    assert "| 2048 " in lines["memory limit MiB"]
    assert f"| {psutil.virtual_memory().total / 2**20:.0f} " in lines["memory MiB"]


@pytest.mark.parametrize("beside", [False, True], ids=["alone", "with a hog in the group"])
def test_throttling_is_a_disturbance_where_another_in_the_group_takes_of_its_quota(
    beside, tmp_path
):
    """A limit of one CPU: a job of one thread fills it, and that is its machine.

    If others take a little of that CPU, a job alone in its group does not fill it.
    """
    words = journey.command(*journey.PRODUCTS, "--local-only", "--dispatch", "inline", out=tmp_path)
    with limited_to(1.0, 4 * GIB) as groups:
        hog = subprocess.Popen(groups.entered(groups.folders, HOG)) if beside else None
        try:
            process = journey.start(groups.entered(groups.folders, words))
            code, output = journey.finish(process, timeout_s=600)
        finally:
            if hog:
                hog.kill()
                hog.wait()
    assert code == 0, output
    (record,) = journey.records(journey.journals(tmp_path)[0])
    whole = record["conditions"]["whole"]
    if beside or (whole["foreign_cpus"] or 0) <= 0.1:
        assert whole["throttled_periods_share"] > 0.05
    named = [cause for cause in whole["causes"] if cause.startswith("cgroup throttling")]
    assert bool(named) == beside
