"""Says whether a child stood still: a signal, or a pause of its container or machine, stopped it.

A wait of the watching process that takes seconds too long has one of two causes. Either everything
was stopped: a container was paused, a virtual machine was moved. Or other processes or a quota kept
the CPUs from the run. The child was slow then, but its times are right, and its job is judged by
its conditions as any other.

Linux counts how long a thread that could run waited for a CPU. A thread that a signal or a paused
container stops waits for none, so the part of a wait that this time does not explain counts as a
stop. If nothing counts it (macOS), or if it does not explain the wait (Ctrl-Z, which stops the run
and not the child), the child went on if the CPUs were busy and the child used its share of them.
If that is not known, the child counts as stopped.

One stop is not seen: a virtual machine may be stopped at a moment when the watching thread waits
for a CPU. The kernel may then count the whole stop as a wait for a CPU.
"""

from __future__ import annotations

import contextlib
import math
import time
from collections.abc import Callable
from dataclasses import dataclass

import psutil

from bench.watch.files import KeptFile
from bench.watch.interval import Interval
from bench.watch.ledger import Ledger

#: Seconds beyond which a wait is too long.
LATE_S = 2.0

#: Two times of the thread that opens the file, in ns: how long it ran, and how long it waited for a
#: CPU. Source: Documentation/scheduler/sched-stats.rst of the kernel.
SCHEDULED = "/proc/thread-self/schedstat"

#: Seconds of such a wait in which a child that was stopped may have run: the stop comes up to a
#: tenth of a second after the wait began, and the watching process may continue after the child.
AROUND_S = 0.2

#: Share of its usual CPU time that a child uses at least in a wait in which others took the CPUs.
RAN_SHARE = 0.05

#: Share of the CPUs that must have been busy in a wait if others took them. If a virtual machine is
#: stopped, its kernel counts no CPU as busy meanwhile. It may still add the time of the stop to the
#: CPU time of a process.
BUSY_SHARE = 0.5


def queue_of_this_thread() -> Callable[[], float | None]:
    """Return a function that gives the seconds for which this thread has waited for a CPU.

    It gives None if the system does not count them.
    """
    try:
        file = KeptFile(SCHEDULED)
    except OSError:
        return lambda: None

    def read() -> float | None:
        try:
            return int(file.read().split()[1]) / 1e9
        except (OSError, ValueError, IndexError):
            return None

    return read


@dataclass(frozen=True)
class _Look:
    """What was seen when a wait began; None: it cannot be read."""

    at_s: float
    queued_s: float | None
    child_cpu_s: float | None


@dataclass(frozen=True)
class _Wait:
    """A wait that was too long.

    `queued_s` are the seconds of it in which the watching thread waited for a CPU, and
    `child_cpu_s` the child's CPU seconds in it. None: they cannot be read.
    """

    began_s: float
    ended_s: float
    queued_s: float | None
    child_cpu_s: float | None

    @property
    def explained(self) -> bool:
        """Whether the watching thread was merely kept from the CPUs."""
        return self.ended_s - self.began_s - (self.queued_s or 0.0) <= LATE_S


class Standstill:
    """Looks at a child before and after each wait of the thread that watches it.

    Make it in that thread: the time for which the maker waits for a CPU is what is read.
    `cpus` is the number of CPUs that the child may use, and `ledger` holds the samples of the same
    time. CPU time of processes that the child starts does not count as the child's.
    """

    def __init__(self, pid: int, cpus: int, ledger: Ledger) -> None:
        self._child, self._cpus, self._ledger = psutil.Process(pid), cpus, ledger
        self._by_signal = False
        self._late: list[_Wait] = []
        self._queued_s = queue_of_this_thread()
        self._before = _Look(time.perf_counter(), self._queued_s(), None)

    def begin_wait(self) -> None:
        """Look at the child; the wait begins now."""
        cpu_s = None
        with contextlib.suppress(psutil.Error), self._child.oneshot():
            stops = (psutil.STATUS_STOPPED, psutil.STATUS_TRACING_STOP)
            self._by_signal = self._by_signal or self._child.status() in stops
            cpu_s = self._cpu_s()
        queued_s = self._queued_s()
        self._before = _Look(time.perf_counter(), queued_s, cpu_s)

    def end_wait(self) -> None:
        """Look at the child again if the wait was too long."""
        before, ended_s = self._before, time.perf_counter()
        if ended_s - before.at_s <= LATE_S:
            return
        # the clock is read first: a wait for a CPU between the readings is no stop
        queued_s = _rise(before.queued_s, self._queued_s())
        used_s = None
        with contextlib.suppress(psutil.Error):
            used_s = _rise(before.child_cpu_s, self._cpu_s())
        self._late.append(_Wait(before.at_s, ended_s, queued_s, used_s))

    def seen(self) -> bool:
        """Say whether the child stood still; the ledger must be closed."""
        if self._by_signal:
            return True
        return not all(late.explained or self._went_on(late) for late in self._late)

    def _went_on(self, late: _Wait) -> bool:
        """Say whether the child and the machine went on in a wait that no queue explains."""
        wait = Interval(self._ledger.series, late.began_s, late.ended_s)
        busy_s, usual_cpus = wait.rise("busy_cpu_s", "busy_cpu_s"), self._usual_cpus()
        if busy_s is None or late.child_cpu_s is None or usual_cpus is None:
            return False
        ran = late.child_cpu_s > usual_cpus * max(AROUND_S, RAN_SHARE * wait.wall_s)
        return ran and busy_s >= BUSY_SHARE * self._cpus * wait.wall_s

    def _usual_cpus(self) -> float | None:
        """Return how many CPUs the child used outside of the late waits; None if it is unknown."""
        whole = Interval(self._ledger.series, -math.inf, math.inf)
        read = whole.counter("child_cpu_s").readings(whole.begin_s, whole.end_s)
        if read is None:
            return None
        first_s, last_s, used_s = read
        other_s = last_s - first_s - sum(one.ended_s - one.began_s for one in self._late)
        other_cpu_s = used_s - sum(one.child_cpu_s or 0.0 for one in self._late)
        return other_cpu_s / other_s if other_s > 0 and other_cpu_s > 0 else None

    def _cpu_s(self) -> float:
        times = self._child.cpu_times()
        return times.user + times.system


def _rise(before: float | None, after: float | None) -> float | None:
    return None if before is None or after is None else after - before
