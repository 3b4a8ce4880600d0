"""Machines are told apart, paired job by job, and checked for doing the same work."""

from __future__ import annotations

import math

import pytest
from builders import (
    a_job,
    a_measurement,
    a_record,
    a_run,
    digest,
    facts,
    steady_run,
    throttled_run,
)

from bench.analysis.differences import Difference
from bench.analysis.intervals import Interval, summary
from bench.analysis.machines import unlike_machines
from bench.analysis.pairs import Finding, between, finding, ranking
from bench.analysis.results import analyse
from bench.record.measurement import ThreadFacts
from mnist_bench.description import DESCRIPTION

JOBS = [a_job(seed=seed) for seed in (1, 2, 3)]
STEPS = [[1.0, 0.1], [0.1, 0.1]]


def machines(runs):
    return analyse(runs, DESCRIPTION.outline).machines


def paired(*runs):
    return analyse(runs, DESCRIPTION.outline).pairs


def test_runs_of_one_label_and_the_same_facts_are_pooled():
    runs = [steady_run("lab", 0.01, jobs=JOBS[:1]), steady_run("lab", 0.01, jobs=JOBS[1:])]
    (only,) = machines(runs)
    assert (only.name, only.jobs) == ("lab", 3)


def test_unlike_versions_are_kept_apart_and_both_values_named():
    newer = facts(packages={"keras": "3.12.0", "tensorflow": "2.19.0", "ray": "2.50.0"})
    runs = [
        steady_run("lab", 0.01, jobs=JOBS),
        steady_run("lab", 0.01, jobs=JOBS, machine=newer, run_id="later"),
    ]
    found = machines(runs)
    assert [machine.name for machine in found] == ["lab", "lab [2]"]
    (unlike,) = unlike_machines(found)
    assert (unlike.first.name, unlike.second.name) == ("lab", "lab [2]")
    assert unlike.differences == (Difference("keras", "3.10.0", "3.12.0", subject="versions"),)


def test_unlike_thread_settings_are_kept_apart():
    one = a_measurement(STEPS, threads=ThreadFacts(asked=1, environment={}))
    four = a_measurement(STEPS, threads=ThreadFacts(asked=4, environment={}))
    found = machines([a_run([a_record(JOBS[0], one), a_record(JOBS[1], four)])])
    assert [machine.name for machine in found] == ["lab", "lab [2]"]
    (unlike,) = unlike_machines(found)
    assert unlike.differences == (Difference("threads_asked", 1, 4, subject="threads"),)


def test_a_label_that_looks_like_a_numbered_name_does_not_collide():
    runs = [
        steady_run("lab [2]", 0.01, jobs=JOBS),
        steady_run("lab", 0.01, jobs=JOBS),
        steady_run("lab", 0.01, jobs=JOBS, machine=facts(python="3.12.0"), run_id="later"),
    ]
    names = [machine.name for machine in machines(runs)]
    assert len(set(names)) == 3


def test_one_machine_under_two_labels_is_two_machines():
    runs = [steady_run("quiet", 0.01, jobs=JOBS), steady_run("busy", 0.02, jobs=JOBS)]
    assert [machine.name for machine in machines(runs)] == ["quiet", "busy"]


def test_a_machine_twice_as_slow_is_found_twice_as_slow():
    runs = [steady_run("slow", 0.02, jobs=JOBS), steady_run("fast", 0.01, jobs=JOBS)]
    (pair,) = paired(*runs)
    assert (pair.first, pair.n) == ("slow", 3)
    assert pair.p10.estimate == pytest.approx(0.5)
    assert pair.finding is Finding.SLOWER
    assert ranking([pair]) == ("fast", "slow")
    turned = pair.faster_first
    assert (turned.first, turned.finding) == ("fast", Finding.FASTER)
    assert turned.p10.estimate == pytest.approx(2.0)


def test_a_machine_held_up_by_its_quota_is_compared_by_mean_steps():
    """Half a CPU: the p10 and the median are those of a whole one, the mean is twice as long."""
    whole = steady_run("whole", 0.01, jobs=JOBS)
    (pair,) = paired(throttled_run("half", 0.5, jobs=JOBS), whole)
    assert pair.p10.estimate == pytest.approx(1)
    assert pair.median.estimate == pytest.approx(1)
    assert pair.speed.estimate == pair.mean.estimate == pytest.approx(0.5)
    assert (pair.basis, pair.held_by_quota, pair.finding) == ("mean", ("half",), Finding.SLOWER)
    turned = pair.faster_first
    assert (turned.first, turned.mean.estimate) == ("whole", pytest.approx(2))
    assert ranking([pair]) == ("whole", "half")
    assert between([pair], "whole", "half").estimate == pytest.approx(2)


@pytest.mark.parametrize(
    ("cpus", "figures", "basis"),
    [
        (1.0, {"job_cpu_s": 0.99}, "mean"),
        (1.0, {"job_cpu_s": 0.6}, "p10"),  # a disturbance, which the p10 sees past
        (1.0, {"job_cpu_s": 0.6, "group_foreign_cpus": 0.0}, "mean"),
        (1.0, {"job_cpu_s": 0.95, "group_foreign_cpus": 0.3}, "p10"),
        (0.5, {"job_cpu_s": 0.3, "group_foreign_cpus": 0.2}, "mean"),  # paused either way
        (0.5, {"throttled_s": 0.05}, "p10"),  # a twentieth of its time
    ],
)
def test_a_quota_counts_where_it_pauses_a_job_and_nobody_else_in_the_group_is_why(
    cpus, figures, basis
):
    one = throttled_run("one", cpus, jobs=JOBS, **figures)
    (pair,) = paired(one, steady_run("whole", 0.01, jobs=JOBS))
    assert pair.basis == basis


def test_one_machine_that_is_held_up_puts_all_pairs_of_its_models_on_one_basis():
    """By p10 first is the faster of two; they are ranked by what the third is ranked by."""
    first = throttled_run("first", 0.8, jobs=JOBS, throttled_s=0.01)
    second = steady_run("second", 0.011, jobs=JOBS)
    alone = paired(first, second)
    assert ranking(alone) == ("first", "second")
    pairs = paired(first, second, throttled_run("third", 0.4, jobs=JOBS))
    assert {pair.held_by_quota for pair in pairs} == {("third",)}
    assert ranking(pairs) == ("second", "first", "third")
    assert pairs[0].faster_first.first == ranking(pairs)[0]


def test_the_paired_interval_is_students_t_on_the_log_ratios():
    runs = [
        steady_run("a", 0.01, jobs=JOBS[:2]),
        steady_run("b", 0.02, jobs=JOBS[:2], drift=0.1),
    ]
    (pair,) = paired(*runs)
    logs = [math.log(2.0), math.log(2.2)]
    centre, half = sum(logs) / 2, 12.7062 * (logs[1] - logs[0]) / 2  # t of 0.975, 1 degree
    assert pair.p10.estimate == pytest.approx(math.exp(centre), rel=1e-5)
    assert pair.p10.low == pytest.approx(math.exp(centre - half), rel=1e-4)
    assert pair.p10.high == pytest.approx(math.exp(centre + half), rel=1e-4)


def test_one_common_job_gives_no_interval_and_says_so():
    runs = [steady_run("a", 0.01, jobs=JOBS), steady_run("b", 0.02, jobs=JOBS[:1])]
    (pair,) = paired(*runs)
    assert (pair.n, pair.p10.low) == (1, None)
    assert pair.finding is Finding.ONE_JOB


def test_an_interval_that_holds_one_cannot_be_told_apart():
    assert finding(Interval(1.1, 0.9, 1.3, 3)) is Finding.OPEN
    assert finding(None) is Finding.NO_TIME


def test_unlike_datasets_are_never_compared():
    synthetic = [a_job(seed=seed, dataset="synthetic") for seed in (1, 2)]
    assert paired(steady_run("a", 0.01, jobs=JOBS), steady_run("b", 0.02, jobs=synthetic)) == ()


def test_the_same_job_on_data_with_another_digest_is_never_compared():
    measured = a_measurement(STEPS, digests={"data": digest("other data")})
    other = a_run([a_record(JOBS[0], measured, label="b")])
    same = a_run([a_record(JOBS[0], a_measurement(STEPS), label="a")])
    assert paired(same, other) == ()


def test_each_model_is_compared_by_itself():
    jobs = [*JOBS, a_job(model="mlp")]
    pairs = paired(steady_run("a", 0.01, jobs=jobs), steady_run("b", 0.02, jobs=jobs))
    assert {pair.kind.values: pair.n for pair in pairs} == {("cnn",): 3, ("mlp",): 1}


def test_unlike_starts_between_machines_are_seen():
    other = a_measurement(STEPS, digests={"initial_weights": digest("other")})
    runs = [
        a_run([a_record(JOBS[0], a_measurement(STEPS), label="a")]),
        a_run([a_record(JOBS[0], other, label="b")]),
    ]
    (pair,) = paired(*runs)
    assert pair.starts_alike is False


def test_unknown_and_impossible_times_are_left_out_of_a_summary():
    assert summary([None, float("nan"), 0.0, 2.0]).n == 1
    assert summary([]) is None
