"""The clock of a job: seconds of steps and epochs without evaluations."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, NoReturn, TypeVar

import numpy as np
import numpy.typing as npt

from bench.errors import WorkloadError

#: A device's stamps may span more than the epoch by this share and this time: clocks differ a bit.
STAMPS_SHARE, STAMPS_S = 0.001, 0.001

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

    The timer runs until `stop` or `end`, and it is done after `end`. Raises WorkloadError if a
    method is called too late.
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
        self._done = False
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
        """Note that `steps` more steps are done; the steps of one launch share its time equally.

        Raises WorkloadError if `steps` is less than one, or if the epoch has stamps.
        """
        self._check_running("step")
        if steps < 1:
            self._refuse("was told of less than one step", steps, "call epoch.step() after a step")
        if self._on_device is not None:
            self._refuse_both()
        self._synchronise()
        now = time.perf_counter()
        self._steps += [(now - self._last) / steps] * steps
        self._last = now

    def apart(self) -> None:
        """Note that a set-up (such as compilation) ends now; only the first step includes it."""
        self._check_running("apart")
        self._synchronise()
        now = time.perf_counter()
        self._apart_s += now - self._last
        self._last = now

    def stamped(self, stamps: Sequence[float] | npt.NDArray[np.float64]) -> None:
        """Take time stamps from the device: the epoch's beginning and the end of each step.

        They are seconds of any clock, one more than there are steps. Time outside the stamps counts
        for the first step.

        Raises WorkloadError if there are fewer than two stamps, if they fall or are not finite, or
        if the epoch has steps or stamps already.
        """
        self._check_open("stamped")
        values = np.asarray(stamps, dtype=float)
        if self._steps or self._on_device is not None:
            self._refuse_both()
        if values.ndim != 1 or values.size < 2:
            self._refuse(
                "has fewer than two stamps",
                values.size,
                "stamp the epoch's beginning and the end of each step",
            )
        step_s = np.diff(values)
        if not np.isfinite(values).all() or (step_s < 0).any():
            self._refuse(
                "has stamps that do not rise",
                f"a step of {step_s.min():g} s",
                "stamp the steps in their order, with one clock",
            )
        self._on_device = step_s

    def report(self, **metrics: float) -> None:
        """Take the workload's metrics of this epoch, by name."""
        self._check_open("report")
        self._metrics |= {name: float(value) for name, value in metrics.items()}

    def stop(self) -> None:
        """Stop the epoch's clock: what follows (such as copying weights back) is not timed."""
        self._check_running("stop")
        self._synchronise()
        self._ended = time.perf_counter()
        self._cpu_s = time.process_time() - self._cpu_s

    def end(self, **metrics: float) -> None:
        """End the epoch; its record and a possible evaluation run with the clock stopped.

        Raises WorkloadError if the epoch has ended already, or if its stamps span more time.
        """
        self._check_open("end")
        if self._ended is None:
            self.stop()
        assert self._ended is not None
        self.report(**metrics)
        step_s = self._step_seconds(self._ended - self._started)
        self._done = True
        self._take(
            TimedEpoch(
                self._number, self._started, self._ended, self._cpu_s, step_s, dict(self._metrics)
            )
        )

    def _step_seconds(self, wall_s: float) -> npt.NDArray[np.float64]:
        if self._on_device is not None:
            span_s = float(self._on_device.sum())
            if span_s > wall_s * (1 + STAMPS_SHARE) + STAMPS_S:
                self._refuse(
                    "has stamps that span more time than it took",
                    f"{span_s:g} s of {wall_s:g} s",
                    "give stamps in seconds, made within the epoch",
                )
            step_s = self._on_device.copy()
            step_s[0] += max(0.0, wall_s - span_s)
            return step_s
        step_s = np.asarray(self._steps, dtype=float)
        if step_s.size:
            step_s[0] += self._apart_s
        return step_s

    def _check_running(self, method: str) -> None:
        """Raise WorkloadError if the epoch's clock does not run any more."""
        if self._ended is not None:
            self._refuse(
                "has stopped its clock already",
                f"epoch.{method}()",
                f"call epoch.{method}() before epoch.stop() and epoch.end()",
            )

    def _check_open(self, method: str) -> None:
        """Raise WorkloadError if the epoch has ended."""
        if self._done:
            self._refuse(
                "has ended already",
                f"epoch.{method}()",
                "end an epoch once: leave its `with` block, or call epoch.end()",
            )

    def _refuse_both(self) -> NoReturn:
        self._refuse(
            "has its step times already",
            "both epoch.step() and epoch.stamped(), or stamps given twice",
            "call epoch.step() after each step, or epoch.stamped() once",
        )

    def _refuse(self, what: str, seen: object, next_step: str) -> NoReturn:
        raise WorkloadError(f"epoch {self._number} {what}", seen=seen, next_step=next_step)


def no_device() -> None:
    """Do nothing: this workload's operations are done when they return."""


def timed(action: Callable[[], Any]) -> float:
    """Run `action` and return how many seconds it took."""
    begin = time.perf_counter()
    action()
    return time.perf_counter() - begin
