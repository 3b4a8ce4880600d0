"""The rule of warm-up: which steps and epochs of a job are steady, their times and figures."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

from bench.record.measurement import EpochRecord, Measurement

T = TypeVar("T")


def steady_steps(steps_by_epoch: Sequence[int], ragged: bool = False) -> npt.NDArray[np.bool_]:
    """Return a mask of a job's steady steps.

    The first step of epoch 1 (trace and compile) is never steady. If more than one epoch was run,
    no step of epoch 1 is steady, because caches, clock rates and allocators settle in it. If the
    last step of each epoch is `ragged`, it has a smaller batch, so it is not steady either.
    """
    steady = np.ones(sum(steps_by_epoch), dtype=bool)
    steady[: steps_by_epoch[0] if len(steps_by_epoch) > 1 else 1] = False
    if ragged:
        steady[np.cumsum(steps_by_epoch) - 1] = False
    return steady


def steady_epochs(epochs: Sequence[T]) -> Sequence[T]:
    """Return the steady epochs: all but the first; a single epoch is steady itself."""
    return epochs[1:] if len(epochs) > 1 else epochs


def steady_wall_s(epoch: EpochRecord) -> float:
    """Return an epoch's seconds. In epoch 1, a median step replaces the first step.

    The first step of epoch 1 traces and compiles, which happens in no other epoch.
    """
    if epoch.epoch > 1 or epoch.step_median_s is None:
        return epoch.wall_s
    return epoch.wall_s - epoch.step_first_s + epoch.step_median_s


def steady_figures(measurement: Measurement, epochs: Sequence[EpochRecord]) -> dict[str, Any]:
    """Return the figures of the steady steps and epochs among a job's first `epochs`.

    `epoch_s` is the median steady epoch. `step_mean_s` is the seconds of all steady epochs over
    their steps, so that a slow epoch counts. A figure is None if it is unknown.
    """
    times_s = steady_times_s(measurement, [epoch.steps for epoch in epochs])
    p10, middle, p95 = quantiles(np.sort(times_s), (0.10, 0.50, 0.95))
    steady = steady_epochs(epochs)
    walls_s, steps = [steady_wall_s(epoch) for epoch in steady], sum(one.steps for one in steady)
    return {
        "step_p10_s": p10,
        "step_median_s": middle,
        "step_p95_s": p95,
        "steady_steps": int(times_s.size),
        "epoch_s": statistics.median(walls_s) if walls_s else None,
        "step_mean_s": sum(walls_s) / steps if steps else None,
    }


def quantiles(ordered: npt.NDArray[Any], shares: Sequence[float]) -> list[float | None]:
    """Return linearly interpolated quantiles (Hyndman and Fan's type 7) of values in order.

    They are those of `numpy.quantile`, which takes ten times as long for a few hundred values.
    """
    if not ordered.size:
        return [None] * len(shares)
    found: list[float | None] = []
    for share in shares:
        place, part = divmod(share * (ordered.size - 1), 1)
        low = float(ordered[int(place)])
        high = float(ordered[min(int(place) + 1, ordered.size - 1)])
        apart = high - low
        found.append(low + apart * part if part < 0.5 else high - apart * (1 - part))
    return found


def steady_times_s(measurement: Measurement, steps: Sequence[int]) -> npt.NDArray[Any]:
    """Return the steady step times of a job's first epochs; `steps` are their numbers of steps.

    Returns an empty array if the number of times is not the number of steps.
    """
    times_s = measurement.step_times.unpack()
    if not steps or times_s.size != sum(epoch.steps for epoch in measurement.epochs):
        return np.empty(0)
    times_s = times_s[: sum(steps)]
    return times_s[steady_steps(steps, measurement.ragged_last_step)]
