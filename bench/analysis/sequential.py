"""How many sittings a wanted precision takes, and bounds that hold whenever one stops looking."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass

from bench.analysis.effects import Effects
from bench.analysis.student import LEVEL, two_sided

#: Variance of the mixing distribution over effect sizes; 10 suits differences of a few standard
#: deviations (docs/statistics.md, "The formulas").
MIXING = 10.0


@dataclass(frozen=True)
class Stage:
    """The second of Stein's two stages: `sittings` in all give bounds within `half` of a log."""

    sittings: int
    half: float


def second_stage(effects: Effects, half: float) -> Stage:
    """Return how many sittings in all bring half of a machine's bracket to `half`, a log.

    The degrees of freedom and the variance are those of the first stage, so that the bracket
    covers what it says whatever the second stage shows.
    Source: C. Stein, A two-sample test for a linear hypothesis, Ann. Math. Statist. 16, 1945.
    """
    factor = two_sided(effects.sitting_df)
    wanted = factor**2 * effects.sitting_variance / half**2
    sittings = max(effects.count, math.ceil(wanted - 1e-9))
    return Stage(sittings, factor * math.sqrt(effects.sitting_variance / sittings))


@dataclass(frozen=True)
class Anytime:
    """The mean of `n` log ratios with bounds that hold at every n at once."""

    mean: float
    half: float
    n: int

    @property
    def low(self) -> float:
        """The lower bound of the log ratio."""
        return self.mean - self.half

    @property
    def high(self) -> float:
        """The upper bound of the log ratio."""
        return self.mean + self.half


def anytime(logs: Sequence[float], level: float = LEVEL) -> Anytime:
    """Return the t confidence sequence over `logs`, one log ratio for each pair of sittings.

    The bounds are infinite for few values. Raises ValueError if there is no value.
    Source: T. L. Lai, On confidence sequences, Ann. Statist. 4, 1976.
    """
    n = len(logs)
    mean = statistics.fmean(logs)
    spread = statistics.variance(logs) if n > 1 else math.inf
    return Anytime(mean, sequence_half(n, spread, level), n)


def sequence_half(n: int, variance: float, level: float = LEVEL) -> float:
    """Return half of the bounds of a t confidence sequence after `n` values."""
    if n < 2:
        return math.inf
    a = 1 + n * MIXING
    k = (a / (1 - level) ** 2) ** (1 / n)
    if k >= a:
        return math.inf
    return math.sqrt(variance / n * (n - 1) * (k - 1) / (1 - k / a))
