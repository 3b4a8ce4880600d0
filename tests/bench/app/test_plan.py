"""A plan: which jobs, in which order, and what makes two runs the same run."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest
import tiny_workload
import toy_workload
from builders import a_job, facts
from conftest import ROOT
from launches import toy_job
from plans import a_plan

from bench.app.commands.preview import plan_lines
from bench.app.plan import absolute, default_label, make_plan
from bench.child.workload import Dataset
from bench.dispatch.durations import LIMIT_FACTOR, LIMIT_LEAST_S
from bench.errors import RequestError
from bench.record.facts import GpuFacts
from bench.spec.grid import GridChanges
from bench.spec.privacy import Privacy
from bench.spec.request import ClusterChoice, RunRequest
from bench.units import duration
from mnist_bench.workload import WORKLOAD


@pytest.fixture
def grid(tmp_path):
    """A grid of the toys with one model that this machine cannot run."""
    path = tmp_path / "toys.yaml"
    path.write_text(
        "name: toys\nsubgrids:\n  - {models: [ok, unable, second], seeds: [1, 2, 3], epochs: 2}\n"
    )
    return str(path)


def planned(grid, **changes):
    request = RunRequest(workload=toy_workload.NAME, grid=grid, label="desk", **changes)
    return make_plan(request, toy_workload.WORKLOAD, "the command")


def test_all_jobs_that_were_asked_for_are_kept_and_this_machine_s_are_in_the_same_order(grid):
    plan = planned(grid)
    assert len(plan.asked) == 9
    assert plan.jobs == tuple(job for job in plan.asked if job.axes["model"] != "unable")
    assert {(skip.job.axes["model"], skip.reason) for skip in plan.skipped} == {
        ("unable", "planted")
    }
    assert len(plan.skipped) == 3


def test_the_order_follows_from_its_seed(grid):
    assert planned(grid).asked == planned(grid).asked
    other = planned(grid, order_seed=1)
    assert other.asked != planned(grid).asked
    assert {job.job_id for job in other.asked} == {job.job_id for job in planned(grid).asked}


def test_a_machine_that_can_run_no_job_is_told_why(grid):
    with pytest.raises(RequestError, match=r"none of the jobs \(seen: planted\)"):
        planned(grid, changes=GridChanges(axes={"model": ("unable",)}))


@pytest.mark.parametrize(
    "change",
    [
        {"facts": facts(usable_cpus=3.0)},
        {"label": "rack"},
        {"dispatch": "inline"},
        {"order_seed": 1},
        {"dataset": Dataset(name="other", digest="d")},
        {"jobs": ()},
        {"asked": ()},
        {"ceilings": False},
    ],
    ids=lambda change: next(iter(change)),
)
def test_what_decides_the_jobs_and_how_they_run_makes_another_request(grid, change):
    plan = planned(grid)
    assert replace(plan, **change).request_digest != plan.request_digest


@pytest.mark.parametrize(
    "change",
    [{"command": "other"}, {"time_limit_s": 1.0}, {"wait_quiet_s": 5.0}],
    ids=lambda change: next(iter(change)),
)
def test_what_does_not_decide_them_leaves_the_request_the_same(grid, change):
    plan = planned(grid)
    assert replace(plan, **change).request_digest == plan.request_digest


def test_a_launch_holds_what_the_plan_says_and_what_the_caller_adds(grid, tmp_path):
    staged = []

    def stage():
        staged.append(tmp_path)
        return tmp_path

    plan = replace(
        planned(grid, privacy=Privacy(show_hostnames=True), time_limit_s=7.0),
        dataset=Dataset("toy", "digest", "planted", stage=stage),
        facts=facts(usable_cpus=2.5),
    )
    launch = plan.launch(plan.jobs[0], placed_by="inline", run_id="r", measure_ceilings=True)
    assert (launch.workload, launch.job, launch.run_id) == (toy_workload.NAME, plan.jobs[0], "r")
    assert (launch.label, launch.threads, launch.time_limit_s) == ("desk", 2, 7.0)
    assert (launch.data_path, launch.data_digest) == (str(tmp_path), "digest")
    assert launch.measure_ceilings and launch.privacy.show_hostnames
    plan.launch(plan.jobs[1], placed_by="inline")
    assert staged == [tmp_path], "the data are staged once"


def test_half_a_cpu_takes_four_times_as_long_as_the_estimate_and_may(tmp_path):
    job = a_job(epochs=15)
    two, half = (
        a_plan(
            tmp_path,
            jobs=(job,),
            workload=WORKLOAD,
            facts=facts(usable_cpus=cpus),
            time_limit_s=None,
        )
        for cpus in (2.0, 0.5)
    )
    assert half.estimate_s(job) == 4 * two.estimate_s(job)
    limit_s = half.launch(job, placed_by="bare").time_limit_s
    assert limit_s == LIMIT_FACTOR * half.estimate_s(job) > LIMIT_LEAST_S
    request = RunRequest(workload="mnist", grid="full", cluster=ClusterChoice(local_only=True))
    for plan, cpus in ((two, "2 cores"), (half, "0.5 CPUs")):
        words = f"1 job, about {duration(plan.estimate_s(job))} on {cpus}; results"
        assert list(plan_lines(plan, request))[-1].startswith(words)


def test_a_job_gets_the_threads_that_it_asks_for_or_the_usable_cpus(tmp_path):
    jobs = (toy_job("ok", threads=1), toy_job("ok"), toy_job("ok", threads=4))
    plan = a_plan(tmp_path, jobs=jobs, facts=facts(usable_cpus=4.0))
    assert [plan.launch(job, placed_by="bare").threads for job in jobs] == [1, 4, 4]
    assert plan.threads == (1, 4)


def test_a_job_that_asks_for_more_threads_than_usable_cpus_is_skipped_with_the_reason(grid):
    changes = GridChanges(axes={"model": ("ok",)}, seeds=(1,), threads=(1, 100_000, None))
    plan = planned(grid, changes=changes)
    assert {job.threads for job in plan.jobs} == {1, None}
    (skip,) = plan.skipped
    assert skip.job.threads == 100_000
    assert skip.reason.startswith("100000 threads need as many CPUs, but this machine has ")


def test_a_path_that_no_job_description_could_hold_is_refused_before_anything_runs(
    grid, tmp_path, monkeypatch
):
    folder = tmp_path / os.fsdecode(b"B\xfcro")
    folder.mkdir()
    monkeypatch.chdir(folder)
    changes = GridChanges(axes={"model": ("ok",)})
    with pytest.raises(RequestError, match=r"the working folder is not UTF-8.*B\\xfcro"):
        planned(grid, changes=changes)
    plan = planned(grid, changes=changes, dispatch="inline")
    plan = replace(plan, dataset=Dataset("toy", "digest", "planted", stage=lambda: folder))
    with pytest.raises(RequestError, match=r"the copy of the data is not UTF-8.*B\\xfcro"):
        plan.launch(plan.jobs[0], placed_by="inline")
    request = RunRequest(workload="tiny_workload.py", grid="quick", dispatch="inline")
    with pytest.raises(RequestError, match=r"the workload is not UTF-8.*Next: .* name in UTF-8"):
        make_plan(request, tiny_workload.WORKLOAD, "")


def test_without_data_a_launch_names_none(grid):
    plan = planned(grid)
    assert plan.data_path is None
    assert plan.launch(plan.jobs[0], placed_by="bare").data_path is None


def test_a_workload_in_a_file_is_named_so_that_a_child_in_any_folder_finds_it(monkeypatch):
    monkeypatch.chdir(ROOT / "tests")
    request = RunRequest(workload="tiny_workload.py:WORKLOAD", grid="quick")
    plan = make_plan(request, tiny_workload.WORKLOAD, "")
    assert plan.reference == f"{ROOT / 'tests' / 'tiny_workload.py'}:WORKLOAD"
    assert absolute("tiny_workload.py") == str(ROOT / "tests" / "tiny_workload.py")
    assert absolute("some.module:NAME") == "some.module:NAME"
    assert sorted(job.axes["size"] for job in plan.jobs) == [64, 128]


def test_an_unknown_value_is_refused_before_anything_is_looked_up(grid):
    changes = GridChanges(axes={"dtype": ("float46",)})
    request = RunRequest(workload="tiny_workload.py", grid="quick", changes=changes)
    with pytest.raises(RequestError, match="did you mean float64"):
        make_plan(request, tiny_workload.WORKLOAD, "")


def test_a_wrong_price_is_refused(grid):
    with pytest.raises(RequestError, match="price cannot be read"):
        planned(grid, price="cheap")


def test_a_label_says_what_a_machine_is_and_not_what_its_owner_calls_it():
    assert default_label(facts()) == "Planted CPU, 4 CPUs"
    assert default_label(facts(cpu_model=None, cpu_architecture="arm64")) == "arm64, 4 CPUs"
    unknown = facts(cpu_model=None, cpu_architecture=None, logical_cores=None)
    assert default_label(unknown) == "unknown CPU"
    cards = [GpuFacts(index=0, model="H100"), GpuFacts(index=1, model="H100"), GpuFacts(index=2)]
    assert default_label(facts(gpus=cards)) == "2 x H100, a GPU with Planted CPU, 4 CPUs"


def test_the_reference_of_a_file_may_be_absolute_already():
    path = Path("/somewhere/mine.py")
    assert absolute(f"{path}:MINE") == f"{path}:MINE"
