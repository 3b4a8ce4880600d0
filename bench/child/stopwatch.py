"""The clock of a job: seconds of steps and epochs without evaluations."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

Result = TypeVar("Result")


@dataclass
class StoppableClock:
    """A clock that can be stopped; its seconds are those of `time.perf_counter`."""

    stopped_s: float = 0.0
    origin: float = field(default_factory=time.perf_counter)

    def elapsed(self) -> float:
        """Return the seconds since `origin`, without the time that the clock was stopped."""
        return time.perf_counter() - self.origin - self.stopped_s

    def without(self, action: Callable[[], Result]) -> Result:
        """Run `action` with the clock stopped and return its result."""
        begin = time.perf_counter()
        try:
            return action()
        finally:
            self.stopped_s += time.perf_counter() - begin


@dataclass(frozen=True)
class TimedEpoch:
    """The times of one epoch, in seconds of `time.perf_counter`; `step_s` has a value per step."""

    epoch: int
    started: float
    ended: float
    cpu_s: float
    step_s: npt.NDArray[np.float64] = field(repr=False)
    metrics: dict[str, float] = field(default_factory=dict)


class EpochTimer:
    """Times one epoch. The meter makes it, and the epoch begins at that moment.

    Use it as a context manager and call `step` after each step, or call `end` yourself (in a
    callback). If the workload gave a `synchronise`, it is called before a clock is read.
    """

    def __init__(
        self,
        number: int,
        synchronise: Callable[[], None],
        take: Callable[[TimedEpoch], None],
    ) -> None:
        self._number, self._synchronise, self._take = number, synchronise, take
        self._steps: list[float] = []
        self._metrics: dict[str, float] = {}
        self._apart_s = 0.0
        self._on_device: npt.NDArray[np.float64] | None = None
        self._ended: float | None = None
        self._cpu_s = time.process_time()
        self._started = self._last = time.perf_counter()

    def __enter__(self) -> EpochTimer:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if kind is None:
            self.end()

    def step(self, steps: int = 1) -> None:
        """Note that `steps` more steps are done; the steps of one launch share its time equally."""
        self._synchronise()
        now = time.perf_counter()
        self._steps += [(now - self._last) / steps] * steps
        self._last = now

    def apart(self) -> None:
        """Note that a set-up (such as compilation) ends now; only the first step includes it."""
        now = time.perf_counter()
        self._apart_s += now - self._last
        self._last = now

    def stamped(self, stamps: Sequence[float] | npt.NDArray[np.float64]) -> None:
        """Take time stamps from the device: the epoch's beginning and the end of each step.

        They are seconds of any clock, one more than there are steps. Time outside the stamps counts
        for the first step.
        """
        self._on_device = np.diff(np.asarray(stamps, dtype=float))

    def report(self, **metrics: float) -> None:
        """Take the workload's metrics of this epoch, by name."""
        self._metrics |= {name: float(value) for name, value in metrics.items()}

    def stop(self) -> None:
        """Stop the epoch's clock: what follows (such as copying weights back) is not timed."""
        self._synchronise()
        self._ended = time.perf_counter()
        self._cpu_s = time.process_time() - self._cpu_s

    def end(self, **metrics: float) -> None:
        """End the epoch; its record and a possible evaluation run with the clock stopped."""
        if self._ended is None:
            self.stop()
        assert self._ended is not None
        self.report(**metrics)
        step_s = self._step_seconds(self._ended - self._started)
        self._take(
            TimedEpoch(
                self._number, self._started, self._ended, self._cpu_s, step_s, dict(self._metrics)
            )
        )

    def _step_seconds(self, wall_s: float) -> npt.NDArray[np.float64]:
        if self._on_device is not None:
            step_s = self._on_device.copy()
            step_s[0] += max(0.0, wall_s - float(step_s.sum()))
            return step_s
        step_s = np.asarray(self._steps, dtype=float)
        if step_s.size:
            step_s[0] += self._apart_s
        return step_s


def no_device() -> None:
    """Do nothing: this workload's operations are done when they return."""


def timed(action: Callable[[], Any]) -> float:
    """Run `action` and return how many seconds it took."""
    begin = time.perf_counter()
    action()
    return time.perf_counter() - begin
