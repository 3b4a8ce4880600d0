"""A declared GPU that is not there fails the job plainly; one that is there lets it through."""

from __future__ import annotations

import pytest
from launches import a_launch

from bench.child.devices import check_device, visible_gpus
from bench.child.job import run_launch
from bench.errors import DeviceError
from bench.record.failure import NO_GPU, REASONS

A_GPU = "GPU 0: Planted (UUID: GPU-0)"


def a_driver(folder, monkeypatch, script):
    """Put a stand-in for the driver's tool first on PATH; a real one needs a GPU."""
    tool = folder / "nvidia-smi"
    tool.write_text(f"#!/bin/sh\n{script}\n")
    tool.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")


def test_a_job_that_expects_no_gpu_runs_whatever_is_there(tmp_path):
    assert run_launch(a_launch("ok", tmp_path), print).measurement is not None


def test_a_job_that_expects_a_gpu_fails_as_no_gpu_visible_where_there_is_none(
    tmp_path, monkeypatch
):
    a_driver(tmp_path, monkeypatch, "echo No devices were found; exit 6")
    record = run_launch(a_launch("ok", tmp_path, expects="gpu"), print)
    assert record.measurement is None
    assert record.failure.reason == NO_GPU
    assert "no GPU visible" in record.failure.message


def test_a_gpu_that_the_driver_lists_lets_the_job_through(tmp_path, monkeypatch):
    a_driver(tmp_path, monkeypatch, f"echo '{A_GPU}'")
    assert visible_gpus() == (A_GPU,)
    assert run_launch(a_launch("ok", tmp_path, expects="gpu"), print).measurement is not None


def test_a_framework_that_sees_no_gpu_is_refused_too():
    check_device("gpu", ["GPU:0"])
    check_device(None, [])
    with pytest.raises(DeviceError, match="no GPU visible") as caught:
        check_device("gpu", [])
    assert caught.value.next_step == REASONS[NO_GPU].advice
