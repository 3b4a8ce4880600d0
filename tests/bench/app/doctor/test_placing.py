"""Ports that are taken, and a real embedded Ray that starts, works and ends, or does not."""

from __future__ import annotations

import os
import socket
import subprocess
import sys

import psutil
import pytest
from doctors import found

from bench.app.doctor import placing
from bench.dispatch import ray_process, ray_trial
from bench.errors import DispatchError

LISTEN = (
    "import socket, time; s = socket.create_server(('127.0.0.1', {port})); "
    "print(s.getsockname()[1], flush=True); time.sleep(60)"
)


@pytest.fixture
def taken():
    """Yield a port of loopback on which another program listens."""
    words = [sys.executable, "-c", LISTEN.format(port=0)]
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as other:
        try:
            yield int(other.stdout.readline())
        finally:
            other.kill()


def test_a_port_in_use_is_named_with_what_to_do(taken):
    (one,) = found("ports", serve=taken)
    assert one.state == "problem"
    assert f"port {taken} of this machine is unavailable" in one.seen
    assert "in use" in one.seen
    assert "give another port" in one.cure
    assert f"ss -ltnp 'sport = :{taken}'" in one.cure


def test_another_ray_on_this_machine_is_named_by_its_port(taken, monkeypatch):
    """A program that only listens stands for the other Ray, on a port of its own."""
    monkeypatch.setattr(placing, "OF_RAY", (taken,))
    (one,) = found("ports")
    assert one.state == "warning"
    assert f"port {taken} answers" in one.seen


def test_a_free_port_is_free_afterwards_too(monkeypatch):
    monkeypatch.setattr(placing, "OF_RAY", ())
    with socket.create_server(("127.0.0.1", 0)) as unused:
        port = unused.getsockname()[1]
    (one,) = found("ports", serve=port)
    assert one.state == "ok"
    socket.create_server(("127.0.0.1", port)).close()


@pytest.mark.slow
def test_a_real_ray_starts_does_a_task_and_leaves_no_process():
    before = {process.pid for process in psutil.Process().children(recursive=True)}
    (one,) = found("ray", workload="toy_workload:WORKLOAD")
    assert one.state == "ok", one.seen
    assert "did a task and ended in" in one.seen
    after = {process.pid for process in psutil.Process().children(recursive=True)}
    assert after <= before
    assert "ray" not in sys.modules or "RAY_AUTH_MODE" not in os.environ


def plant_ray(folder, monkeypatch, source):
    """Put a package in the place of Ray's; the process that holds Ray imports it."""
    (folder / "ray").mkdir()
    (folder / "ray" / "__init__.py").write_text(source)
    monkeypatch.syspath_prepend(folder)


def test_a_ray_that_cannot_start_is_named_with_the_way_without_it(tmp_path, monkeypatch):
    """A package in the place of Ray's that cannot be imported stands for a broken one."""
    plant_ray(tmp_path, monkeypatch, "raise OSError('a planted fault')\n")
    (one,) = found("ray", workload="toy_workload:WORKLOAD")
    assert one.state == "problem"
    assert "a planted fault" in one.seen
    assert one.cure == "{program} run --dispatch inline"


@pytest.mark.slow
def test_a_ray_that_hangs_is_ended_at_its_limit(tmp_path, monkeypatch):
    """A package in the place of Ray's that sleeps stands for one that hangs."""
    plant_ray(tmp_path, monkeypatch, "import time\ntime.sleep(600)\n")
    monkeypatch.setattr(ray_process, "START_S", 2.0)
    before = {process.pid for process in psutil.Process().children(recursive=True)}
    with pytest.raises(DispatchError, match=r"no answer within 2 s.*--dispatch inline"):
        ray_trial.try_ray("toy_workload:WORKLOAD", 60)
    assert {process.pid for process in psutil.Process().children(recursive=True)} <= before
