"""The best answer that some minutes can buy, on fast and slow machines in virtual time."""

from __future__ import annotations

import math
import random
from collections import Counter

import pytest
from builders import a_job, a_measurement, a_record, conditions, facts
from scheduling import MEASURED, by_host, cluster, records, run

from bench.dispatch.durations import Durations, cell_of, kind_of, slowdown, time_limit_s
from bench.dispatch.replicates import Replicates
from bench.dispatch.supply import Known
from bench.dispatch.timed_supply import TimedSupply, kinds_first
from bench.record.failure import Failure
from bench.spec.limits import MOST_AMOUNT
from mnist_bench.description import AXES

#: Seconds that a job of each model takes on a machine that is as fast as the estimates say.
SECONDS = {"mlp": 10.0, "cnn": 40.0}

#: Two cells of each model, and a planned replicate of the cheapest.
JOBS = [
    a_job(model="cnn", optimizer="adam"),
    a_job(model="mlp", optimizer="sgd"),
    a_job(model="cnn", optimizer="sgd"),
    a_job(model="mlp", optimizer="adam"),
    a_job(model="mlp", optimizer="adam", seed=2),
]
IDS = [job.job_id for job in JOBS]


def estimate_s(job):
    return SECONDS[job.axes["model"]]


def told(launch):
    record = a_record(launch.job, MEASURED, label=launch.label, attempt=launch.attempt)
    return record.model_dump_json()


def timed(tmp_path, minutes, slower=1.0, *, names="a", outcome=told, events=(), **options):
    """Run JOBS for some minutes on machines that are `slower` than the estimates.

    Return the simulated hosts, the supply and what happened.
    """
    simulated = cluster(
        names, lambda name, launch: slower * estimate_s(launch.job), JOBS, prepare_s=1.0
    )
    simulated.outcome = outcome
    for when, action in events:
        simulated.at(when, lambda action=action: action(simulated))
    supply = TimedSupply(60 * minutes, simulated.clock, estimate_s, axes=AXES, **options)
    _, happened = run(simulated, tmp_path, supply)
    return simulated, supply, happened


def kinds(ids):
    return {job_id.split("-")[0] for job_id in ids}


@pytest.mark.parametrize("slower", [0.1, 0.5, 1.0, 2.0, 3.0])
def test_the_run_takes_its_minutes_on_fast_and_on_slow_machines(slower, tmp_path):
    """It ends in time, and no job of any kind would have fitted into what is left."""
    simulated, supply, events = timed(tmp_path, minutes=5, slower=slower)
    longest_s = slower * min(SECONDS.values())
    assert 300 - longest_s - 2 < simulated.clock() < 302
    ran = by_host(events)["a"]
    assert kinds(ran) == {"cnn", "mlp"}
    assert len(set(ran)) == len(ran)
    late = {job.job_id for job in supply.out_of_time("a")}
    assert late | set(ran) >= set(IDS)
    assert not late & set(ran)


def test_a_fast_machine_measures_the_grid_first_and_then_a_replicate_of_every_cell(tmp_path):
    _, supply, events = timed(tmp_path, minutes=5)
    ran = by_host(events)["a"]
    assert set(ran[: len(IDS)]) == set(IDS)
    assert supply.out_of_time("a") == ()
    cells = Counter(cell_of(record.job) for record in records(events))
    assert min(cells.values()) >= 2
    single = {cell_of(job) for job in JOBS if job.axes["optimizer"] == "sgd"} | {cell_of(JOBS[0])}
    after = [cell_of(record.job) for record in records(events)[len(IDS) :]]
    assert set(after[:3]) == single, "cells without a replicate come before all others"


def test_a_slow_machine_leaves_out_what_does_not_fit_and_measures_what_does(tmp_path):
    """Three times the estimates: a CNN takes 120 s and an MLP 30 s."""
    simulated, supply, events = timed(tmp_path, minutes=4, slower=3.0)
    ran = by_host(events)["a"]
    assert [job.job_id for job in supply.out_of_time("a")] == [IDS[2]]
    assert set(ran) >= {IDS[0], IDS[1], IDS[3], IDS[4]}
    assert simulated.clock() < 242


def test_one_job_of_each_kind_is_measured_even_if_it_takes_too_long(tmp_path):
    simulated, supply, events = timed(tmp_path, minutes=1, slower=60.0)
    ran = by_host(events)["a"]
    assert (len(ran), kinds(ran)) == (2, {"cnn", "mlp"})
    assert len(supply.out_of_time("a")) == 3
    assert simulated.clock() > 60


def test_the_shortest_job_of_each_kind_comes_first_and_the_rest_keeps_its_order():
    long = a_job(model="cnn", optimizer="rmsprop", epochs=15)
    jobs = [long, *JOBS]
    first = kinds_first(jobs, AXES, lambda job: estimate_s(job) * job.epochs)
    assert first == [JOBS[0], JOBS[1], long, *JOBS[2:]]


def disturbed_first(launch):
    """A machine that disturbs the first run of every CNN."""
    bad = launch.job.axes["model"] == "cnn" and not launch.job.again
    record = a_record(launch.job, MEASURED, label=launch.label, attempt=launch.attempt)
    seen = conditions("disturbed" if bad else "quiet")
    return record.model_copy(update={"conditions": seen}).model_dump_json()


def test_disturbed_jobs_run_again_before_any_replicate(tmp_path):
    _, _, events = timed(tmp_path, minutes=5, outcome=disturbed_first, most=2)
    jobs = [record.job for record in records(events)]
    assert {job.job_id for job in jobs[5:7]} == {
        JOBS[0].once_more().job_id,
        JOBS[2].once_more().job_id,
    }
    assert all(job.repeat for job in jobs[7:] if not job.again)


def test_a_repeat_that_does_not_fit_is_left_out_and_is_not_due_in_the_journal(tmp_path):
    _, supply, events = timed(tmp_path, minutes=2.2, outcome=disturbed_first, most=2)
    assert set(by_host(events)["a"]) >= set(IDS)
    late = [job.again for job in supply.out_of_time("a")]
    assert late == [1, 1]


def test_a_host_that_stays_away_gets_no_endless_replicates(tmp_path):
    gone = [(35.0, lambda simulated: simulated.take_down("a"))]
    _, _, events = timed(tmp_path, minutes=30, names="ab", events=gone)
    of_a = [record for record in records(events) if record.label == "a"]
    assert {record.job_id for record in of_a} == set(IDS)
    assert len(of_a) == len(IDS)
    assert len(by_host(events)["b"]) > len(IDS)


def test_a_cell_whose_replicate_fails_is_measured_no_more(tmp_path):
    def failing(launch):
        if launch.job.repeat and launch.job.axes["model"] == "cnn":
            failure = Failure(reason="crash", message="planted")
            return a_record(launch.job, failure, label=launch.label).model_dump_json()
        return told(launch)

    _, _, events = timed(tmp_path, minutes=8, outcome=failing)
    failed = [record.job for record in records(events) if record.failure]
    assert len(failed) == 2
    assert len({cell_of(job) for job in failed}) == 2


def test_a_continued_run_counts_what_was_measured_and_learns_its_length(tmp_path):
    """The records say that this machine takes 60 s for a job, six times the estimate of an MLP."""
    known = [a_record(job, MEASURED) for job in (JOBS[0], JOBS[1])]
    done = {record.job_id for record in known}
    _, supply, events = timed(
        tmp_path, minutes=0.5, known=Known({"a": known}, {"a": done}), slower=6.0
    )
    assert records(events) == []
    assert {job.job_id for job in supply.out_of_time("a")} == set(IDS) - done


@pytest.mark.parametrize("seed", range(8))
def test_every_job_has_one_record_or_is_left_out_whatever_happens(seed, tmp_path):
    """Random minutes, speeds, disturbances and losses on three hosts."""
    chance = random.Random(seed)
    speeds = {name: chance.choice((0.2, 1.0, 3.0)) for name in "abc"}

    def outcome(launch):
        flag = chance.choice(("quiet", "quiet", "disturbed"))
        record = a_record(launch.job, MEASURED, label=launch.label, attempt=launch.attempt)
        return record.model_copy(update={"conditions": conditions(flag)}).model_dump_json()

    simulated = cluster(
        "abc", lambda name, launch: speeds[name] * estimate_s(launch.job), JOBS, prepare_s=1.0
    )
    simulated.outcome = outcome
    for host in chance.sample("aabbcc", 3):
        simulated.at(
            chance.uniform(0, 120), lambda host=host: simulated.lose(host, host_died=False)
        )
    ends_s = chance.uniform(60, 400)
    supply = TimedSupply(ends_s, simulated.clock, estimate_s, axes=AXES, most=2)
    _, events = run(simulated, tmp_path, supply)
    for host, ran in by_host(events).items():
        late = {job.job_id for job in supply.out_of_time(host)}
        assert len(ran) == len(set(ran))
        assert not late & set(ran)
        assert late | set(ran) >= set(IDS)
        assert kinds(ran) == {"cnn", "mlp"}


def test_a_length_that_was_measured_takes_the_place_of_the_estimate():
    """A cell's own mean, then its kind's factor, then the factor of all jobs."""
    durations = Durations(estimate_s, AXES)
    assert durations.expected_s(JOBS[0]) == 40
    durations.learn(a_record(JOBS[3], MEASURED), 30.0)
    durations.learn(a_record(JOBS[4], MEASURED), 50.0)
    assert durations.expected_s(JOBS[3]) == 40
    assert durations.expected_s(JOBS[1]) == 40  # another MLP: four times its estimate
    assert durations.expected_s(JOBS[0]) == 160  # no CNN was measured yet
    durations.learn(a_record(JOBS[0], MEASURED), 80.0)
    assert durations.expected_s(JOBS[2]) == 80
    durations.learn(a_record(JOBS[1], Failure(reason="crash", message="planted")), 0.1)
    assert durations.expected_s(JOBS[1]) == 40


def took(job, total_s, flag="quiet"):
    measured = a_measurement([[0.5, 0.25]] * 2, total_s=total_s)
    return a_record(job, measured, conditions=conditions(flag))


def best(records_, expected_s=estimate_s, most_s=math.inf):
    replicates = Replicates(JOBS)
    for record in records_:
        replicates.take(record)
    return replicates.best(expected_s, most_s)


def test_the_replicate_that_lowers_the_variance_most_per_second_is_chosen():
    """All cells have two jobs of equal noise, so the shortest job is worth most."""
    twice = [took(job, 10 * factor) for job in JOBS[:4] for factor in (1, 1.02)]
    assert best(twice).axes["model"] == "mlp"
    noisy = [took(JOBS[0], seconds) for seconds in (10, 14)]
    assert cell_of(best([*twice[2:], *noisy])) == cell_of(JOBS[0])


def test_a_replicate_has_a_number_that_no_other_job_has():
    first = best([took(JOBS[3], 10.0)])
    assert (first.repeat, first.seed) == (1, JOBS[3].seed)
    assert first.name == JOBS[3].name + "-r1"
    second = best([took(JOBS[3], 10.0), took(first, 10.0)])
    assert (second.repeat, second.name) == (2, JOBS[3].name + "-r2")
    grid = [a_job(model="mlp", repeat=number) for number in range(3)]
    replicates = Replicates(grid)
    replicates.take(took(grid[0], 10.0))
    assert replicates.best(estimate_s, math.inf).repeat == 3


def test_a_disturbed_job_is_no_replicate_of_a_quiet_one():
    pair = [took(JOBS[0], 10.0), took(JOBS[0].once_more(), 10.0, "disturbed")]
    others = [took(job, seconds) for job in (JOBS[1], JOBS[3]) for seconds in (10.0, 10.1)]
    assert cell_of(best([*pair, *others])) == cell_of(JOBS[0])


def test_no_replicate_is_chosen_that_does_not_fit_and_none_without_a_measurement():
    assert best([took(JOBS[0], 10.0)], most_s=39.0) is None
    assert best([a_record(JOBS[0], Failure(reason="crash", message="planted"))]) is None


def test_a_kind_is_named_by_the_axes_that_separate_machines():
    assert {kind_of(job, AXES) for job in JOBS} == {("mlp",), ("cnn",)}


@pytest.mark.parametrize(
    ("stated_s", "estimate_s", "limit_s"),
    [(7.0, 1e3, 7.0), (None, None, 3600), (None, 1, 900), (None, 100, 2000), (None, 1e12, 1e9)],
)
def test_a_job_s_time_limit_is_the_stated_one_or_some_of_its_estimate_within_bounds(
    stated_s, estimate_s, limit_s
):
    assert time_limit_s(stated_s, estimate_s) == limit_s <= MOST_AMOUNT


@pytest.mark.parametrize(
    ("usable", "logical", "factor"),
    [(0.5, 2, 4.0), (1.0, 8, 2.0), (1.5, 2, 4 / 3), (2.0, 2, 1.0), (64.0, 64, 1.0)],
)
def test_a_machine_of_less_than_two_cpus_takes_longer_in_proportion(usable, logical, factor):
    assert slowdown(facts(usable_cpus=usable, logical_cores=logical)) == pytest.approx(factor)


def test_a_machine_whose_usable_cpus_are_unknown_is_taken_to_use_all_that_it_has():
    assert slowdown(facts(usable_cpus=None, logical_cores=1)) == 2.0
    assert slowdown(facts(usable_cpus=None, logical_cores=None)) == 1.0
