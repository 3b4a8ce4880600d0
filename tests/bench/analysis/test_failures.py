"""What gave no measurement is told apart and counted."""

from __future__ import annotations

from dataclasses import replace

from builders import a_job, a_measurement, a_record, a_run, conditions

from bench.analysis.failures import unmeasured
from bench.analysis.job_counts import counted_jobs
from bench.record.failure import Failure
from bench.record.lines import MachineEntry, OutOfTime, Skip
from bench.record.run import merged

STEPS = [[1.0, 0.1], [0.1, 0.1]]
FAILURE = Failure(reason="crash", message="signal 9", log_tail="killed")


def found(*runs):
    shares = merged(runs)
    told = unmeasured(runs, shares)
    return told, counted_jobs(shares, told)


def test_failed_attempts_and_jobs_that_were_not_run_are_told_apart():
    failed, retried, absent = (a_job(seed=seed) for seed in (1, 2, 3))
    run = a_run(
        [
            a_record(failed, FAILURE),
            a_record(retried, FAILURE),
            a_record(retried, a_measurement(STEPS), attempt=2),
        ],
        planned=[failed, retried, absent],
    )
    told, count = found(run)
    assert [one.job_id for one in told] == [failed.job_id, retried.job_id, absent.job_id]
    assert [one.outcome for one in told] == ["failed", "failed", "not run"]
    assert [one.measured_later for one in told] == [False, True, False]
    assert (count.planned, count.measured, count.failed, count.not_run) == (3, 1, 1, 1)


def test_a_skipped_job_and_an_unavailable_machine_are_no_failures():
    skip = Skip(job=a_job(backend="jax"), reason="jax is not installed")
    run = a_run([a_record(a_job(), a_measurement(STEPS))], skipped=(skip,))
    gone = MachineEntry(run_id=run.header.run_id, label="arm", reason="no quota")
    told, count = found(replace(run, machines=(*run.machines, gone)))
    assert [(one.label, one.outcome, one.why) for one in told] == [
        ("lab", "skipped", "jax is not installed"),
        ("arm", "unavailable", "no quota"),
    ]
    assert (count.planned, count.measured, count.failed, count.skipped) == (1, 1, 0, 1)
    assert count.unavailable == ("arm",)


def test_a_run_that_is_given_twice_counts_once():
    run = a_run([a_record(a_job(), FAILURE)])
    once, twice = found(run), found(run, run)
    assert once == twice


def test_a_repeat_of_a_disturbed_job_is_no_further_job():
    job, bad = a_job(seed=1), conditions("disturbed")
    quiet = a_record(job.once_more(), a_measurement(STEPS), conditions=conditions("quiet"))
    for second, failed in ((quiet, 0), (a_record(job.once_more(), FAILURE), 1)):
        run = a_run([a_record(job, a_measurement(STEPS), conditions=bad), second], planned=[job])
        told, count = found(run)
        assert len(told) == failed  # a failed repeat has its row in the table
        assert (count.planned, count.measured, count.failed, count.not_run) == (1, 1, 0, 0)
        assert (count.repeated, count.disturbed) == (1, failed)


def test_a_job_without_time_has_its_row_and_is_counted_neither_as_failed_nor_as_not_run():
    ran, late = a_job(seed=1), a_job(seed=2)
    records = [a_record(job, a_measurement(STEPS)) for job in (ran, ran.replicate(1))]
    run = a_run(records, planned=[ran, late], minutes=5.0)
    end = OutOfTime(run_id=run.header.run_id, label="lab", jobs=(late.job_id,))
    told, count = found(replace(run, ends=(end,)))
    assert [(one.job_id, one.outcome, one.minutes) for one in told] == [(late.job_id, "no time", 5)]
    assert (count.planned, count.measured, count.failed, count.not_run) == (2, 1, 0, 0)
    assert (count.no_time, count.added) == (1, 1)
