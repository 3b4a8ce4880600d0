"""What tells a child that stood still from one that others took the CPUs from.

The clock and the child are doubles, because a real stop takes seconds. One test lets a real thread
wait for a CPU. Real stops, real children that went on, and a real starved run are in
tests/bench/child/test_reasons.py.
"""

from __future__ import annotations

import contextlib
import subprocess
import sys
from collections import namedtuple

import psutil
import pytest
from groups import limited_to, starving

from bench.watch import standstill
from bench.watch.ledger import Ledger
from bench.watch.standstill import Standstill, queue_of_this_thread

Times = namedtuple("Times", "user system")


class Lived:
    """A clock, a child on it that uses so many CPUs, and a machine of four CPUs."""

    def __init__(self) -> None:
        self.now_s, self.child_s, self.busy_s, self.queued_s = 100.0, 0.0, 0.0, 7.0
        self.state = psutil.STATUS_RUNNING
        self.ledger = Ledger(4)
        self.sample()

    def perf_counter(self):
        return self.now_s

    def oneshot(self):
        return contextlib.nullcontext()

    def status(self):
        return self.state

    def cpu_times(self):
        if self.state == psutil.STATUS_DEAD:
            raise psutil.NoSuchProcess(1)
        return Times(self.child_s, 0.0)

    def passes(self, seconds, child_cpus, busy_cpus, queued_s=0.0):
        self.now_s += seconds
        self.queued_s = None if self.queued_s is None else self.queued_s + queued_s
        self.child_s += child_cpus * seconds
        self.busy_s += busy_cpus * seconds
        self.sample()

    def sample(self):
        self.ledger.add(self.now_s, {"busy_cpu_s": self.busy_s, "child_cpu_s": self.child_s})


@pytest.fixture
def lived(monkeypatch):
    made = Lived()
    monkeypatch.setattr(standstill, "time", made)
    monkeypatch.setattr(standstill, "queue_of_this_thread", lambda: lambda: made.queued_s)
    monkeypatch.setattr(standstill.psutil, "Process", lambda pid: made)
    return made


def after(lived, *late, usual_cpus=2.0):
    """Return whether a standstill is seen after ten short waits and a `late` one, if there is one.

    `late` is as for `passes`.
    """
    watched = Standstill(1, 4, lived.ledger)
    for wait in [(0.1, usual_cpus, usual_cpus)] * 10 + [late] * bool(late):
        watched.begin_wait()
        lived.passes(*wait)
        watched.end_wait()
    lived.ledger.close()
    return watched.seen()


def test_waits_of_a_tenth_of_a_second_show_nothing(lived):
    assert not after(lived)


@pytest.mark.parametrize(
    ("late", "usual_cpus", "stood_still"),
    [
        pytest.param((2.5, 0.4, 3.9), 2.0, False, id="others took the CPUs"),
        pytest.param((2.5, 0.4, 3.9), 8.0, True, id="so little of eight CPUs"),
        pytest.param((2.5, 0.1, 3.9), 2.0, True, id="a container was paused, its neighbours not"),
        pytest.param((600, 0.002, 3.9), 1.0, True, id="the same for minutes"),
        pytest.param((2.5, 2.0, 0.3), 2.0, True, id="a moved machine, whose time is charged"),
        pytest.param((2.5, 0.4, 0.5), 2.0, True, id="a quota: in doubt it stood still"),
        pytest.param((1.9, 0.0, 0.0), 2.0, False, id="a wait that is short enough"),
    ],
)
def test_a_child_went_on_if_it_used_cpu_time_and_the_cpus_were_busy(
    lived, late, usual_cpus, stood_still
):
    """The rule if the watching thread did not wait for a CPU."""
    assert after(lived, *late, usual_cpus=usual_cpus) is stood_still


@pytest.mark.parametrize(
    ("queued_s", "stood_still"),
    [
        pytest.param(4.9, False, id="others had the CPUs all the time"),
        pytest.param(3.1, False, id="the rest is too short for a stop"),
        pytest.param(2.9, True, id="a pause of a machine that is busy too"),
    ],
)
def test_the_time_for_which_the_watching_thread_waited_for_a_cpu_is_no_stop(
    lived, queued_s, stood_still
):
    """The child's CPU time does not matter: if its watcher gets no CPU, it may get none either."""
    assert after(lived, 5.0, 0.0, 4.0, queued_s) is stood_still


def test_waits_for_a_cpu_do_not_lower_what_the_child_uses_usually(lived):
    """Else a container that was paused afterwards would look like a starved one."""
    watched = Standstill(1, 4, lived.ledger)
    for wait in [(0.1, 2.0, 2.0)] * 100 + [(50.0, 0.0, 4.0, 49.9), (3.0, 0.1, 3.9)]:
        watched.begin_wait()
        lived.passes(*wait)
        watched.end_wait()
    lived.ledger.close()
    assert watched.seen()


def test_a_child_that_is_stopped_by_a_signal_stood_still(lived):
    lived.state = psutil.STATUS_STOPPED
    assert after(lived)


def test_a_child_that_cannot_be_read_shows_nothing_unless_a_wait_was_too_long(lived):
    lived.state = psutil.STATUS_DEAD
    assert not after(lived)
    assert after(lived, 2.5, 2.0, 4.0)


@pytest.mark.parametrize("without", ["readings of the CPUs", "a count of waits for a CPU"])
def test_in_doubt_it_stood_still(lived, without):
    if without == "readings of the CPUs":
        lived.ledger = Ledger(4)
        lived.ledger.close()
        assert after(lived, 2.5, 2.0, 4.0)
    else:
        lived.queued_s = None
        assert after(lived, 2.5, 0.0, 4.0)


def test_nothing_is_counted_where_the_kernel_has_no_such_file(monkeypatch, tmp_path):
    empty = tmp_path / "schedstat"
    empty.touch()
    for path in (tmp_path / "missing", empty):
        monkeypatch.setattr(standstill, "SCHEDULED", str(path))
        assert queue_of_this_thread()() is None


#: Prints of each wait that came late by a second how long the thread was queued besides.
WAITING = """
import time
from bench.watch.standstill import queue_of_this_thread
queued_s = queue_of_this_thread()
print("ready", flush=True)
while True:
    before_s, began_s = queued_s(), time.perf_counter()
    time.sleep(0.1)
    late_s = time.perf_counter() - began_s - 0.1
    if late_s > 1:
        print(late_s - (queued_s() - before_s), flush=True)
"""


@pytest.mark.slow
@pytest.mark.skipif(not queue_of_this_thread()(), reason="this kernel counts no waits for a CPU")
def test_a_thread_that_a_quota_keeps_from_the_cpus_is_queued_as_long_as_it_is_late():
    """In one of two waits: between two readings, the group may once more have no time."""
    with limited_to(cpus=1.0, memory_bytes=2**30) as groups:
        words = groups.entered(groups.folders, [sys.executable, "-c", WAITING])
        with subprocess.Popen(words, stdout=subprocess.PIPE) as process:
            assert process.stdout.readline() == b"ready\n"
            with starving(groups, of=1.0):
                unexplained_s = [float(process.stdout.readline()) for _ in range(2)]
            process.kill()
    assert min(map(abs, unexplained_s)) < 0.2
