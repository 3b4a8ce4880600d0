"""Estimates: rough seconds of a job, and a time left that learns from the jobs so far."""

from __future__ import annotations

import pytest
from builders import a_job

from mnist_bench.estimate import AROUND_S, EPOCH_S, TimeLeft, job_seconds
from mnist_bench.models import ARCHITECTURES

JOBS = [a_job(seed=seed) for seed in (1, 2, 3)]
EACH_S = job_seconds(JOBS[0])


def test_every_network_has_an_estimate():
    assert set(EPOCH_S) == set(AROUND_S) == set(ARCHITECTURES)


def test_more_epochs_take_longer_and_larger_batches_shorter():
    assert job_seconds(a_job(epochs=15)) > job_seconds(a_job(epochs=2))
    assert job_seconds(a_job(batch_size=1024)) < job_seconds(a_job(batch_size=128))
    assert job_seconds(a_job(epochs=15, read_off=(2,))) > job_seconds(a_job(epochs=15))


def test_a_compiled_loop_is_expected_to_be_faster_and_xla_s_convolutions_slower():
    assert job_seconds(a_job(loop="compiled")) < job_seconds(a_job())
    assert job_seconds(a_job(loop="compiled", backend="jax")) > job_seconds(a_job())


def test_at_first_the_time_left_is_the_estimate():
    assert TimeLeft(JOBS).factor == 1
    assert TimeLeft(JOBS).seconds() == pytest.approx(3 * EACH_S)
    assert TimeLeft([]).seconds() == 0


def test_a_machine_twice_as_slow_doubles_what_is_left():
    left = TimeLeft(JOBS)
    left.finished(JOBS[0].job_id, 2 * EACH_S)
    assert left.factor == pytest.approx(2)
    assert left.seconds() == pytest.approx(2 * 2 * EACH_S)


def test_the_running_job_counts_down_and_never_below_nothing():
    left = TimeLeft(JOBS)
    assert left.seconds(JOBS[0].job_id, 5) == pytest.approx(3 * EACH_S - 5)
    assert left.seconds(JOBS[0].job_id, 1e9) == pytest.approx(2 * EACH_S)


def test_nothing_is_left_after_the_last_job():
    left = TimeLeft(JOBS)
    for job in JOBS:
        left.finished(job.job_id, 1)
    assert left.seconds() == 0
