"""An interval of a watch: asks the series for figures, and keeps why one is not believed."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from bench.watch.series import Counter, Series

#: Reads a figure of a gauge: `Series.mean`, `Series.least` or `Series.most`.
Read = Callable[[Series, float, float], float | None]


class Interval:
    """What the series say from `begin_s` to `end_s`.

    `doubts` holds the reason for each figure that is None, or has another source, because a value
    was not believed.
    """

    def __init__(self, series: Mapping[str, Series], begin_s: float, end_s: float) -> None:
        self.begin_s, self.end_s = begin_s, end_s
        self.wall_s = end_s - begin_s
        self.doubts: dict[str, str] = {}
        self._series = series

    def of(self, name: str) -> Series:
        """Return the series called `name`; it is empty if no source gave it."""
        found = self._series.get(name)
        return Series() if found is None else found

    def counter(self, name: str) -> Counter:
        """Return the counter called `name`; it is empty if no source gave it."""
        found = self.of(name)
        return found if isinstance(found, Counter) else Counter()

    def named(self, begins: str) -> list[str]:
        """Return the sorted names of the series that begin so."""
        return sorted(name for name in self._series if name.startswith(begins))

    def gauge(self, figure: str, name: str, read: Read) -> float | None:
        """Return a figure of a gauge; if it is None because of a doubt, keep the reason."""
        value = read(self.of(name), self.begin_s, self.end_s)
        if value is None:
            self.doubt(figure, self.of(name).why_doubted(self.begin_s, self.end_s))
        return value

    def rise(self, figure: str, name: str) -> float | None:
        """Return how far a counter rose; if that is None because of a doubt, keep the reason."""
        counter = self.counter(name)
        self.doubt(figure, counter.why_doubted(self.begin_s, self.end_s))
        return counter.rise(self.begin_s, self.end_s)

    def share(self, figure: str, name: str, cpus: int = 1) -> float | None:
        """Return the rise of a counter of seconds as a share of the time of `cpus` CPUs."""
        return self.per_second(self.rise(figure, name), cpus)

    def per_second(self, value: float | None, cpus: int = 1) -> float | None:
        """Return a value per second of the interval (and per CPU)."""
        return None if value is None or self.wall_s <= 0 else value / (self.wall_s * cpus)

    def doubt(self, figure: str, reason: str | None) -> None:
        """Keep the first reason why a figure is not believed, if there is one."""
        if reason is not None:
            self.doubts.setdefault(figure, reason)
