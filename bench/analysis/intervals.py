"""An estimate with its bounds, and the geometric mean of times."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Interval:
    """An estimate with its bounds; a bound is None if the data cannot give one."""

    estimate: float
    low: float | None
    high: float | None
    n: int

    def times(self, factor: float) -> Interval:
        """Return the interval in another unit: everything multiplied by a positive `factor`."""
        low, high = (None if bound is None else bound * factor for bound in (self.low, self.high))
        return Interval(self.estimate * factor, low, high, self.n)


def geometric_mean(values: Iterable[float | None]) -> float | None:
    """Return the geometric mean of the known positive `values`, None if there is none."""
    logs = [math.log(value) for value in values if value is not None and value > 0]
    return math.exp(math.fsum(logs) / len(logs)) if logs else None
