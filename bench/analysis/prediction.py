"""Prediction intervals of one new job, from calibrations over seeds.

With the mean m and the deviation s of n calibrated jobs, the interval is m +- t * s * sqrt(1 + 1/n)
with the quantile of Student's t for n - 1 degrees of freedom (G. J. Hahn and W. Q. Meeker,
Statistical Intervals, 1991, section 4.7).

An accuracy near 1 is skewed over seeds, because it can fall further than it can rise. Its log odds,
log(p / (1 - p)), are not, so shares are judged on that scale.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from bench.analysis.student import two_sided
from bench.spec.axes import Calibration, Scale

#: How often the checks of healthy jobs that belong together fail, all checks together.
FALSE_MARKS = 0.001


@dataclass(frozen=True, slots=True)
class Check:
    """A metric of a job beside its prediction interval and the calibration's mean."""

    metric: str
    value: float
    low: float
    middle: float
    high: float

    @property
    def passed(self) -> bool:
        """Whether the value lies in the interval."""
        return self.low <= self.value <= self.high

    @property
    def excess(self) -> float:
        """How far the value lies from the middle; 1 is the bound on its side, more is outside."""
        bound = self.high if self.value > self.middle else self.low
        away, half = abs(self.value - self.middle), abs(bound - self.middle)
        return away / half if half else math.inf if away else 0.0


#: A share is taken as at least this far from 0 and 1: less than one of 60,000 samples.
EDGE = 1e-5

#: How a metric is put on each scale, and back.
SCALES: Mapping[Scale, tuple[Callable[[float], float], Callable[[float], float]]] = {
    "plain": (lambda value: value, lambda value: value),
    "log odds": (
        lambda share: math.log(max(share, EDGE) / max(1 - share, EDGE)),
        lambda odds: 1 / (1 + math.exp(-odds)),
    ),
}


def interval(row: Calibration, checks: int = 1) -> tuple[float, float]:
    """Return the interval of one new job, if `checks` checks are made in all (Bonferroni)."""
    half = two_sided(row.n - 1, 1 - FALSE_MARKS / checks) * row.sd * math.sqrt(1 + 1 / row.n)
    back = SCALES[row.scale][1]
    return back(row.mean - half), back(row.mean + half)


def checked(
    metrics: Mapping[str, float | None], rows: Sequence[Calibration], jobs: int = 1
) -> tuple[Check, ...]:
    """Return the known metrics of one of `jobs` jobs, each beside its interval."""
    return tuple(
        _check(row, value, jobs * len(rows))
        for row in rows
        if (value := metrics.get(row.metric)) is not None
    )


def _check(row: Calibration, value: float, checks: int) -> Check:
    low, high = interval(row, checks)
    return Check(row.metric, value, low, SCALES[row.scale][1](row.mean), high)
