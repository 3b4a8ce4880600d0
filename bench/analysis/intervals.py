"""Summaries of repeated measurements; pure NumPy and SciPy, no clocks and no files."""

from __future__ import annotations

import functools
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

#: Coverage of every interval in the reports.
CONFIDENCE = 0.95


@dataclass(frozen=True)
class Interval:
    """An estimate with its bounds; a bound is None if the data cannot give one."""

    estimate: float
    low: float | None
    high: float | None
    n: int

    @property
    def inverse(self) -> Interval:
        """The interval of the reciprocal."""
        low = None if self.high is None else 1 / self.high
        high = None if self.low is None else 1 / self.low
        return Interval(1 / self.estimate, low, high, self.n)

    def times(self, factor: float) -> Interval:
        """Return the interval in another unit: everything multiplied by a positive `factor`."""
        low, high = (None if bound is None else bound * factor for bound in (self.low, self.high))
        return Interval(self.estimate * factor, low, high, self.n)


def geometric_interval(values: Sequence[float], confidence: float = CONFIDENCE) -> Interval | None:
    """Return the geometric mean of positive `values` with a Student-t interval on their logarithms.

    The values must be one per job: steps and epochs of one job share that job's disturbances and
    are not independent. With one value the bounds are None: one job says nothing about the spread
    between jobs. Returns None if there is no value.
    Source: the t interval for a mean, applied to log times, whose spread is multiplicative.
    """
    logs = np.log(np.asarray(values, dtype=float))
    n = int(logs.size)
    if n == 0:
        return None
    centre = float(logs.mean())
    if n == 1:
        return Interval(math.exp(centre), None, None, 1)
    half = _student_t(0.5 + confidence / 2, n - 1) * float(logs.std(ddof=1)) / math.sqrt(n)
    return Interval(math.exp(centre), math.exp(centre - half), math.exp(centre + half), n)


def paired_ratio(numerator: Sequence[float], denominator: Sequence[float]) -> Interval | None:
    """Return the interval of `numerator / denominator`, paired by position.

    Raises ValueError if the two differ in length.
    """
    if len(numerator) != len(denominator):
        raise ValueError(f"pairs differ in number: {len(numerator)} and {len(denominator)}")
    return geometric_interval([a / b for a, b in zip(numerator, denominator, strict=True)])


def summary(values: Iterable[float | None]) -> Interval | None:
    """Return the geometric mean and interval of the known positive `values`, or None."""
    known = [float(value) for value in values if value is not None and value > 0]
    return geometric_interval(known)


@functools.cache
def _student_t(quantile: float, degrees: int) -> float:
    from scipy.stats import t  # imported here: 0.3 s that the command line's --help need not pay

    return float(t.ppf(quantile, degrees))
