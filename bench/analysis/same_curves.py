"""How far the curves of a metric lie apart that two jobs of equal work recorded epoch by epoch."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from bench.record.measurement import EpochRecord
from bench.spec.axes import Agreement, Metric, Value
from bench.spec.description import Outline


@dataclass(frozen=True)
class CurveGap:
    """The greatest relative difference of two curves, and the epoch at which they part.

    `greatest` is infinite if only one of the curves has a finite value. `tolerance` is None if the
    workload states none. `parted` is the first epoch beyond the tolerance, None if there is none.
    """

    metric: str
    epochs: int
    greatest: float
    greatest_at: int
    tolerance: float | None
    parted: int | None


def curve_metric(outline: Outline, agreements: Iterable[Agreement]) -> Metric | None:
    """Return the metric whose curves are compared.

    It is the one for which the workload states an agreement, else the first metric of epochs that
    falls in training (a loss), else the first metric of epochs. None if epochs have no metric.
    """
    stated = {agreement.metric for agreement in agreements}
    metrics = sorted(
        outline.epoch_metrics,
        key=lambda metric: (metric.name not in stated, metric.better != "lower"),
    )
    return metrics[0] if metrics else None


def tolerance_of(
    metric: str,
    axes: Mapping[str, Value | None],
    devices: tuple[str, str],
    agreements: Iterable[Agreement],
) -> float | None:
    """Return how far the curves of a job may lie apart; the first agreement that applies counts.

    `devices` are those on which the two jobs trained. None if no agreement applies.
    """
    for agreement in agreements:
        wanted = agreement.requires.items()
        if agreement.metric == metric and all(axes.get(name) == value for name, value in wanted):
            if devices[0] != devices[1] and agreement.across_devices is not None:
                return agreement.across_devices
            return agreement.within
    return None


#: The values of a metric by epoch; None is not finite.
Values = Mapping[int, float | None]


def curve_gap(
    ours: Values, theirs: Values, metric: str, tolerance: float | None
) -> CurveGap | None:
    """Return how far two jobs' curves of `metric` lie apart; None if they share no epoch."""
    gaps = {epoch: _relative(ours[epoch], theirs[epoch]) for epoch in ours if epoch in theirs}
    if not gaps:
        return None
    at = max(gaps, key=lambda epoch: gaps[epoch])
    beyond = (epoch for epoch, gap in gaps.items() if tolerance is not None and gap > tolerance)
    return CurveGap(metric, len(gaps), gaps[at], at, tolerance, next(beyond, None))


def values_of(epochs: Sequence[EpochRecord], metric: str) -> Values:
    """Return the curve of `metric` over the epochs that report it."""
    return {one.epoch: one.metrics[metric] for one in epochs if metric in one.metrics}


def _relative(first: float | None, second: float | None) -> float:
    """Return the difference as a share of the larger value; 0 if neither value is finite."""
    if first is None or second is None:
        return 0.0 if first is second else math.inf
    scale = max(abs(first), abs(second))
    return abs(first - second) / scale if scale else 0.0
