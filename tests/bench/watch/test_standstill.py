"""What tells a child that stood still from one that others took the CPUs from.

The clock and the child are doubles here, because a stop that counts takes seconds. Real stops, and
a real child that went on, are in tests/bench/child/test_reasons.py.
"""

from __future__ import annotations

import contextlib
from collections import namedtuple

import psutil
import pytest

from bench.watch import standstill
from bench.watch.ledger import Ledger
from bench.watch.standstill import Standstill

Times = namedtuple("Times", "user system")


class Lived:
    """A clock, a child on it that uses so many CPUs, and a machine of four CPUs."""

    def __init__(self) -> None:
        self.now_s, self.child_s, self.busy_s = 100.0, 0.0, 0.0
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

    def passes(self, seconds, child_cpus, busy_cpus):
        self.now_s += seconds
        self.child_s += child_cpus * seconds
        self.busy_s += busy_cpus * seconds
        self.sample()

    def sample(self):
        self.ledger.add(self.now_s, {"busy_cpu_s": self.busy_s, "child_cpu_s": self.child_s})


@pytest.fixture
def lived(monkeypatch):
    made = Lived()
    monkeypatch.setattr(standstill, "time", made)
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
    assert after(lived, *late, usual_cpus=usual_cpus) is stood_still


def test_a_child_that_is_stopped_by_a_signal_stood_still(lived):
    lived.state = psutil.STATUS_STOPPED
    assert after(lived)


def test_a_child_that_cannot_be_read_shows_nothing_unless_a_wait_was_too_long(lived):
    lived.state = psutil.STATUS_DEAD
    assert not after(lived)
    assert after(lived, 2.5, 2.0, 4.0)


def test_without_readings_of_the_cpus_in_doubt_it_stood_still(lived):
    lived.ledger = Ledger(4)
    lived.ledger.close()
    assert after(lived, 2.5, 2.0, 4.0)
