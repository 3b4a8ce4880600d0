"""The look at this machine before its first job, which goes on while Ray starts."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator

from bench.app.plan import Plan
from bench.dispatch.eligible import most_threads
from bench.dispatch.transport import Transport
from bench.record.conditions import LookRecord
from bench.watch.look import LOOK_S, Look, look, wait_until_quiet


class EarlyLook:
    """Looks while this process starts what its jobs need, and again afterwards if it was not quiet.

    What this process has started is its own and no disturbance. But while many short-lived
    processes start, some of their CPU time may count as foreign. A second look then decides.
    """

    def __init__(self, plan: Plan, seconds: float = LOOK_S) -> None:
        self._threads = most_threads(plan.jobs, plan.facts)
        self._on_gpu, self._wait_s = plan.workload.may_use_gpu(), plan.wait_quiet_s
        self._seconds = seconds
        self._first: Look | None = None
        self._started = False
        self._thread = threading.Thread(target=self._look, daemon=True)

    def begin(self) -> None:
        """Start to look."""
        with contextlib.suppress(RuntimeError):  # no thread is left, so `settled` looks alone
            self._thread.start()
            self._started = True

    def settled(self, say: Callable[[str], None]) -> LookRecord:
        """Return what the machine is like, and say it.

        If it is not quiet, it is looked at again until it is, at most as long as the plan waits.
        """
        if self._started:
            self._thread.join()
        if self._first is not None and self._first.seen.flag == "quiet":
            say(self._first.words())
            return self._first.record()
        again = wait_until_quiet(
            self._threads, self._wait_s, say, self._seconds, on_gpu=self._on_gpu, starting=True
        )
        return again.record()

    def _look(self) -> None:
        with contextlib.suppress(Exception):  # it is looked at again, and then an error is told
            self._first = look(self._threads, self._seconds, on_gpu=self._on_gpu, starting=True)


@contextlib.contextmanager
def looked_at(
    transport: Transport, early_look: EarlyLook | None, say: Callable[[str], None]
) -> Iterator[tuple[Transport, LookRecord | None]]:
    """Enter `transport`, and look at the machine meanwhile; yield both."""
    if early_look:
        early_look.begin()
    with transport as entered:
        yield entered, early_look.settled(say) if early_look else None
