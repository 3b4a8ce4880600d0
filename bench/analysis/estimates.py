"""A time of one machine on another day: an estimate whose variance is a sum of parts."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from bench.analysis.cells import Cell
from bench.analysis.effects import Effects
from bench.analysis.intervals import Interval
from bench.analysis.student import LEVEL, satterthwaite, two_sided


@dataclass(frozen=True, slots=True)
class Part:
    """A variance of logs with its degrees of freedom; infinite ones if it is known."""

    variance: float
    df: float = math.inf


@dataclass(frozen=True, slots=True)
class Estimate:
    """The logarithm of a time in seconds, or of a ratio of times, of `n` jobs."""

    log: float
    parts: tuple[Part, ...]
    n: int

    @property
    def value(self) -> float:
        """The time in seconds, or the ratio."""
        return math.exp(self.log)

    @property
    def se(self) -> float:
        """The standard error of `log`."""
        return math.sqrt(sum(part.variance for part in self.parts))

    @property
    def df(self) -> float:
        """The degrees of freedom of `se`, by Satterthwaite's formula."""
        return satterthwaite((part.variance, part.df) for part in self.parts)

    def interval(self, level: float = LEVEL) -> Interval:
        """Return the estimate with its bounds."""
        half = two_sided(min(self.df, 1e9), level) * self.se
        low, high = math.exp(self.log - half), math.exp(self.log + half)
        return Interval(self.value, low, high, self.n)

    def times(self, factor: float) -> Estimate:
        """Return the estimate multiplied by a known `factor`."""
        return Estimate(self.log + math.log(factor), self.parts, self.n)

    def over(self, other: Estimate) -> Estimate:
        """Return the ratio of this estimate to an independent one."""
        return Estimate(self.log - other.log, self.parts + other.parts, self.n)


def cell_time(effects: Effects, cell: Cell) -> Estimate:
    """Return the time of one cell of a machine. Raises KeyError if it was not measured."""
    found = effects.cells[cell]
    between = Part(effects.sitting_variance / found.sittings, effects.sitting_df)
    noise = (Part(found.variance / found.jobs, found.df),) if len(effects.cells) > 1 else ()
    return Estimate(found.mean, (between, *noise), found.jobs)


def time_of_jobs(effects: Effects, seconds: Iterable[float], sittings: int) -> Estimate | None:
    """Return the time of jobs that are no part of a fit, such as those read off in mid-training.

    The machine's fit gives the spread. `sittings` is the number of sittings in which the jobs lie.
    Returns None if there is no job.
    """
    logs: Sequence[float] = [math.log(time_s) for time_s in seconds]
    if not logs:
        return None
    between = Part(effects.sitting_variance / sittings, effects.sitting_df)
    noise = Part(effects.job_variance / len(logs), max(effects.sitting_df, 1.0))
    return Estimate(math.fsum(logs) / len(logs), (between, noise), len(logs))
