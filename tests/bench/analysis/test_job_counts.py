"""Counts of jobs: each job counts once a machine, by its best outcome."""

from __future__ import annotations

from dataclasses import replace

from builders import a_job, a_measurement, a_record, a_run, conditions

from bench.analysis.job_counts import JobCounts, counts_of
from bench.record.failure import Failure
from bench.record.lines import OutOfTime

JOBS = [a_job(seed=seed) for seed in (1, 2)]
MEASURED = a_measurement([[0.5, 0.25], [0.25, 0.25]])
LOST = Failure(reason="lost", message="planted")


def test_a_job_that_was_measured_twice_counts_once():
    records = [a_record(JOBS[0], MEASURED, attempt=number) for number in (1, 2)]
    counts = counts_of([a_run([*records, a_record(JOBS[1], MEASURED)])])
    assert counts == JobCounts(2, measured=2, failed=0, not_run=0, skipped=0, unavailable=())


def test_a_job_that_was_lost_and_then_measured_is_not_a_failure():
    records = [a_record(JOBS[0], LOST, attempt=3), a_record(JOBS[0], MEASURED)]
    counts = counts_of([a_run(records)])
    assert (counts.measured, counts.failed) == (1, 0)


def test_one_job_on_two_runs_counts_twice():
    bad = Failure(reason="exception", message="planted")
    one, other = a_run([a_record(JOBS[0], MEASURED)]), a_run([a_record(JOBS[0], bad, run_id="b")])
    counts = counts_of([one, other])
    assert (counts.planned, counts.measured, counts.failed) == (2, 1, 1)


def disturbed(job):
    return a_record(job, MEASURED, conditions=conditions("disturbed"))


def test_repeats_of_disturbed_jobs_are_counted_apart_from_the_planned_jobs():
    """One job is disturbed once, the other one each of three times."""
    first, other = JOBS
    again = first.once_more()
    records = [
        disturbed(first),
        a_record(again, MEASURED, conditions=conditions("quiet")),
        *map(disturbed, (other, other.once_more(), other.once_more().once_more())),
    ]
    counts = counts_of([a_run(records, planned=JOBS)])
    assert (counts.planned, counts.measured, counts.failed) == (2, 2, 0)
    assert (counts.repeated, counts.disturbed) == (2, 1)


def test_a_repeat_that_failed_is_no_failure_of_its_job():
    records = [disturbed(JOBS[0]), a_record(JOBS[0].once_more(), LOST)]
    counts = counts_of([a_run(records, planned=JOBS[:1])])
    assert (counts.planned, counts.measured, counts.failed, counts.disturbed) == (1, 1, 0, 1)


def test_a_run_that_is_given_twice_has_its_disturbed_jobs_once():
    run = a_run([disturbed(JOBS[0])])
    assert counts_of([run, run]).disturbed == 1


def timed_run(records, late):
    """Return a run of minutes that planned JOBS and left `late` out."""
    end = OutOfTime(run_id="run-1", label="lab", jobs=tuple(job.job_id for job in late))
    run = a_run(records, planned=JOBS, minutes=1.0, repeat_disturbed=2)
    return replace(run, ends=(end,))


def test_a_job_without_time_is_no_failure_and_a_replicate_in_spare_time_is_counted_apart():
    first, other = JOBS
    more = first.replicate(1)
    run = timed_run([a_record(first, MEASURED), a_record(more, MEASURED)], [other])
    counts = counts_of([run])
    assert (counts.planned, counts.measured, counts.failed) == (2, 1, 0)
    assert (counts.no_time, counts.added) == (1, 1)
    assert run.complete


def test_a_repeat_without_time_is_no_longer_due():
    run = timed_run([disturbed(job) for job in JOBS], [JOBS[0].once_more()])
    assert run.own.repeats_due == (JOBS[1].once_more(),)
    assert run.own.out_of_time == ()
