"""The order of jobs: it follows from the seed, the machine and the run, and favours no job."""

from __future__ import annotations

import random

from builders import a_job

from bench.spec.order import run_order, shuffled


def test_the_order_of_jobs_depends_on_the_seed_and_not_on_how_they_came():
    jobs = [a_job(seed=seed) for seed in range(20)]
    order = shuffled(jobs, 1)
    mixed = list(jobs)
    random.Random(5).shuffle(mixed)
    assert shuffled(mixed, 1) == order
    assert shuffled(jobs, 2) != order
    assert order != jobs
    assert sorted(job.seed for job in order) == list(range(20))


def test_each_machine_and_each_run_has_an_order_that_it_keeps():
    jobs = [a_job(seed=seed) for seed in range(20)]
    order = run_order(jobs, 1, "desk", "run-1")
    assert run_order(jobs[::-1], 1, "desk", "run-1") == order
    assert sorted(job.seed for job in order) == list(range(20))
    for other in ((2, "desk", "run-1"), (1, "rack", "run-1"), (1, "desk", "run-2")):
        assert run_order(jobs, *other) != order


def test_over_many_runs_each_job_has_its_mean_place_in_the_middle():
    """The mean of 300 places of ten is 4.5, with a standard error of 0.17."""
    jobs = [a_job(seed=seed) for seed in range(10)]
    orders = [run_order(jobs, 0, "desk", f"run-{number}") for number in range(300)]
    for job in jobs:
        assert 3.8 < sum(order.index(job) for order in orders) / 300 < 5.2
