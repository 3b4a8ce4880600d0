"""Estimates: rough seconds of a job."""

from __future__ import annotations

from builders import a_job

from mnist_bench.estimate import AROUND_S, EPOCH_S, job_seconds
from mnist_bench.models import ARCHITECTURES


def test_every_network_has_an_estimate():
    assert set(EPOCH_S) == set(AROUND_S) == set(ARCHITECTURES)


def test_more_epochs_take_longer_and_larger_batches_shorter():
    assert job_seconds(a_job(epochs=15)) > job_seconds(a_job(epochs=2))
    assert job_seconds(a_job(batch_size=1024)) < job_seconds(a_job(batch_size=128))
    assert job_seconds(a_job(epochs=15, read_off=(2,))) > job_seconds(a_job(epochs=15))
    every, end = a_job(epochs=15, evaluate="every"), a_job(epochs=15, read_off=(2, 3))
    assert job_seconds(every) > job_seconds(end)


def test_a_compiled_loop_is_expected_to_be_faster_and_xla_s_convolutions_slower():
    assert job_seconds(a_job(loop="compiled")) < job_seconds(a_job())
    assert job_seconds(a_job(loop="compiled", backend="jax")) > job_seconds(a_job())
