"""The scheduler in virtual time: one job a host, lost hosts, missing types, limits, scale."""

from __future__ import annotations

import tempfile
from collections import Counter
from dataclasses import replace
from pathlib import Path

import psutil
import pytest
from builders import a_job, a_measurement, a_record
from scheduling import JOBS, by_host, cluster, outcome, planner, records, run

from bench.child.process import failed_record
from bench.dispatch.budget import Budget
from bench.dispatch.cluster_request import WantedType
from bench.dispatch.lane import HostState
from bench.dispatch.scheduler import Scheduler
from bench.dispatch.simulated import SimulatedHosts
from bench.dispatch.supply import GridSupply
from bench.dispatch.transport import Host
from bench.record.failure import Failure
from bench.record.journal import Journal
from bench.record.price import Price

#: A folder whose files are in memory, on Linux.
MEMORY = Path("/dev/shm")


def priced(host, usd_per_hour):
    return replace(host, price=Price(usd_per_hour))


def test_every_host_runs_every_job_once_in_the_given_order(tmp_path):
    _, events = run(cluster("abc"), tmp_path)
    order = [job.job_id for job in JOBS]
    assert by_host(events) == {"a": order, "b": order, "c": order}


def test_a_host_never_has_two_jobs_at_once_and_no_host_waits_for_a_slower_one(tmp_path):
    simulated = cluster("ab", lambda name, launch: 100.0 if name == "b" else 1.0)
    run(simulated, tmp_path)
    assert simulated.busiest == {"a": 1, "b": 1}
    last_of_a = max(when for when, host, *_ in simulated.log if host == "a")
    assert last_of_a < 10


def test_a_killed_worker_s_job_is_tried_again_on_its_host_with_the_next_attempt_number(tmp_path):
    simulated = cluster("ab")
    simulated.at(15.0, lambda: simulated.lose("a", host_died=False))
    _, events = run(simulated, tmp_path)
    found = [record for record in records(events) if record.label == "a"]
    assert [record.attempt for record in found] == [1, 2, 1, 1]
    assert all(record.measurement for record in found)
    tries = [(job, attempt) for _, host, job, attempt in simulated.log if host == "a"]
    assert tries[1:3] == [(JOBS[1].job_id, 1), (JOBS[1].job_id, 2)]


def test_a_host_that_comes_back_within_the_grace_time_goes_on_where_it_was(tmp_path):
    simulated = cluster("ab")
    simulated.at(15.0, lambda: simulated.take_down("a"))
    simulated.at(60.0, lambda: simulated.come_back("a"))
    _, events = run(simulated, tmp_path)
    assert Counter(record.label for record in records(events)) == {"a": 4, "b": 4}
    assert all(record.measurement for record in records(events))
    assert [r.attempt for r in records(events) if r.label == "a"] == [1, 2, 1, 1]


def test_a_dead_host_that_is_still_called_alive_is_not_given_its_job_again(tmp_path):
    simulated = cluster("a")
    simulated.at(15.0, lambda: simulated.lose("a", host_died=True))  # its incarnation stays listed
    simulated.at(50.0, lambda: simulated.come_back("a"))
    run(simulated, tmp_path)
    again = [when for when, _, job, attempt in simulated.log if attempt == 2]
    assert len(again) == 1
    assert again[0] >= 50.0


def test_a_host_that_stays_away_has_each_of_its_jobs_recorded_as_lost_and_holds_up_nobody(tmp_path):
    simulated = cluster("ab")
    simulated.at(15.0, lambda: simulated.take_down("a"))
    _, events = run(simulated, tmp_path)
    of_a = [record for record in records(events) if record.label == "a"]
    assert [record.job_id for record in of_a] == [job.job_id for job in JOBS]
    assert [record.failure and record.failure.reason for record in of_a] == [None] + [
        "host lost"
    ] * 3
    assert "after attempt 1" in of_a[1].failure.message
    assert all("not started" in record.failure.message for record in of_a[2:])
    assert max(when for when, host, *_ in simulated.log if host == "b") < 32


@pytest.mark.parametrize(
    ("reason", "bad", "attempts"),
    [("impossible time", 2, [1, 2, 3]), ("impossible time", 9, [1, 2, 3]), ("crash", 1, [1])],
)
def test_a_job_that_fails_for_a_passing_reason_runs_again_at_once(tmp_path, reason, bad, attempts):
    first = JOBS[0].job_id

    def outcome_of(launch):
        if launch.job.job_id != first or launch.attempt > bad:
            return outcome(launch)
        failure = Failure(reason=reason, message="planted")
        return failed_record(launch, failure, "2026-11-01T10:00:00Z").model_dump_json()

    _, events = run(cluster("a", outcome_of=outcome_of), tmp_path)
    told = [record for record in records(events) if record.job_id == first]
    assert [record.attempt for record in told] == attempts
    assert (told[-1].failure is None) == (bad < len(attempts))
    assert len(records(events)) == len(JOBS) - 1 + len(attempts)


def test_a_job_that_is_lost_three_times_is_a_record_and_the_next_job_runs(tmp_path):
    simulated = cluster("a")
    for when in (5.0, 12.0, 20.0):
        simulated.at(when, lambda: simulated.lose("a", host_died=False))
    _, events = run(simulated, tmp_path)
    first, *others = records(events)
    assert first.failure.reason == "host lost"
    assert "3 attempts" in first.failure.message
    assert first.attempt == 3
    assert [record.job_id for record in others] == [job.job_id for job in JOBS[1:]]
    assert all(record.measurement for record in others)


def test_a_loss_while_a_host_is_prepared_again_is_no_attempt_of_the_job(tmp_path):
    simulated = cluster("a")
    simulated.prepare_s = 2.0
    for when in (5.0, 9.0):  # in mid-job; then in the preparing that follows 3 s later
        simulated.at(when, lambda: simulated.lose("a", host_died=False))
    _, events = run(simulated, tmp_path)
    first, *others = records(events)
    assert first.measurement
    assert first.attempt == 2
    assert [record.attempt for record in others] == [1] * (len(JOBS) - 1)


def test_a_type_that_is_unavailable_is_one_line_with_its_reason_and_holds_up_nobody(tmp_path):
    simulated = cluster("ab")
    simulated.refusals["gpu"] = "InsufficientInstanceCapacity"
    waits_s = {"gpu": 500.0, "arm": 60.0}
    types = [WantedType(name=name, ask=True, wait_s=waits_s[name]) for name in waits_s]
    _, events = run(simulated, tmp_path, types=types)
    refused = [event.machine for event in events if event.machine and event.machine.reason]
    assert [entry.label for entry in refused] == ["gpu", "arm"]
    assert "InsufficientInstanceCapacity" in refused[0].reason
    assert "0 of 1 came up within 6" in refused[1].reason
    assert [wanted.name for wanted in simulated.asked] == ["gpu", "arm"]
    assert [wanted.name for wanted in simulated.withdrawn] == ["gpu", "arm"]
    assert len(records(events)) == 8


def test_a_type_that_comes_up_while_others_measure_is_measured_too(tmp_path):
    simulated = cluster("a")
    simulated.at(30.0, lambda: simulated.bring_up(Host("g", "g-first", type="gpu")))
    _, events = run(simulated, tmp_path, types=[WantedType(name="gpu", ask=True)])
    assert Counter(record.label for record in records(events)) == {"a": 4, "g": 4}
    assert not [event for event in events if event.machine and event.machine.reason]


def test_a_head_that_is_not_to_be_measured_gets_no_job(tmp_path):
    simulated = cluster("a")
    simulated.bring_up(Host("head", "head-first", measured=False))
    _, events = run(simulated, tmp_path)
    assert set(by_host(events)) == {"a"}


def test_a_time_limit_ends_what_runs_and_records_nothing_for_it(tmp_path):
    simulated = cluster("ab")
    budget = Budget(max_s=25.0, clock=simulated.clock)
    scheduler, events = run(simulated, tmp_path, limit=budget.why_stop)
    assert "minutes is reached" in scheduler.stopped
    assert Counter(record.label for record in records(events)) == {"a": 2, "b": 2}
    assert simulated.running == {}


def test_a_limit_in_dollars_counts_every_host_that_is_up_measured_or_not(tmp_path):
    simulated = cluster("")
    for name, price, measured in (("a", 36.0, True), ("head", 36.0, False)):
        simulated.bring_up(priced(Host(name, name, measured=measured), price))  # 0.01 USD a second
    budget = Budget(max_usd=0.5, clock=simulated.clock)
    scheduler, events = run(simulated, tmp_path, limit=budget.why_stop)
    assert "0.5 USD is reached" in scheduler.stopped
    assert budget.spent_usd == pytest.approx(0.5, abs=0.03)
    assert len(records(events)) == 2  # 25 s of 10 s jobs


def test_a_limit_in_dollars_stops_at_once_where_a_price_is_unknown(tmp_path):
    simulated = cluster("a")
    budget = Budget(max_usd=0.5, clock=simulated.clock)
    scheduler, events = run(simulated, tmp_path, limit=budget.why_stop)
    assert "the price of a is unknown" in scheduler.stopped
    assert events == []


def test_leaving_in_mid_run_ends_what_runs(tmp_path):
    simulated = cluster("ab")
    scheduler = Scheduler(simulated, GridSupply(), planner(tmp_path), clock=simulated.clock)
    items = scheduler.run()
    next(event for event in items if event.kind == "started")
    items.close()
    assert simulated.running == {}


def test_jobs_that_a_host_has_done_already_are_not_given_to_it_again(tmp_path):
    done = {"a": frozenset(job.job_id for job in JOBS[:2])}
    _, events = run(cluster("ab"), tmp_path, GridSupply(done))
    assert by_host(events)["a"] == [job.job_id for job in JOBS[2:]]
    assert len(by_host(events)["b"]) == len(JOBS)


def test_a_host_that_fails_while_it_is_prepared_again_leaves_no_job_without_a_record(tmp_path):
    """Its first preparation went well, so its line is there; the error is in the records."""
    simulated = cluster("a")
    simulated.prepare_s = 2.0
    simulated.at(15.0, lambda: simulated.lose("a", host_died=False))
    simulated.at(18.9, lambda: simulated.fail("a", "the disk is full"))
    _, events = run(simulated, tmp_path)
    assert [event.machine.reason for event in events if event.machine] == [None]
    assert sorted(record.job_id for record in records(events)) == sorted(j.job_id for j in JOBS)
    failures = [record.failure for record in records(events) if record.failure]
    assert len(failures) == 3
    assert all("the disk is full" in failure.message for failure in failures)


def test_a_job_that_never_began_is_no_attempt(tmp_path):
    simulated = cluster("a")
    simulated.at(15.0, lambda: simulated.miss("a"))
    _, events = run(simulated, tmp_path)
    assert [record.attempt for record in records(events)] == [1, 1, 1, 1]
    assert all(record.measurement for record in records(events))


def test_a_host_goes_through_its_states_and_ends_closed(tmp_path):
    simulated = cluster("a")
    simulated.prepare_s = 2.0
    simulated.at(5.0, lambda: simulated.lose("a", host_died=False))
    scheduler = Scheduler(simulated, GridSupply(), planner(tmp_path), clock=simulated.clock)
    seen = []
    simulated.at(1.0, lambda: seen.append(scheduler.states()["a"]))
    simulated.at(4.0, lambda: seen.append(scheduler.states()["a"]))
    simulated.at(6.5, lambda: seen.append(scheduler.states()["a"]))
    list(scheduler.run())
    assert seen == [HostState.PREPARING, HostState.RUNNING, HostState.LOST]
    assert scheduler.states() == {"a": HostState.CLOSED}


@pytest.mark.slow
def test_500_hosts_of_36_jobs_keep_0_95_of_the_ideal_time_and_take_under_1_gb(tmp_path):
    """Virtual time plus all that scheduling, parsing and journalling really take.

    Records are as long as real ones (5 epochs of raw step times); the journal is real and fsynced.
    """
    jobs, length_s, hosts = [a_job(seed=seed) for seed in range(36)], 20.0, 500
    long = a_measurement([[0.5, 0.25] + [0.125] * 467] * 5)

    def whole(launch):
        return a_record(launch.job, long, label=launch.label).model_dump_json()

    names = [f"host-{number}" for number in range(hosts)]
    up = [Host(name, name) for name in names]
    simulated = SimulatedHosts(up, jobs, lambda name, launch: length_s, whole)
    scheduler = Scheduler(simulated, GridSupply(), planner(tmp_path), clock=simulated.clock)
    counts = Counter()
    with tempfile.TemporaryDirectory(dir=MEMORY if MEMORY.is_dir() else tmp_path) as folder:
        journal = Path(folder) / "journal.jsonl"
        journal.touch()
        writer = Journal(journal)
        before_bytes = psutil.Process().memory_info().rss
        for event in scheduler.run():
            if event.record:
                writer.append(event.record)
                counts[event.record.label] += 1
        taken_bytes = psutil.Process().memory_info().rss - before_bytes
    assert counts == dict.fromkeys(names, 36)
    assert simulated.busiest == dict.fromkeys(names, 1)
    efficiency = 36 * length_s / simulated.clock()
    assert efficiency >= 0.95, efficiency
    assert taken_bytes < 1e9
