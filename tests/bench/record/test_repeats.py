"""Which jobs run again because they were disturbed, and how they are told from other jobs."""

from __future__ import annotations

from dataclasses import replace

import pytest
from builders import a_job, a_measurement, a_record, a_run, conditions

from bench.record.failure import Failure
from bench.record.repeats import repeat_of, repeats_due, still_disturbed
from bench.record.run import merged

JOB = a_job(seed=1)
MEASURED = a_measurement([[0.5, 0.25], [0.25, 0.25]])
LOST = Failure(reason="lost", message="planted")


def disturbed(job, **changes):
    return a_record(job, MEASURED, conditions=conditions("disturbed"), **changes)


def test_a_repeat_has_an_id_of_its_own_and_knows_the_job_that_it_repeats():
    again = JOB.once_more()
    twice = again.once_more()
    assert [job.name for job in (again, twice)] == [f"{JOB.name}-again1", f"{JOB.name}-again2"]
    assert len({job.job_id for job in (JOB, again, twice)}) == 3
    assert (again.original, twice.original, JOB.original) == (JOB, JOB, JOB)
    assert twice.model_copy(update={"again": 0, "name": JOB.name}) == JOB


def test_a_repeat_of_the_second_repeat_of_a_grid_is_not_the_grid_s_own_repeat():
    jobs = [a_job(seed=1, repeat=number) for number in range(4)]
    ids = {job.job_id for job in (*jobs, *(job.once_more() for job in jobs))}
    assert len(ids) == 8


@pytest.mark.parametrize(
    ("flag", "most", "repeated"),
    [("disturbed", 2, True), ("disturbed", 0, False), ("quiet", 2, False), ("unknown", 2, False)],
)
def test_the_flag_alone_decides_on_a_repeat(flag, most, repeated):
    slow = a_measurement([[50.0, 25.0], [25.0, 25.0]])
    for measurement in (MEASURED, slow):
        record = a_record(JOB, measurement, conditions=conditions(flag))
        assert repeat_of(record, most) == (JOB.once_more() if repeated else None)


def test_a_failed_job_and_a_job_that_was_not_watched_are_not_repeated():
    failed = a_record(JOB, LOST, conditions=conditions("disturbed"))
    assert repeat_of(failed, 2) is None
    assert repeat_of(a_record(JOB, MEASURED), 2) is None


def test_a_job_is_repeated_twice_at_most():
    second = JOB.once_more().once_more()
    assert repeat_of(disturbed(JOB.once_more()), 2) == second
    assert repeat_of(disturbed(second), 2) is None


def test_a_repeat_that_has_a_record_is_no_longer_due():
    first, second = disturbed(JOB), disturbed(JOB.once_more())
    assert repeats_due([first, first], (), 2) == (JOB.once_more(),)
    assert repeats_due([first, second], {second.job_id}, 2) == (second.job.once_more(),)
    quiet = a_record(JOB.once_more(), MEASURED, conditions=conditions("quiet"))
    assert repeats_due([first, quiet], {quiet.job_id}, 2) == ()


def test_a_job_stays_disturbed_only_if_every_measurement_of_it_was():
    other = a_job(seed=2)
    records = [
        disturbed(JOB),
        a_record(JOB.once_more(), MEASURED, conditions=conditions("quiet")),
        disturbed(other),
        a_record(other.once_more(), LOST),
    ]
    assert still_disturbed(records) == {other.job_id}


def test_a_run_that_owes_a_repeat_is_not_complete_and_one_without_repeats_is():
    owing = a_run([disturbed(JOB)], repeat_disturbed=2)
    assert owing.own.missing == ()
    assert owing.own.repeats_due == (JOB.once_more(),)
    assert not owing.complete
    assert a_run([disturbed(JOB)]).complete
    paid = a_run([disturbed(JOB), a_record(JOB.once_more(), MEASURED)], planned=[JOB])
    assert paid.complete


def test_a_lost_repeat_of_this_machine_is_due_and_one_of_a_cluster_is_not():
    records = [disturbed(JOB), a_record(JOB.once_more(), LOST)]
    run = a_run(records, planned=[JOB], repeat_disturbed=2)
    assert run.own.repeats_due == (JOB.once_more(),)
    away = tuple(entry.model_copy(update={"own": False}) for entry in run.machines)
    assert replace(run, machines=away).complete


def test_a_repeat_is_no_second_copy_of_its_job():
    run = a_run([disturbed(JOB), a_record(JOB.once_more(), MEASURED)], planned=[JOB])
    (share,) = merged([run, run])
    assert [record.job for record in share.records] == [JOB, JOB.once_more()]
    assert share.jobs == (JOB,)
