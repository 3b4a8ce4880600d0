"""A time left that learns from the jobs so far."""

from __future__ import annotations

import pytest
from builders import a_job

from bench.app.time_left import TimeLeft
from bench.dispatch.durations import UNKNOWN_S
from mnist_bench.estimate import job_seconds

JOBS = [a_job(seed=seed) for seed in (1, 2, 3)]
EACH_S = job_seconds(JOBS[0])


def test_at_first_the_time_left_is_the_estimate():
    assert TimeLeft(JOBS, job_seconds).factor == 1
    assert TimeLeft(JOBS, job_seconds).seconds() == pytest.approx(3 * EACH_S)
    assert TimeLeft([], job_seconds).seconds() == 0


def test_a_machine_twice_as_slow_doubles_what_is_left():
    left = TimeLeft(JOBS, job_seconds)
    left.finished(JOBS[0].job_id, 2 * EACH_S)
    assert left.factor == pytest.approx(2)
    assert left.seconds() == pytest.approx(2 * 2 * EACH_S)


def test_a_job_whose_time_is_stated_is_not_scaled_by_how_the_others_turned_out():
    left = TimeLeft(JOBS[:1], job_seconds)
    left.add(JOBS[1], 12.0)
    left.finished(JOBS[0].job_id, EACH_S / 1000)
    assert left.seconds() == left.of([JOBS[1].job_id]) == pytest.approx(12.0)
    assert left.seconds(JOBS[1].job_id, 5.0) == pytest.approx(7.0)


def test_the_running_job_counts_down_and_never_below_nothing():
    left = TimeLeft(JOBS, job_seconds)
    assert left.seconds(JOBS[0].job_id, 5) == pytest.approx(3 * EACH_S - 5)
    assert left.seconds(JOBS[0].job_id, 1e9) == pytest.approx(2 * EACH_S)


def test_nothing_is_left_after_the_last_job():
    left = TimeLeft(JOBS, job_seconds)
    for job in JOBS:
        left.finished(job.job_id, 1)
    assert left.seconds() == 0


def test_a_job_without_an_estimate_counts_as_a_guess():
    assert TimeLeft(JOBS, lambda job: None).seconds() == 3 * UNKNOWN_S
