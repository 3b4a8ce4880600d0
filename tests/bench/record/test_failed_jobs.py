"""When a run is done with a job that failed, and when the same command tries it again."""

from __future__ import annotations

from dataclasses import replace

import pytest
from builders import a_job, a_record, a_run

from bench.record.failure import Failure

JOB, OTHER = a_job(seed=1), a_job(seed=2)


def failed(*reasons, job=JOB):
    """Return a run of `job`, which failed for each of the reasons in turn."""
    return a_run([a_record(job, Failure(reason=one, message="planted")) for one in reasons])


@pytest.mark.parametrize(
    ("reasons", "is_done"),
    [
        (["exception"], False),
        (["exception", "exception"], True),
        (["exception", "crash"], False),
        (["exception", "crash", "exception"], True),
        (["diverged"], True),
        (["impossible time"] * 5, False),
        (["impossible time"] * 6, True),
    ],
    ids=str,
)
def test_a_job_that_failed_in_two_calls_for_the_same_reason_is_done(reasons, is_done):
    run = failed(*reasons)
    assert (JOB.job_id in run.own.done) is is_done
    assert run.complete is is_done


def test_a_job_that_failed_on_another_machine_is_done_at_once():
    run = failed("exception")
    away = tuple(entry.model_copy(update={"own": False}) for entry in run.machines)
    assert replace(run, machines=away).complete


def test_a_run_misses_only_what_failed_for_the_same_reason_before():
    run, before = failed("crash"), {(JOB.job_id, "crash")}
    assert run.misses_only(before)
    assert not run.misses_only({(JOB.job_id, "exception"), (OTHER.job_id, "crash")})
    assert not a_run(run.records, planned=[JOB, OTHER]).misses_only(before), "one was never tried"
