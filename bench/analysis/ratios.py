"""How two machines compare: a ratio of times over named cells, and what it shows."""

from __future__ import annotations

import enum
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from bench.analysis.cells import Cell
from bench.analysis.effects import Effects
from bench.analysis.intervals import Interval
from bench.analysis.student import LEVEL, cdf, density, quantile, satterthwaite, two_sided

#: Two machines that differ by less than this share are called equal, unless asked otherwise.
MARGIN = 0.03

#: Chances of a finding and of missing a true difference, for the number of sittings it takes.
ALPHA, POWER = 0.05, 0.8

#: The most sittings a side that are worth naming.
MOST_SITTINGS = 10_000


class Finding(enum.Enum):
    """What a comparison of two machines shows."""

    FASTER = "faster"
    SLOWER = "slower"
    EQUAL = "equal"
    OPEN = "open"

    @property
    def apart(self) -> bool:
        """Whether the machines are told apart."""
        return self in (Finding.FASTER, Finding.SLOWER)


@dataclass(frozen=True)
class Ratio:
    """How many times as fast one machine is as another.

    `log` is the logarithm of the ratio of times, second over first: above 0, the first machine is
    faster. `se` and `df` belong to `log`. The ratio is a geometric mean over `cells` by `weights`.
    `assumed` is the share of the variance that a prior gives. `jobs` and `sittings` are those of
    both machines. If not `another_day`, the ratio speaks of these sittings alone.
    """

    log: float
    se: float
    df: float
    cells: tuple[Cell, ...]
    weights: tuple[float, ...]
    jobs: tuple[int, int]
    sittings: tuple[int, int]
    assumed: float
    another_day: bool = True

    @property
    def times(self) -> float:
        """How many times as fast the first machine is."""
        return math.exp(self.log)

    @property
    def inverse(self) -> Ratio:
        """The same comparison with the machines in the other order."""
        return replace(self, log=-self.log, jobs=self.jobs[::-1], sittings=self.sittings[::-1])

    def interval(self, level: float = LEVEL) -> Interval:
        """Return the ratio with its bounds."""
        half = two_sided(self.df, level) * self.se
        return Interval(
            self.times, math.exp(self.log - half), math.exp(self.log + half), sum(self.jobs)
        )

    @property
    def p_value(self) -> float:
        """The two-sided p-value of no difference."""
        return 2 * cdf(-abs(self.log) / self.se, self.df)

    def p_faster(self, margin: float = 0.0) -> float:
        """Return the chance that the first machine is faster, by more than `margin` if given."""
        return cdf((self.log - math.log1p(margin)) / self.se, self.df)

    @property
    def expected_loss(self) -> float:
        """The share of time that is lost on average by choosing the first machine."""
        z, df = self.log / self.se, self.df
        tail = self.se * (df + z * z) / (df - 1) * density(z, df) if df > 1 else math.inf
        return math.expm1(-self.log * cdf(-z, df) + tail) if df > 1 else math.inf

    def finding(self, margin: float = MARGIN, *, sure: bool | None = None) -> Finding:
        """Return what the ratio shows.

        `sure` says whether the difference is sure among many comparisons (Holm); without it, the
        ratio's own p-value decides. A difference is found if it is sure and more than `margin`.
        Two machines are equal if the interval of 90 % lies within the margin.
        """
        if sure is None:
            sure = self.p_value < ALPHA
        bound = math.log1p(margin)
        if sure and abs(self.log) > bound:
            return Finding.FASTER if self.log > 0 else Finding.SLOWER
        half = two_sided(self.df, 1 - 2 * ALPHA) * self.se
        return Finding.EQUAL if abs(self.log) + half < bound else Finding.OPEN


def common_cells(first: Effects, *others: Effects) -> tuple[Cell, ...]:
    """Return the cells that all machines measured, in the order of the first."""
    return tuple(cell for cell in first.cells if all(cell in other.cells for other in others))


def ratio(
    first: Effects, second: Effects, cells: Sequence[Cell] | Mapping[Cell, float] | None = None
) -> Ratio:
    """Return how many times as fast `first` is as `second` on another day.

    `cells` are the cells of the comparison, with equal weights or with the given ones, which add
    up to 1; all common cells if None. The spread between sittings covers the noise of the jobs in
    the mean over all cells; the mean of some of them has more, which is added. Raises ValueError if
    there is no cell, or KeyError if a machine did not measure one.
    Source: docs/statistics.md, "The formulas".
    """
    weights = _weights(first, second, cells)
    parts = [(one.spread_of(weights), one.sitting_df) for one in (first, second)]
    assumed = sum(one.assumed * part for one, (part, _) in zip((first, second), parts, strict=True))
    for one in (first, second):
        parts += _noise_of_some(one, weights)
    return _ratio(first, second, weights, parts, assumed)


def within_sitting(
    first: Effects, second: Effects, cells: Sequence[Cell] | Mapping[Cell, float] | None = None
) -> Ratio:
    """Return how many times as fast `first` is in these very sittings, whatever another day shows.

    Only the noise between jobs counts. Raises what `ratio` raises.
    """
    weights = _weights(first, second, cells)
    found = _ratio(first, second, weights, _noise((first, second), weights), 0.0)
    return replace(found, another_day=False)


def _weights(
    first: Effects, second: Effects, cells: Sequence[Cell] | Mapping[Cell, float] | None
) -> Mapping[Cell, float]:
    if isinstance(cells, Mapping):
        weights = cells
    else:
        named = common_cells(first, second) if cells is None else tuple(cells)
        weights = {cell: 1 / len(named) for cell in named}
    if not weights:
        raise ValueError("the machines have no cell in common")
    return weights


def _noise_of_some(machine: Effects, weights: Mapping[Cell, float]) -> list[tuple[float, float]]:
    """Return the job noise that is missing from the spread between sittings.

    The spread between sittings holds the job noise of the mean over all cells. The mean of a few
    cells is noisier, so the rest is added; for a single cell, its whole noise is added.
    Source: docs/statistics.md, "The formulas".
    """
    if len(weights) == len(machine.cells):
        return []
    parts = _noise((machine,), weights)
    total = sum(part for part, _ in parts)
    covered = machine.within if len(weights) > 1 else 0.0
    share = max(0.0, 1 - covered / total) if total else 0.0
    return [(share * part, df) for part, df in parts]


def _noise(machines: Sequence[Effects], weights: Mapping[Cell, float]) -> list[tuple[float, float]]:
    """Return the variance of each cell's mean within a sitting, with its degrees of freedom."""
    return [
        (weight**2 * effect.variance / effect.jobs, effect.df)
        for machine in machines
        for cell, weight in weights.items()
        for effect in (machine.cells[cell],)
    ]


def _ratio(
    first: Effects,
    second: Effects,
    weights: Mapping[Cell, float],
    parts: Sequence[tuple[float, float]],
    assumed: float,
) -> Ratio:
    """Return the ratio with the degrees of freedom by Satterthwaite's formula."""
    variance = sum(part for part, _ in parts)
    return Ratio(
        log=sum(
            weight * (second.cells[cell].mean - first.cells[cell].mean)
            for cell, weight in weights.items()
        ),
        se=math.sqrt(variance),
        df=satterthwaite(parts),
        cells=tuple(weights),
        weights=tuple(weights.values()),
        jobs=(
            sum(first.cells[cell].jobs for cell in weights),
            sum(second.cells[cell].jobs for cell in weights),
        ),
        sittings=(first.count, second.count),
        assumed=assumed / variance,
    )


def bracket(effects: Effects, more: int = 0) -> float:
    """Return half of the bracket of a machine's own mean time over many days, as a log.

    `more` sittings of all cells are taken to show the same spread as the sittings so far.
    """
    weights = dict.fromkeys(effects.cells, 1 / len(effects.cells))
    sittings = effects.sitting_variance / effects.spread_of(weights)
    df = effects.sitting_df + more
    return two_sided(df) * math.sqrt(effects.sitting_variance / (sittings + more))


def next_sitting(effects: Effects) -> float:
    """Return how far one more sitting may lie from the mean of the sittings so far, as a log.

    It does in 95 of 100 cases. Source: the prediction interval of a further value, Student's t.
    """
    weights = dict.fromkeys(effects.cells, 1 / len(effects.cells))
    variance = effects.sitting_variance + effects.spread_of(weights)
    return two_sided(effects.sitting_df) * math.sqrt(variance)


def noise_floor(effects: Effects, level: float = LEVEL) -> float:
    """Return how much two sittings of one machine differ at most in `level` of all cases, as a log.

    No claim below the floor is made from one sitting a side.
    """
    return two_sided(effects.sitting_df, level) * math.sqrt(2 * effects.sitting_variance)


def sittings_to_tell(
    first: Effects, second: Effects, difference: float, margin: float = 0.0
) -> int | None:
    """Return how many sittings a side show a `difference` of logs in `POWER` of all cases.

    To be told apart, two machines must differ surely, and their estimate must exceed `margin`. None
    stands for more than `MOST_SITTINGS`. The degrees of freedom grow with the sittings.
    Source: docs/statistics.md, "The formulas": sittings that it takes.
    """
    beyond = abs(difference) - math.log1p(margin)
    found = (
        _least_sittings(first, second, abs(difference), (1 - ALPHA / 2, POWER)),
        _least_sittings(first, second, beyond, (POWER,)) if margin else 2,
    )
    return None if None in found else max(number for number in found if number)


def sittings_to_equate(
    first: Effects, second: Effects, difference: float, margin: float
) -> int | None:
    """Return how many sittings a side show that two machines are equal, in `POWER` of all cases.

    The interval of 90 % must lie within the margin on both sides, so half of the cases that are
    missed is allowed to each side. None stands for more than `MOST_SITTINGS`.
    Source: the usual sample size of two one-sided tests, (t_.95 + t_.9)^2 S^2 / (margin - d)^2.
    """
    within = math.log1p(margin) - abs(difference)
    return _least_sittings(first, second, within, (1 - ALPHA, (1 + POWER) / 2))


def _least_sittings(
    first: Effects, second: Effects, distance: float, levels: Sequence[float]
) -> int | None:
    """Return the least sittings for which the quantiles of `levels` fit into `distance`."""
    variance = first.sitting_variance + second.sitting_variance
    if distance <= 0:
        return None

    def needed(sittings: int) -> float:
        df = 2.0 * sittings - 2
        return sum(quantile(level, df) for level in levels) ** 2 * variance / distance**2

    sittings = max(2, math.floor(needed(MOST_SITTINGS)))  # the least that any number of df allows
    while sittings <= MOST_SITTINGS and needed(sittings) > sittings:
        sittings += 1
    return sittings if sittings <= MOST_SITTINGS else None
