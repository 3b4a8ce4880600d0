"""Samples over time, of counters (which only rise) and gauges; gives figures of intervals.

A value that cannot be right is a `Doubt`. What a counter does while it is doubted is not counted,
and no figure is given for an interval that holds the doubt.
"""

from __future__ import annotations

import math
from array import array
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

#: If an interval holds no sample of a gauge, a sample this many seconds away stands in.
NEAR_S = 1.1

#: Share of an interval that a counter's samples must cover.
COVERED_SHARE = 0.5

#: Seconds by which a counter's samples may begin late or end early, plus two sampling distances.
SLACK_S = 0.5


@dataclass(frozen=True)
class Doubt:
    """Stands for a value that a source gave and that cannot be right, with the reason."""

    reason: str


#: What a source gives at one moment: its figures by name.
Values = Mapping[str, float | Doubt]

#: Reads a source.
Reader = Callable[[], Values]


@dataclass(frozen=True)
class Limit:
    """How a counter can move: by `per_s` a second and `lump` at once at most, never backwards.

    A fall of at most `noise` is an error of rounding.
    """

    per_s: float = math.inf
    lump: float = 0.0
    noise: float = 0.0
    unit: str = ""

    def why_impossible(self, rise: float, seconds: float) -> str | None:
        """Return why a counter cannot have risen by `rise` in `seconds`; None if it can."""
        if rise < -self.noise:
            return f"it fell by {-rise:.3g}{self.unit}, and counters only rise"
        most = self.per_s * max(0.0, seconds) + self.lump
        if rise <= most:
            return None
        return (
            f"it rose by {rise:.3g}{self.unit} in {seconds:.2g} s, "
            f"and more than {most:.3g}{self.unit} is impossible"
        )


class Series:
    """Values of a gauge with the monotonic times at which they were read."""

    def __init__(self) -> None:
        self._times, self._values = array("d"), array("d")
        self._doubts: list[tuple[float, float, str]] = []  # since, until, why
        self._last_s: float | None = None  # the last reading, believed or not

    def __len__(self) -> int:
        return len(self._times)

    def add(self, at_s: float, value: float | Doubt) -> None:
        """Append one sample. A doubt covers the time since the reading before it."""
        if isinstance(value, Doubt):
            self._doubt(at_s, value.reason)
        else:
            self._take(at_s, value)
        self._last_s = at_s

    def why_doubted(self, begin_s: float, end_s: float) -> str | None:
        """Return why a reading in the interval was not believed; None if all were."""
        found = (why for since, until, why in self._doubts if since < end_s and until > begin_s)
        return next(found, None)

    def _take(self, at_s: float, value: float) -> None:
        self._times.append(at_s)
        self._values.append(value)

    def _doubt(self, at_s: float, reason: str) -> None:
        since_s = at_s if self._last_s is None else self._last_s
        if self._doubts and self._doubts[-1][1] == since_s:  # it goes on
            since_s, _, reason = self._doubts.pop()
        self._doubts.append((since_s, at_s, reason))

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

    def covers(self, begin_s: float, end_s: float) -> bool:
        """Say whether a gauge's samples reach over at least half of the interval."""
        times = np.asarray(self._times)
        times = times[(times >= begin_s - NEAR_S) & (times <= end_s + NEAR_S)]
        if not times.size:
            return False
        low, high = max(begin_s, times[0] - NEAR_S), min(end_s, times[-1] + NEAR_S)
        return bool(high - low >= COVERED_SHARE * (end_s - begin_s))

    def inside(self, begin_s: float, end_s: float) -> np.ndarray:
        """Return the samples in the interval; if there is none, the nearest one within NEAR_S."""
        times, values = np.asarray(self._times), np.asarray(self._values)
        inside = values[(times >= begin_s) & (times <= end_s)]
        if inside.size or not times.size:
            return inside
        distance = np.maximum(begin_s - times, times - end_s)
        nearest = int(distance.argmin())
        return values[nearest : nearest + 1] if distance[nearest] <= NEAR_S else inside


class Counter(Series):
    """Values of a counter: their believable rises, added up."""

    def __init__(self, limit: Limit | None = None) -> None:
        super().__init__()
        self._limit = limit or Limit()
        self._raw: tuple[float, float] | None = None  # when the counter was last read, and as what

    def add(self, at_s: float, value: float | Doubt) -> None:
        """Append one sample. While a counter is doubted, it stands still here."""
        if isinstance(value, Doubt) and len(self):
            super()._take(at_s, self._values[-1])
        super().add(at_s, value)

    def _take(self, at_s: float, value: float) -> None:
        if self._raw is None:
            super()._take(at_s, value)
            self._raw = at_s, value
            return
        before_s, before = self._raw
        rise = value - before
        reason = self._limit.why_impossible(rise, at_s - before_s)
        if reason is not None:
            self._doubt(at_s, reason)
            rise = 0.0
        elif rise < 0:
            rise, value = 0.0, before
        super()._take(at_s, self._values[-1] + rise)
        self._raw = at_s, value

    def rise(self, begin_s: float, end_s: float) -> float | None:
        """Return how far a counter rose from `begin_s` to `end_s`, by linear interpolation.

        If the interval reaches a little beyond the samples, the rate within the samples is used for
        the rest. Returns None if there are fewer than two samples, if the interval reaches further
        than two sampling distances beyond them, or if they cover less than half of it: a source
        that stopped must not look like a quiet one. It is None too if a reading was not believed.
        """
        if len(self) < 2 or self.why_doubted(begin_s, end_s) is not None:
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
        return float(edges[1] - edges[0]) * scale

    def readings(self, begin_s: float, end_s: float) -> tuple[float, float, float] | None:
        """Return the first and the last time at which the counter was read, and its rise between.

        Returns None if the interval holds fewer than two samples.
        """
        times = np.asarray(self._times)
        inside = np.flatnonzero((times >= begin_s) & (times <= end_s))
        if inside.size < 2 or self.why_doubted(begin_s, end_s) is not None:
            return None
        first, last = inside[0], inside[-1]
        rise = self._values[last] - self._values[first]
        return float(times[first]), float(times[last]), rise
