"""Which job a host runs next: disturbed jobs run again, in virtual time and on several hosts."""

from __future__ import annotations

import random
from collections import Counter

import pytest
from builders import a_record, conditions
from scheduling import JOBS, MEASURED, by_host, cluster, records, run

from bench.dispatch.supply import GridSupply, Known, RepeatingSupply

IDS = [job.job_id for job in JOBS]


def flagged(flag_of):
    """Return the outcome of a simulated job whose flag `flag_of(host, job)` gives."""

    def told(launch):
        seen = conditions(flag_of(launch.label, launch.job))
        record = a_record(launch.job, MEASURED, label=launch.label, attempt=launch.attempt)
        return record.model_copy(update={"conditions": seen}).model_dump_json()

    return told


def times_disturbed(times):
    """Return a flag for the first `times[host, job id]` runs of a job: disturbed; then quiet."""

    def flag_of(host, job):
        disturbed = job.again < times.get((host, job.original.job_id), 0)
        return "disturbed" if disturbed else "quiet"

    return flag_of


def repeated(times, tmp_path, most=2, names="ab", known=None):
    simulated = cluster(names)
    simulated.outcome = flagged(times_disturbed(times))
    supply = RepeatingSupply(GridSupply(known.done if known else None), most, known)
    _, events = run(simulated, tmp_path, supply)
    return simulated, events


def test_each_host_repeats_its_own_disturbed_jobs_after_all_others_and_twice_at_most(tmp_path):
    times = {("a", IDS[0]): 1, ("a", IDS[2]): 9, ("b", IDS[3]): 1}
    simulated, events = repeated(times, tmp_path)
    once, twice = ([job.once_more() for job in JOBS] for _ in range(2))
    expected = [once[0].job_id, once[2].job_id, once[2].once_more().job_id]
    assert by_host(events) == {"a": [*IDS, *expected], "b": [*IDS, twice[3].job_id]}
    assert simulated.busiest == {"a": 1, "b": 1}
    assert {record.attempt for record in records(events)} == {1}


def test_no_job_is_repeated_if_repeats_are_turned_off(tmp_path):
    _, events = repeated({("a", job_id): 9 for job_id in IDS}, tmp_path, most=0)
    assert by_host(events) == {"a": IDS, "b": IDS}


def test_the_length_of_a_job_has_no_say_in_its_repeats(tmp_path):
    """A quiet job that takes a hundred times as long is run once, a fast disturbed one twice."""
    simulated = cluster("a", lambda name, launch: 500.0 if launch.job == JOBS[1] else 5.0)
    simulated.outcome = flagged(times_disturbed({("a", IDS[3]): 1}))
    _, events = run(simulated, tmp_path, RepeatingSupply(GridSupply(), 2))
    assert by_host(events)["a"] == [*IDS, JOBS[3].once_more().job_id]


def test_a_continued_run_runs_the_repeats_that_it_owes_and_no_other(tmp_path):
    """The first job owes its first repeat, the second one its second; the third is repaid."""
    bad, good = conditions("disturbed"), conditions("quiet")
    known = [
        a_record(JOBS[0], MEASURED, conditions=bad),
        a_record(JOBS[1], MEASURED, conditions=bad),
        a_record(JOBS[1].once_more(), MEASURED, conditions=bad),
        a_record(JOBS[2], MEASURED, conditions=bad),
        a_record(JOBS[2].once_more(), MEASURED, conditions=good),
    ]
    done = {"a": {record.job_id for record in known}}
    _, events = repeated({}, tmp_path, names="a", known=Known({"a": known}, done))
    owed = [JOBS[0].once_more(), JOBS[1].once_more().once_more()]
    assert by_host(events)["a"] == [IDS[3], *(job.job_id for job in owed)]


def test_a_repeat_whose_worker_is_lost_is_tried_again_and_is_still_the_same_repeat(tmp_path):
    simulated = cluster("a")
    simulated.outcome = flagged(times_disturbed({("a", IDS[0]): 1}))
    simulated.at(45.0, lambda: simulated.lose("a", host_died=False))
    _, events = run(simulated, tmp_path, RepeatingSupply(GridSupply(), 2))
    *_, last = records(events)
    assert (last.job, last.attempt) == (JOBS[0].once_more(), 2)
    assert len(records(events)) == len(JOBS) + 1


def test_a_host_that_stays_away_ends_its_repeats_with_a_record_each(tmp_path):
    simulated = cluster("a")
    simulated.outcome = flagged(times_disturbed({("a", IDS[0]): 9}))
    simulated.at(15.0, lambda: simulated.take_down("a"))
    _, events = run(simulated, tmp_path, RepeatingSupply(GridSupply(), 2))
    assert by_host(events)["a"] == [*IDS, JOBS[0].once_more().job_id]
    assert [bool(record.failure) for record in records(events)] == [False, *[True] * 4]


@pytest.mark.parametrize("seed", range(8))
def test_whatever_is_disturbed_or_lost_no_job_is_lost_and_none_runs_twice_without_need(
    seed, tmp_path
):
    """Random flags and lost workers on three hosts, checked against each host's own flags."""
    chance = random.Random(seed)
    times = {(host, job_id): chance.choice((0, 0, 1, 2, 9)) for host in "abc" for job_id in IDS}
    simulated = cluster("abc", lambda name, launch: chance.uniform(1, 20))
    simulated.outcome = flagged(times_disturbed(times))
    for host in chance.sample("aabbcc", 4):  # a job that is lost three times is given up
        simulated.at(chance.uniform(0, 80), lambda host=host: simulated.lose(host, host_died=False))
    _, events = run(simulated, tmp_path, RepeatingSupply(GridSupply(), 2))
    found = Counter((record.label, record.job_id) for record in records(events))
    by_id = {job.job_id: job for job in JOBS}
    expected = {
        (host, run_for(by_id[job_id], again).job_id)
        for (host, job_id), count in times.items()
        for again in range(min(count, 2) + 1)
    }
    assert set(found) == expected
    assert set(found.values()) == {1}


def run_for(job, again):
    """Return the job as it runs after it was disturbed `again` times."""
    return run_for(job, again - 1).once_more() if again else job
