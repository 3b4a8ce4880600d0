"""Says whether a child stood still while it was watched: by a signal, with its run or the machine.

A wait of the watching process that takes seconds too long has one of two causes. Either everything
was stopped: a container was paused, a virtual machine was moved. Or others took the CPUs: then the
CPUs were busy and the child went on, if slowly. Its times are right then, and its job is disturbed.
"""

from __future__ import annotations

import contextlib
import time
from dataclasses import dataclass

import psutil

from bench.watch.flags import Job
from bench.watch.interval import Interval
from bench.watch.ledger import Ledger

#: Seconds beyond which a wait is too long. A busy machine hardly ever delays a process for more.
LATE_S = 2.0

#: CPU seconds that each thread of a child may use in a wait in which it was stopped: the stop comes
#: up to a tenth of a second after the wait began, and the watching process may go on later than it.
AROUND_S = 0.2

#: Share of the CPUs that must have been busy in a wait if others took them. While a virtual machine
#: is stopped, its kernel counts no busy CPU, but may count the time as that of its processes.
BUSY_SHARE = 0.5


@dataclass(frozen=True)
class _Late:
    """A wait that was too long, and the child's CPU seconds in it; None: they cannot be read."""

    began_s: float
    ended_s: float
    child_cpu_s: float | None


class Standstill:
    """Looks at a child before and after each wait of the process that watches it.

    `ledger` holds the samples of the same time, and `job` says what the child may use.
    """

    def __init__(self, pid: int, job: Job, ledger: Ledger) -> None:
        self._child, self._job, self._ledger = psutil.Process(pid), job, ledger
        self._by_signal = False
        self._late: list[_Late] = []
        self._before: tuple[float, float | None] = (time.perf_counter(), None)

    def begin_wait(self) -> None:
        """Look at the child; the wait begins now."""
        cpu_s = None
        with contextlib.suppress(psutil.Error), self._child.oneshot():
            stops = (psutil.STATUS_STOPPED, psutil.STATUS_TRACING_STOP)
            self._by_signal = self._by_signal or self._child.status() in stops
            cpu_s = self._cpu_s()
        self._before = time.perf_counter(), cpu_s

    def end_wait(self) -> None:
        """Take note of the wait if it was too long."""
        (began_s, before_s), ended_s = self._before, time.perf_counter()
        if ended_s - began_s <= LATE_S:
            return
        used_s = None
        with contextlib.suppress(psutil.Error):
            used_s = None if before_s is None else self._cpu_s() - before_s
        self._late.append(_Late(began_s, ended_s, used_s))

    def seen(self) -> bool:
        """Say whether the child stood still; the ledger must be closed."""
        return self._by_signal or not all(map(self._went_on, self._late))

    def _went_on(self, late: _Late) -> bool:
        wait = Interval(self._ledger.series, late.began_s, late.ended_s)
        busy_s = wait.rise("busy_cpu_s", "busy_cpu_s")
        return went_on(self._job, wait.wall_s, late.child_cpu_s, busy_s)

    def _cpu_s(self) -> float:
        times = self._child.cpu_times()
        return times.user + times.system


def went_on(job: Job, waited_s: float, child_cpu_s: float | None, busy_s: float | None) -> bool:
    """Say whether the child of `job` and the machine went on in a wait that was too long.

    The child used `child_cpu_s` CPU seconds in it, and all processes on the CPUs of the job
    together `busy_s`. If one of them is unknown (None), something may have stood still.
    """
    if child_cpu_s is None or busy_s is None:
        return False
    cpus = job.cpus if job.quota is None else min(job.cpus, job.quota)
    ran = child_cpu_s > AROUND_S * min(job.threads, job.cpus)
    return ran and busy_s >= BUSY_SHARE * cpus * waited_s
