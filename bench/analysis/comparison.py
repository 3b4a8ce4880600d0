"""How named sides compare: by cell, in the mean over the cells, and by rank."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bench.analysis.cells import Cell
from bench.analysis.contenders import Quantity
from bench.analysis.effects import Effects
from bench.analysis.entrants import Entrant
from bench.analysis.ranks import Pair, Ranking, rankings, sittings_to_settle
from bench.analysis.ratios import (
    MARGIN,
    Finding,
    Ratio,
    common_cells,
    ratio,
    within_sitting,
)
from bench.errors import RequestError

#: The quantities that can be compared, the primary one first.
COMPARED: tuple[Quantity, ...] = ("step", "total", "p10")


@dataclass(frozen=True)
class CellComparison:
    """The sides in one cell.

    `seconds` are the times of the sides in order. The `speeds` say how many times as fast each side
    is as the baseline; None stands for the baseline itself and for a side without this cell.
    """

    cell: Cell
    seconds: tuple[float | None, ...]
    speeds: tuple[Ratio | None, ...]


@dataclass(frozen=True)
class NeededSittings:
    """What an open comparison would take: the sittings of each side, and what they cost.

    `sittings` is None if no number of sittings up to the limit would do. `price_date` is the date
    of the oldest price that `usd` is made of.
    """

    sittings: int | None
    already: int
    seconds: float
    usd: float | None
    price_date: str | None = None


@dataclass(frozen=True)
class Comparison:
    """Named sides compared by one quantity; `ranking` holds the pairs, ranks and the order.

    `others` holds the pairs of the mean by the other quantities, first against second in the
    order of `ranking`. `needed` is None unless the two fastest sides are an open comparison.
    """

    by: Quantity
    margin: float
    baseline: str
    entrants: tuple[Entrant, ...]
    cells: tuple[CellComparison, ...]
    ranking: Ranking
    others: Mapping[Quantity, Pair]
    needed: NeededSittings | None

    @property
    def leaders(self) -> Pair:
        """The fastest side against the next one."""
        found = self.ranking.between(*self.ranking.names[:2])
        return found if found is not None else self.ranking.pairs[0]

    def entrant(self, name: str) -> Entrant:
        """Return the side called `name`."""
        return next(one for one in self.entrants if one.name == name)

    def within(self, pair: Pair) -> Ratio:
        """Return how a pair compares in these very sittings."""
        first, second = (self.entrant(name).fit(self.by) for name in (pair.first, pair.second))
        return within_sitting(first, second, pair.ratio.cells)


def compare(
    found: Sequence[Entrant],
    by: Quantity = "step",
    *,
    margin: float = MARGIN,
    baseline: str | None = None,
) -> Comparison:
    """Return how the sides compare; the first one is the baseline unless another is named.

    Raises RequestError if some side shares no cell with the others.
    """
    fits = {one.name: one.fit(by) for one in found}
    groups = rankings(fits, margin)
    if len(groups) > 1:
        raise _nothing_in_common([group.names for group in groups])
    (ranking,) = groups
    base = baseline or found[0].name
    first, second = ranking.names[:2]
    leaders = ranking.between(first, second)
    others = {
        other: Pair(first, second, speed, speed.p_value < 0.05, speed.finding(margin))
        for other in COMPARED
        if other != by and (speed := _other(found, first, second, other, ranking)) is not None
    }
    return Comparison(
        by=by,
        margin=margin,
        baseline=base,
        entrants=tuple(found),
        cells=tuple(_cell(cell, fits, base) for cell in _cells(ranking, fits, base)),
        ranking=ranking,
        others=others,
        needed=None if leaders is None else _needed_sittings(leaders, found, by, margin),
    )


def _cells(ranking: Ranking, fits: Mapping[str, Effects], base: str) -> tuple[Cell, ...]:
    """Return the cells that all sides have, or else the cells that any side shares with `base`."""
    if ranking.cells:
        return ranking.cells
    others = [fit for name, fit in fits.items() if name != base]
    return tuple(cell for cell in fits[base].cells if any(cell in fit.cells for fit in others))


def _cell(cell: Cell, fits: Mapping[str, Effects], base: str) -> CellComparison:
    return CellComparison(
        cell=cell,
        seconds=tuple(
            math.exp(fit.cells[cell].mean) if cell in fit.cells else None for fit in fits.values()
        ),
        speeds=tuple(
            None if name == base or cell not in fit.cells else ratio(fit, fits[base], [cell])
            for name, fit in fits.items()
        ),
    )


def _other(
    found: Sequence[Entrant], first: str, second: str, by: Quantity, ranking: Ranking
) -> Ratio | None:
    """Return the mean of two sides by another quantity; None if a side does not know it."""
    named = {one.name: one.contender.effects.get(by) for one in found}
    fast, slow = named[first], named[second]
    if fast is None or slow is None:
        return None
    shared = common_cells(fast, slow)
    cells = [cell for cell in ranking.cells if cell in shared] or list(shared)
    return ratio(fast, slow, cells) if cells else None


def _needed_sittings(
    pair: Pair, found: Sequence[Entrant], by: Quantity, margin: float
) -> NeededSittings | None:
    """Return what it takes to tell a pair apart, if the comparison is open."""
    if pair.finding is not Finding.OPEN:
        return None
    sides = [one for one in found if one.name in (pair.first, pair.second)]
    fits = [one.fit(by) for one in sides]
    needed, already = sittings_to_settle(pair, fits[0], fits[1], margin), min(pair.ratio.sittings)
    more = 0 if needed is None else needed - already
    prices = [(one.price, one.sitting_s) for one in sides]
    known = [
        price.usd_per_hour * seconds / 3600
        for price, seconds in prices
        if price.usd_per_hour is not None
    ]
    dates = [price.date for price, _ in prices if price.usd_per_hour is not None and price.date]
    return NeededSittings(
        sittings=needed,
        already=already,
        seconds=more * max(seconds for _, seconds in prices),
        usd=more * sum(known) if known else None,
        price_date=min(dates, default=None),
    )


def _nothing_in_common(groups: Sequence[Sequence[str]]) -> RequestError:
    apart = " from ".join(" and ".join(names) for names in groups)
    return RequestError(
        "the machines have no kind of job in common on the same data, so nothing can be compared",
        seen=f"no job links {apart}",
        next_step="measure the same grid on each of them: {program} run --grid NAME",
    )
