"""The look before a run: it names what to close, and waits no longer than it is told."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time

import psutil
import pytest
from faked_roots import faked_root
from launches import wait_for

import bench.watch.look as look
from bench.probe.usable import affinity
from bench.record.conditions import ForeignProcess, Interference
from bench.watch.interval import Interval
from bench.watch.sampler import Watch

BURN = "while True: pass"


def a_look(foreign, causes=(), busiest=(), **more):
    flag = "disturbed" if causes else "unknown" if foreign is None else "quiet"
    seen = Interference(wall_s=3.0, flag=flag, causes=causes, foreign_cpus=foreign, **more)
    return look.Look(seen, busiest, "CPU times: closed to us")


@pytest.mark.slow
def test_a_real_hog_is_found_and_named():
    with subprocess.Popen([sys.executable, "-c", BURN]) as hog:
        try:
            found = look.look(len(affinity()), seconds=2.0)
        finally:
            hog.kill()
    assert not found.is_quiet
    assert "foreign CPU" in found.words()
    assert "close " in found.words()


def test_a_quiet_machine_is_said_to_be_quiet():
    assert a_look(0.02).words() == "the machine is quiet (other processes use 0.02 CPUs)"
    assert a_look(0.0, on_battery=True).words().endswith("; it runs on battery: plug it in")


def test_a_machine_that_nobody_can_watch_is_not_said_to_be_quiet():
    assert a_look(None).words() == (
        "it is unknown whether the machine is quiet: CPU times: closed to us"
    )


def test_a_look_through_closed_files_says_why_it_saw_nothing(tmp_path):
    found = look.look(1, seconds=0.3, root=faked_root(tmp_path))
    assert found.seen.flag == "unknown"
    assert "CPU times: FileNotFoundError" in found.words()


def test_strangers_that_cannot_be_seen_are_said_to_be_hidden():
    found = a_look(1.0, ("foreign CPU (1 CPUs)",))
    assert found.words().endswith("; the processes that use it are not visible from here")


def test_what_to_close_is_named_with_its_pid():
    found = a_look(1.0, ("foreign CPU (1 CPUs)",), (ForeignProcess(pid=7, name="make", cpus=0.9),))
    assert found.words() == (
        "the machine is not quiet: foreign CPU (1 CPUs); close make (pid 7, 0.90 CPUs)"
    )


def test_waiting_ends_as_soon_as_the_machine_is_quiet(monkeypatch):
    """The looks are planted: two disturbed, then a quiet one."""
    looks = [a_look(1.0, ("foreign CPU (1 CPUs)",))] * 2 + [a_look(0.0)]
    monkeypatch.setattr(look, "look", lambda threads, seconds, **_: looks.pop(0))
    said = []
    assert look.wait_until_quiet(2, 60, said.append).is_quiet
    assert [line.startswith("the machine is not quiet") for line in said] == [True, True, False]


@pytest.mark.parametrize("wait_s", [0, 0.3])
def test_waiting_ends_at_its_time_on_a_machine_that_stays_busy(monkeypatch, wait_s):
    """The looks are planted: the machine is never quiet."""

    def busy(threads, seconds, **_):
        time.sleep(0.1)
        return a_look(1.0, ("foreign CPU (1 CPUs)",))

    monkeypatch.setattr(look, "look", busy)
    said = []
    assert not look.wait_until_quiet(2, wait_s, said.append).is_quiet
    assert len(said) == 1 if wait_s == 0 else 2 <= len(said) <= 6


@pytest.mark.slow
def test_what_starts_during_a_look_is_own_though_it_is_deep_and_of_another_session():
    """As a Ray is: a driver in a session of its own, whose children use the time."""
    burn = "import time\nwhile time.process_time() < 1.0: pass\ntime.sleep(60)"
    tree = f"import subprocess, sys\nsubprocess.run([sys.executable, '-c', {burn!r}])"
    with Watch(None, starting=True) as watch:
        watch.wait_open(2.0)
        driver = subprocess.Popen([sys.executable, "-c", tree], start_new_session=True)
        try:
            burner = _child_of(driver)
            wait_for(lambda: sum(burner.cpu_times()[:2]) > 0.95)
            time.sleep(0.5)
        finally:
            os.killpg(driver.pid, signal.SIGKILL)
            driver.wait()
    seen = Interval(watch.ledger.series, watch.began_s, watch.ended_s)
    assert seen.rise("own", "own_cpu_s") >= 0.9


def _child_of(process):
    wait_for(lambda: psutil.Process(process.pid).children())
    return psutil.Process(process.pid).children()[0]
