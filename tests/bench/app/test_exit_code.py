"""The exit code of a run: 0 if every planned job was measured on every machine."""

from __future__ import annotations

from dataclasses import replace

from builders import a_job, a_measurement, a_record, a_run, conditions

from bench.app.exit_code import exit_code_of
from bench.record.failure import Failure
from bench.record.lines import MachineEntry, OutOfTime

JOBS = [a_job(seed=seed) for seed in (1, 2)]
MEASURED = a_measurement([[0.5, 0.25], [0.25, 0.25]])
LOST = Failure(reason="lost", message="planted")


def timed_run(records, late):
    """Return a run of minutes that planned JOBS and left `late` out."""
    end = OutOfTime(run_id="run-1", label="lab", jobs=tuple(job.job_id for job in late))
    return replace(a_run(records, planned=JOBS, minutes=1.0), ends=(end,))


def test_a_job_that_was_lost_and_then_measured_is_no_failure():
    run = a_run([a_record(JOBS[0], LOST, attempt=1), a_record(JOBS[0], MEASURED, attempt=2)])
    assert exit_code_of([run]) == 0


def test_a_failure_in_one_of_two_runs_makes_the_code_1():
    good = a_run([a_record(JOBS[0], MEASURED)])
    bad = a_run([a_record(JOBS[0], Failure(reason="exception", message="planted"), run_id="b")])
    assert exit_code_of([good, bad]) == 1


def test_an_unavailable_machine_makes_the_code_1():
    run = a_run([a_record(JOBS[0], MEASURED)])
    away = MachineEntry(run_id="run-1", label="rack", reason="0 of 1 came up")
    assert exit_code_of([run]) == 0
    assert exit_code_of([replace(run, machines=(*run.machines, away))]) == 1


def test_a_job_that_was_disturbed_each_time_is_no_failure():
    jobs = (JOBS[0], JOBS[0].once_more(), JOBS[0].once_more().once_more())
    records = [a_record(job, MEASURED, conditions=conditions("disturbed")) for job in jobs]
    assert exit_code_of([a_run(records, planned=JOBS[:1])]) == 0


def test_minutes_in_which_nothing_was_measured_or_a_job_failed_are_no_success():
    assert exit_code_of([timed_run([a_record(JOBS[0], MEASURED)], JOBS[1:])]) == 0
    assert exit_code_of([timed_run([], JOBS)]) == 1
    assert exit_code_of([timed_run([a_record(JOBS[0], LOST)], JOBS[1:])]) == 1


def test_a_run_of_minutes_that_was_cut_off_misses_its_jobs():
    run = replace(timed_run([a_record(JOBS[0], MEASURED)], ()), ends=())
    assert run.own.missing == (JOBS[1].job_id,)
    assert exit_code_of([run]) == 1
