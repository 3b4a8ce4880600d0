"""Jobs that only measure ceilings: which there are, and how a run has them beside its jobs."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import replace
from pathlib import Path

import ceilings_workload
import pytest
import toy_workload
from builders import a_job, a_record, a_run, facts
from ceilings_workload import JOB_S, WORKLOAD, a_library_job
from command_line import run_command
from launches import toy_job
from plans import a_plan
from scheduling import JOBS, cluster, outcome, planner, records, run
from toy_runs import look_shortly

from bench import units
from bench.analysis.job_counts import counts_of
from bench.app.campaign import Campaign
from bench.app.commands.preview import launch_lines, plan_lines
from bench.app.commands.run_cluster import preview
from bench.app.exit_code import exit_code_of
from bench.app.own_machine import OwnMachine
from bench.child.workload import Dataset
from bench.cluster.config import read_cluster_file
from bench.cluster.prices import START_S
from bench.dispatch.ceiling_jobs import CEILING_JOB_S, MOST_SHARE, ceiling_jobs
from bench.dispatch.planner import Patience, Planner
from bench.dispatch.scheduler import Scheduler
from bench.dispatch.supply import GridSupply
from bench.record.failure import Failure
from bench.record.journal import find_journals, read_run
from bench.spec.request import ClusterChoice, RunRequest
from mnist_bench.backends import installed
from mnist_bench.workload import WORKLOAD as MNIST

TWO_CPUS = facts(usable_cpus=2.0)


def libraries(jobs):
    """Return what tells jobs apart that only measure ceilings."""
    return Counter((job.axes["library"], job.axes["dtype"], job.threads) for job in jobs)


def test_each_available_library_that_trains_in_no_job_has_one_job_for_its_ceilings():
    jobs = [a_library_job(seed=seed, order="columns") for seed in (1, 2, 3)]
    found = ceiling_jobs(WORKLOAD, jobs, TWO_CPUS)
    assert libraries(found) == {("quick", "float32", None): 1, ("broken", "float32", None): 1}
    assert {job.axes["order"] for job in found} == {"rows"}, "the default runs everywhere"
    assert {job.axes["size"] for job in found} == {8}, "an axis without a default"


def test_there_is_one_for_each_type_and_number_of_threads_that_a_machine_can_run():
    jobs = [
        a_library_job(),
        a_library_job(library="quick"),
        a_library_job(dtype="float64"),
        a_library_job(threads=1),
    ]
    assert libraries(ceiling_jobs(WORKLOAD, jobs, TWO_CPUS)) == {
        ("broken", "float32", None): 1,
        ("broken", "float64", None): 1,
        ("quick", "float32", 1): 1,
        ("broken", "float32", 1): 1,
    }


def test_all_usable_cpus_and_as_many_stated_threads_have_one_job_together():
    jobs = [a_library_job(), a_library_job(threads=2), a_library_job(threads=2, library="quick")]
    assert libraries(ceiling_jobs(WORKLOAD, jobs, TWO_CPUS)) == {("broken", "float32", None): 1}


def test_a_short_run_has_none_so_that_its_answer_does_not_wait():
    jobs = [a_library_job()]
    enough_s = 2 * CEILING_JOB_S / MOST_SHARE
    assert enough_s < JOB_S
    assert ceiling_jobs(WORKLOAD, jobs, TWO_CPUS, minutes=0.9 * enough_s / 60) == ()
    assert len(ceiling_jobs(WORKLOAD, jobs, TWO_CPUS, minutes=1.1 * enough_s / 60)) == 2
    assert ceiling_jobs(MNIST, [a_job(model="mlp")], TWO_CPUS) == ()


def test_a_workload_that_pools_or_measures_nothing_alone_has_none():
    assert ceiling_jobs(toy_workload.WORKLOAD, [toy_job("ok")], TWO_CPUS, minutes=1000) == ()


def test_of_mnist_they_are_of_the_other_installed_backends():
    found = ceiling_jobs(MNIST, [a_job(model="cnn", loop="compiled")], TWO_CPUS, minutes=100)
    names = {job.axes["backend"] for job in found}
    assert names == set(installed()) - {"tensorflow"}
    assert {(job.axes["loop"], job.axes["precision"]) for job in found} <= {("fit", "float32")}


BARE = [a_job(seed=1, backend="jax"), a_job(seed=1, backend="torch")]


def bare_outcome(launch):
    """The record that a simulated job leaves; one that only measures ceilings fails."""
    if not launch.only_ceilings:
        return outcome(launch)
    planted = Failure(reason="crash", message="planted")
    return launch.record(machine=launch.machine, started_at="", failure=planted).model_dump_json()


def test_they_come_last_on_their_host_and_the_supply_hears_nothing_of_them(tmp_path):
    given = []

    def noted(launch):
        given.append(launch.job)
        record = json.loads(bare_outcome(launch))
        if launch.only_ceilings:  # a reason for which a job is tried again at once
            record["failure"]["reason"] = "impossible time"
        return json.dumps(record)

    _, events = run(cluster("a", outcome_of=noted, ceiling_jobs=BARE), tmp_path)
    assert given == [*JOBS, *BARE], "no failure is tried again"
    assert [record.only_ceilings for record in records(events)] == [False] * 4 + [True] * 2


def test_one_that_hangs_is_ended_after_minutes_and_a_shorter_limit_of_the_user_s_stays(tmp_path):
    limits = {}

    def noted(launch):
        limits[launch.job.job_id] = launch.time_limit_s
        return bare_outcome(launch)

    given = planner(tmp_path).launch
    for stated_s, most_s in ((3600.0, 20 * CEILING_JOB_S), (60.0, 60.0)):
        simulated = cluster("a", outcome_of=noted, ceiling_jobs=BARE)
        made = Planner(
            lambda *of, s=stated_s: given(*of).model_copy(update={"time_limit_s": s}),
            planner(tmp_path).entry,
            planner(tmp_path).unavailable,
        )
        list(Scheduler(simulated, GridSupply(), made, clock=simulated.clock).run())
        assert {limits[job.job_id] for job in BARE} == {most_s}
        assert {limits[job.job_id] for job in JOBS} == {stated_s}


def test_none_begins_that_would_not_end_within_the_minutes_of_the_run(tmp_path):
    def length_s(name, launch):
        return 20.0 if launch.only_ceilings else 10.0

    simulated = cluster("a", length_s, outcome_of=bare_outcome, ceiling_jobs=BARE)
    scheduler, events = run(simulated, tmp_path, ends_s=40.0 + CEILING_JOB_S + 5.0)
    assert [record.job for record in records(events)] == [*JOBS, BARE[0]]
    assert scheduler.left_out == 1


def test_a_host_that_is_lost_meanwhile_is_not_waited_for(tmp_path):
    simulated = cluster("a", outcome_of=bare_outcome, ceiling_jobs=BARE)
    simulated.at(45.0, lambda: simulated.lose("a", host_died=True))
    _, events = run(simulated, tmp_path, patience=Patience(grace_s=600.0))
    *trained, lost = records(events)
    assert [record.job for record in trained] == JOBS
    assert (lost.job, lost.only_ceilings, lost.failure.reason) == (BARE[0], True, "host lost")
    assert simulated.clock() < 60.0


def test_a_host_that_comes_back_with_other_packages_trains_no_job_for_ceilings(tmp_path):
    """The second preparation names no jobs for ceilings, as if their libraries were gone."""
    given = []

    def noted(launch):
        given.append((launch.job, launch.only_ceilings))
        return bare_outcome(launch)

    simulated = cluster("a", outcome_of=noted, ceiling_jobs=BARE)

    def lose():
        simulated.ceiling_jobs = ()
        return simulated.lose("a", host_died=False)

    simulated.at(15.0, lose)
    run(simulated, tmp_path)
    assert [job for job, is_bare in given if is_bare] == BARE
    assert [job for job, is_bare in given if not is_bare] == JOBS


def a_library_plan(folder, *jobs, **changes):
    """Return the plan of a run of some jobs, with the jobs that only measure ceilings."""
    found = facts(usable_cpus=1.0)
    return a_plan(
        folder,
        jobs,
        asked=jobs,
        skipped=(),
        workload=WORKLOAD,
        reference=ceilings_workload.NAME,
        facts=found,
        dataset=Dataset(),
        ceiling_jobs=ceiling_jobs(WORKLOAD, jobs, found),
        **changes,
    )


@pytest.mark.slow
def test_a_run_measures_the_ceilings_of_every_library_and_one_that_fails_is_a_note(
    tmp_path, capsys
):
    jobs = (a_library_job(),)
    campaign = Campaign(a_library_plan(tmp_path, *jobs), tmp_path / "out")
    assert campaign.run() is False
    found = campaign.read()
    assert (found.complete, found.warnings) == (True, ())
    assert [record.job for record in found.records] == list(jobs)
    assert counts_of([found]).failed == 0
    by_library = {record.job.axes["library"]: record for record in found.ceiling_records}
    assert set(by_library) == {"quick", "broken"}
    assert by_library["broken"].failure is not None
    quick = by_library["quick"]
    assert quick.ceilings.versions == {"quick": "1.0"}
    assert (quick.ceilings.threads.asked, quick.ceilings.threads.intra_op) == (1, 1)
    assert quick.conditions.whole is not None, "it was watched"
    own = found.records[0].measurement.ceilings
    assert quick.ceilings.ceilings.flops_per_s > own.flops_per_s
    shown = capsys.readouterr().out
    assert "quick and the ceilings of float32 broken are measured last, in about 24 s" in shown
    assert "note: the ceilings of float32 broken were not measured" in shown
    assert "GB/s (cpu)" in shown
    assert "no such symbol  (about 0 s left)" in shown
    assert "[1/1]" in shown and "more]" not in shown
    (line,) = (line for line in shown.splitlines() if line.startswith("[1/1]"))
    assert line.endswith("(about 24 s left)")


@pytest.mark.slow
def test_a_run_that_goes_on_measures_no_ceilings_twice(tmp_path, capsys):
    jobs = (a_library_job(), a_library_job(seed=2))
    campaign = Campaign(a_library_plan(tmp_path, *jobs), tmp_path / "out")
    campaign.run()
    lines = campaign.path.read_text().splitlines(keepends=True)
    is_second = [f'"job_id":"{jobs[1].job_id}","job":' in line for line in lines]
    assert sum(is_second) == 1
    kept = [line for line, second in zip(lines, is_second, strict=True) if not second]
    campaign.path.write_text("".join(kept))
    capsys.readouterr()
    again = Campaign(a_library_plan(tmp_path, *jobs), tmp_path / "out")
    again.run()
    assert "are measured last" not in capsys.readouterr().out
    assert again.path == campaign.path
    found = read_run(again.path)
    assert {record.job for record in found.records} == set(jobs)
    assert len(found.ceiling_records) == 2


@pytest.mark.slow
def test_a_run_that_was_cut_off_among_its_ceilings_measures_the_others_and_no_job_again(
    tmp_path, capsys
):
    jobs = (a_library_job(),)
    plan, out = a_library_plan(tmp_path, *jobs), tmp_path / "out"
    first = Campaign(plan, out)
    first.run()
    *kept, last = first.path.read_text().splitlines(keepends=True)
    assert '"only_ceilings":true' in last
    first.path.write_text("".join(kept))
    first.note_report()  # a run that is cut off is reported too
    cut_off = first.read()
    assert (cut_off.complete, cut_off.finished, len(cut_off.ceiling_records)) == (True, False, 1)
    assert exit_code_of([cut_off]) == 0, "its jobs were measured"
    capsys.readouterr()
    again = Campaign(plan, out)
    again.run()
    again.note_report()
    assert again.path == first.path
    shown = capsys.readouterr().out
    assert "1 job has a record" in shown and "are measured last, in about 12 s" in shown
    found = again.read()
    assert [record.job for record in found.records] == list(jobs)
    assert {record.job_id for record in found.ceiling_records} == {
        job.job_id for job in plan.ceiling_jobs
    }
    assert found.finished
    other = Campaign(plan, out)
    other.run()
    assert other.path != first.path, "nothing is due, so another sitting begins"


def test_ceilings_are_due_on_this_machine_alone_and_in_no_run_of_minutes():
    failure = Failure(reason="crash", message="planted")
    done = a_record(BARE[0], failure, only_ceilings=True)

    def due(own=True, **changes):
        run = a_run([], planned=JOBS, **changes)
        (entry,) = run.machines
        entry = entry.model_copy(update={"own": own, "ceiling_jobs": tuple(BARE)})
        (share,) = replace(run, machines=(entry,), ceiling_records=(done,)).shares
        return share.ceilings_due

    assert due() == tuple(BARE[1:])
    assert due(own=False) == due(minutes=5.0) == ()


@pytest.mark.slow
def test_a_run_that_goes_on_with_more_libraries_names_their_jobs_in_the_line_of_the_machine(
    tmp_path, capsys
):
    jobs = (a_library_job(), a_library_job(seed=2))
    plan = a_library_plan(tmp_path, *jobs)
    campaign = Campaign(replace(plan, ceiling_jobs=()), tmp_path / "out")
    campaign.run()
    *kept, _ = campaign.path.read_text().splitlines(keepends=True)
    campaign.path.write_text("".join(kept))
    capsys.readouterr()
    Campaign(plan, tmp_path / "out").run()
    found = read_run(campaign.path)
    assert found.own.entry.ceiling_jobs == plan.ceiling_jobs
    assert len(found.ceiling_records) == 2
    assert "the ceilings of float32 broken were not measured" in capsys.readouterr().out


@pytest.mark.slow
def test_a_run_without_ceilings_measures_none_and_does_not_go_on_with_a_run_that_has_some(
    tmp_path, monkeypatch, capsys
):
    look_shortly(monkeypatch)
    monkeypatch.chdir(tmp_path)
    Path("one.yaml").write_text("name: one\nsubgrids: [{sizes: 8, epochs: 1}]\n")
    words = ["run", "--workload", ceilings_workload.NAME, "--grid", "one.yaml", "--local-only"]
    words += ["--dispatch", "inline", "--no-figures", "--repeat-disturbed", "0"]

    def measured(*more):
        assert run_command([*words, *more]) == 0
        found = map(read_run, find_journals(tmp_path / "reports" / "journals"))
        return sorted(found, key=lambda run: run.header.started_at)

    (without,) = measured("--no-ceilings")
    assert without.records[0].measurement.ceilings is None
    assert (without.ceiling_records, without.own.entry.ceiling_jobs) == ((), ())
    assert without.finished
    _, whole = measured()
    assert whole.records[0].measurement.ceilings is not None
    assert len(whole.ceiling_records) == 2
    *kept, _, report = whole.path.read_text().splitlines(keepends=True)
    assert '"entry":"report"' in report
    whole.path.write_text("".join(kept))
    capsys.readouterr()
    *_, other = measured("--no-ceilings")
    assert other.path not in (without.path, whole.path)
    assert (other.records[0].measurement.ceilings, other.ceiling_records) == (None, ())
    shown = capsys.readouterr().out
    assert "differs in whether ceilings are measured (it was true, and now is false)" in shown
    assert "are measured last" not in shown


@pytest.mark.slow
def test_a_run_whose_time_is_over_says_that_it_left_ceilings_out(tmp_path, capsys):
    campaign = Campaign(a_library_plan(tmp_path, a_library_job(), minutes=0.2), tmp_path / "out")
    campaign.run()
    found = campaign.read()
    assert found.complete and found.ceiling_records == ()
    assert "the time is over: 2 jobs for ceilings are left out" in capsys.readouterr().out


def test_a_run_of_so_many_minutes_keeps_time_for_those_that_are_left(tmp_path):
    jobs = (a_library_job(),)
    plan = a_library_plan(tmp_path, *jobs, minutes=30.0)
    fresh = OwnMachine(plan, "run-1", "inline", None)
    assert fresh.jobs_end_s(1000.0) == 1000.0 - 2 * CEILING_JOB_S
    assert fresh.jobs_end_s(None) is None
    done = a_record(plan.ceiling_jobs[0], Failure(reason="crash", message=""), only_ceilings=True)
    run = replace(a_run([], planned=jobs, machine=plan.facts), ceiling_records=(done,))
    continued = OwnMachine(plan, "run-1", "inline", run.shares[0])
    assert continued.jobs_end_s(1000.0) == 1000.0 - CEILING_JOB_S
    assert continued.ceilings_due() == plan.ceiling_jobs[1:]


@pytest.mark.parametrize(("wanted", "which"), [(True, [1, 0, 1]), (False, [0, 0, 0])])
def test_the_first_job_of_each_kind_is_described_with_ceilings_if_they_are_wanted(
    tmp_path, wanted, which
):
    jobs = (a_library_job(), a_library_job(seed=2), a_library_job(library="quick"))
    plan = a_library_plan(tmp_path, *jobs, ceilings=wanted)
    lines = launch_lines(plan, RunRequest(workload=ceilings_workload.NAME, grid="small"))
    assert [json.loads(line)["measure_ceilings"] for line in lines] == which


def test_a_dry_run_counts_their_time(tmp_path):
    plan = a_library_plan(tmp_path, a_library_job())
    here = ClusterChoice(local_only=True)
    request = RunRequest(workload=ceilings_workload.NAME, grid="small", cluster=here)
    lines = list(plan_lines(plan, request))
    assert any(line.startswith("the ceilings of float32 quick and") for line in lines)
    assert "about 33 min 44 s on 1 CPU" in lines[-1], "a job takes twice as long as on two"


def test_a_dry_run_counts_their_time_on_the_nodes_of_a_cluster(tmp_path):
    path = Path(__file__).resolve().parents[3] / "cluster.yaml"
    file = read_cluster_file(path)
    plan = a_library_plan(tmp_path, a_library_job())
    up_s = START_S + 60 * file.idle_minutes + JOB_S + 2 * CEILING_JOB_S
    shown = "\n".join(preview(plan, ClusterChoice(file=path)))
    assert f"1 job, up about {units.duration(up_s)}, about" in shown
