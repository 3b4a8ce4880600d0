"""Samples over time, of counters (which only rise) and gauges; gives figures of intervals."""

from __future__ import annotations

from array import array

import numpy as np

#: If an interval holds no sample of a gauge, a sample this many seconds away stands in.
NEAR_S = 1.1

#: Share of an interval that a counter's samples must cover.
COVERED_SHARE = 0.5

#: Seconds by which a counter's samples may begin late or end early, plus two sampling distances.
SLACK_S = 0.5


class Series:
    """Values with the monotonic times at which they were read."""

    def __init__(self) -> None:
        self._times, self._values = array("d"), array("d")

    def __len__(self) -> int:
        return len(self._times)

    def add(self, at_s: float, value: float) -> None:
        """Append one sample."""
        self._times.append(at_s)
        self._values.append(value)

    def rise(self, begin_s: float, end_s: float) -> float | None:
        """Return how far a counter rose from `begin_s` to `end_s`, by linear interpolation.

        If the interval reaches a little beyond the samples, the rate within the samples is used for
        the rest. Returns None if there are fewer than two samples, if the interval reaches further
        than two sampling distances beyond them, or if they cover less than half of it: a source
        that stopped must not look like a quiet one.
        """
        if len(self) < 2:
            return None
        first, last = self._times[0], self._times[-1]
        slack_s = 2 * (last - first) / (len(self) - 1) + SLACK_S
        if begin_s < first - slack_s or end_s > last + slack_s:
            return None
        low, high = max(begin_s, first), min(end_s, last)
        if high - low < COVERED_SHARE * (end_s - begin_s):
            return None
        edges = np.interp([low, high], self._times, self._values)
        scale = (end_s - begin_s) / (high - low) if high > low else 1.0
        return max(0.0, float(edges[1] - edges[0]) * scale)

    def mean(self, begin_s: float, end_s: float) -> float | None:
        """Return the mean of a gauge's samples in the interval."""
        inside = self.inside(begin_s, end_s)
        return float(inside.mean()) if inside.size else None

    def least(self, begin_s: float, end_s: float) -> float | None:
        """Return the smallest of a gauge's samples in the interval."""
        inside = self.inside(begin_s, end_s)
        return float(inside.min()) if inside.size else None

    def most(self, begin_s: float, end_s: float) -> float | None:
        """Return the largest of a gauge's samples in the interval."""
        inside = self.inside(begin_s, end_s)
        return float(inside.max()) if inside.size else None

    def inside(self, begin_s: float, end_s: float) -> np.ndarray:
        """Return the samples in the interval; if there is none, the nearest one within NEAR_S."""
        times, values = np.asarray(self._times), np.asarray(self._values)
        inside = values[(times >= begin_s) & (times <= end_s)]
        if inside.size or not times.size:
            return inside
        distance = np.maximum(begin_s - times, times - end_s)
        nearest = int(distance.argmin())
        return values[nearest : nearest + 1] if distance[nearest] <= NEAR_S else inside
