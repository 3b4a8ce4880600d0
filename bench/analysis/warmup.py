"""The rule of warm-up: which steps and epochs of a job are steady, and their times."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

from bench.record.measurement import EpochRecord, Measurement

T = TypeVar("T")


def steady_steps(steps_by_epoch: Sequence[int], ragged: bool = False) -> npt.NDArray[np.bool_]:
    """Return a mask of a job's steady steps: the rule of warm-up, here and in `steady_epochs`.

    The first step of epoch 1 (trace and compile) is never steady; if more than one epoch was
    run, epoch 1 is left out whole (caches, clock rates and allocators settle in it). A `ragged`
    last step of an epoch is a smaller batch, and no measure of a whole one.
    """
    steady = np.ones(sum(steps_by_epoch), dtype=bool)
    steady[: steps_by_epoch[0] if len(steps_by_epoch) > 1 else 1] = False
    if ragged:
        steady[np.cumsum(steps_by_epoch) - 1] = False
    return steady


def steady_epochs(epochs: Sequence[T]) -> Sequence[T]:
    """Return the epochs that are steady: all but the first, or the only one there is."""
    return epochs[1:] if len(epochs) > 1 else epochs


def steady_wall_s(epoch: EpochRecord) -> float:
    """Return an epoch's seconds; of epoch 1 with a median step in place of its first.

    The first step of epoch 1 traces and compiles, which no other epoch does.
    """
    if epoch.epoch > 1 or epoch.step_median_s is None:
        return epoch.wall_s
    return epoch.wall_s - epoch.step_first_s + epoch.step_median_s


def steady_times_s(measurement: Measurement, steps: Sequence[int]) -> npt.NDArray[Any]:
    """Return the steady step times of the first epochs, whose `steps` are given.

    Returns an empty array if steps and epochs do not add up.
    """
    times_s = measurement.step_times.unpack()
    if not steps or times_s.size != sum(epoch.steps for epoch in measurement.epochs):
        return np.empty(0)
    times_s = times_s[: sum(steps)]
    return times_s[steady_steps(steps, measurement.ragged_last_step)]
