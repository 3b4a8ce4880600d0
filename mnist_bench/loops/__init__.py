"""Training loops: ways to train one model on one batch order, and the clock that they share."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np

from mnist_bench.inputs import Inputs


@dataclass(frozen=True)
class TimedEpoch:
    """What a loop timed in one epoch: seconds on `time.perf_counter`, one value a step."""

    epoch: int
    started: float
    ended: float
    cpu_s: float
    step_s: np.ndarray = field(repr=False)
    train_loss: float = float("nan")
    train_accuracy: float = float("nan")


@dataclass
class StoppableClock:
    """A clock that leaves out what happens while it is stopped."""

    stopped_s: float = 0.0
    origin: float = field(default_factory=time.perf_counter)

    def elapsed(self) -> float:
        """Return the seconds since `origin` in which the clock was not stopped."""
        return time.perf_counter() - self.origin - self.stopped_s

    def without(self, action: Callable[[], Any]) -> Any:
        """Run `action` with the clock stopped and return its result."""
        begin = time.perf_counter()
        try:
            return action()
        finally:
            self.stopped_s += time.perf_counter() - begin


class Loop(Protocol):
    """Trains a compiled Keras model, whose weights hold the result after every epoch.

    `inputs` are the data as `mnist_bench.inputs` makes them; `orders` has shape (epochs, images);
    `on_epoch` is called after each epoch with the training clock stopped, and may evaluate the
    model.
    """

    def __call__(
        self,
        model: Any,
        inputs: Inputs,
        orders: np.ndarray,
        batch_size: int,
        on_epoch: Callable[[TimedEpoch], None],
    ) -> None: ...


def split_steps(stamps: Sequence[float], started: float) -> np.ndarray:
    """Return the seconds of each step from the stamps of their ends."""
    return np.diff(np.asarray([started, *stamps], dtype=float))
