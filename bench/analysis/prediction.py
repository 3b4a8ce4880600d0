"""Prediction intervals of one new job, from calibrations over seeds.

With the mean m and the deviation s of n calibrated jobs, the interval is m +- t * s * sqrt(1 + 1/n)
with the quantile of Student's t for n - 1 degrees of freedom (G. J. Hahn and W. Q. Meeker,
Statistical Intervals, 1991, section 4.7).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bench.analysis.student import two_sided
from bench.spec.axes import Calibration

#: How often the checks of healthy jobs that belong together fail, all checks together.
FALSE_MARKS = 0.001


@dataclass(frozen=True)
class Check:
    """A metric of a job beside its prediction interval."""

    metric: str
    value: float
    low: float
    high: float

    @property
    def passed(self) -> bool:
        """Whether the value lies in the interval."""
        return self.low <= self.value <= self.high

    @property
    def excess(self) -> float:
        """How far the value lies from the middle, in half-widths; above 1 is outside."""
        half = (self.high - self.low) / 2
        away = abs(self.value - (self.low + self.high) / 2)
        return away / half if half else math.inf if away else 0.0


def interval(row: Calibration, checks: int = 1) -> tuple[float, float]:
    """Return the interval of one new job, if `checks` checks are made in all (Bonferroni)."""
    half = two_sided(row.n - 1, 1 - FALSE_MARKS / checks) * row.sd * math.sqrt(1 + 1 / row.n)
    return row.mean - half, row.mean + half


def checked(
    metrics: Mapping[str, float | None], rows: Sequence[Calibration], jobs: int = 1
) -> tuple[Check, ...]:
    """Return the known metrics of one of `jobs` jobs, each beside its interval."""
    return tuple(
        Check(row.metric, value, *interval(row, jobs * len(rows)))
        for row in rows
        if (value := metrics.get(row.metric)) is not None
    )
