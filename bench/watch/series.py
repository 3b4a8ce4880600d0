"""Samples over time: counters that only rise, and gauges; compact, and cut by intervals."""

from __future__ import annotations

from array import array

import numpy as np

#: Seconds by which a gauge's sample may miss an interval that holds none.
NEAR_S = 1.1

#: Share of an interval that a counter's samples must cover.
COVERED_SHARE = 0.5

#: Seconds by which a counter's samples may begin late or end early, besides their own distance.
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

        Where the interval reaches a little beyond the samples, the rate seen within it stands for
        the rest. None with fewer than two samples, where it reaches further than two of their
        distances, or where they cover less than half of it: a source that fell silent must not
        look like a quiet one.
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
        """Return the samples of the interval; where it holds none, the nearest within NEAR_S."""
        times, values = np.asarray(self._times), np.asarray(self._values)
        inside = values[(times >= begin_s) & (times <= end_s)]
        if inside.size or not times.size:
            return inside
        distance = np.maximum(begin_s - times, times - end_s)
        nearest = int(distance.argmin())
        return values[nearest : nearest + 1] if distance[nearest] <= NEAR_S else inside
