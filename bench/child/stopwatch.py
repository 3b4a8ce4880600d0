"""The clock of a job: seconds of steps and epochs, with evaluations left out."""

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
    """A clock that leaves out what happens while it is stopped; seconds of `time.perf_counter`."""

    stopped_s: float = 0.0
    origin: float = field(default_factory=time.perf_counter)

    def elapsed(self) -> float:
        """Return the seconds since `origin` in which the clock was not stopped."""
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
    """What was timed in one epoch: seconds on `time.perf_counter`, one value a step."""

    epoch: int
    started: float
    ended: float
    cpu_s: float
    step_s: npt.NDArray[np.float64] = field(repr=False)
    metrics: dict[str, float] = field(default_factory=dict)


class EpochTimer:
    """Times one epoch; the meter makes it, and its first moment is when it is made.

    Use it as a context manager and call `step` after each step, or call `end` by hand (in a
    callback). The device is synchronised before a clock is read, if the workload said how.
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
        """Take note that `steps` more steps are done; several of one launch share its time."""
        self._synchronise()
        now = time.perf_counter()
        self._steps += [(now - self._last) / steps] * steps
        self._last = now

    def apart(self) -> None:
        """Take note that a set-up (a compilation) ends now; it belongs to the first step alone."""
        now = time.perf_counter()
        self._apart_s += now - self._last
        self._last = now

    def stamped(self, stamps: Sequence[float] | npt.NDArray[np.float64]) -> None:
        """Take the stamps that the device made itself: the epoch's begin and each step's end.

        They are seconds of any clock, one more than there are steps. What passed outside of them
        belongs to the first step.
        """
        self._on_device = np.diff(np.asarray(stamps, dtype=float))

    def report(self, **metrics: float) -> None:
        """Take the workload's metrics of this epoch, by name."""
        self._metrics |= {name: float(value) for name, value in metrics.items()}

    def stop(self) -> None:
        """Stop the epoch's clock: what follows (weights that are copied back) is not its time."""
        self._synchronise()
        self._ended = time.perf_counter()
        self._cpu_s = time.process_time() - self._cpu_s

    def end(self, **metrics: float) -> None:
        """End the epoch; what follows (its record, an evaluation) runs with the clock stopped."""
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
    """Synchronise nothing: the operations of this workload are done when they return."""


def timed(action: Callable[[], Any]) -> float:
    """Run `action` and return how many seconds it took."""
    begin = time.perf_counter()
    action()
    return time.perf_counter() - begin
