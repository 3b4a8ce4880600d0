"""Two sides sitting by sitting: bounds of their ratio that hold whenever one stops measuring."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass

from bench.analysis.contenders import Quantity
from bench.analysis.effects import Effects
from bench.analysis.entrants import Entrant
from bench.analysis.ratios import MARGIN, Finding, common_cells
from bench.analysis.sequential import Anytime, anytime
from bench.analysis.sittings import Sitting

#: The fewest pairs of sittings that give finite bounds.
LEAST_PAIRS = 3


@dataclass(frozen=True)
class SittingPairs:
    """The log ratios of times of a candidate over a baseline, one for each pair of sittings.

    `bounds` is None if there is no pair. `unpaired` counts the sittings without a partner.
    """

    logs: tuple[float, ...]
    bounds: Anytime | None
    unpaired: int

    @property
    def bounded(self) -> bool:
        """Whether the bounds are finite."""
        return self.bounds is not None and math.isfinite(self.bounds.half)

    def slower_than(self, limit: float) -> bool | None:
        """Say whether the candidate is slower by more than `limit`; None if this is not known."""
        if self.bounds is None or not self.bounded:
            return None
        bound = math.log1p(limit)
        if self.bounds.low > bound:
            return True
        return False if self.bounds.high < bound else None

    def finding(self, margin: float = MARGIN) -> Finding:
        """Return what the sequence shows of the baseline: faster, slower, equal, or still open."""
        if self.bounds is None or not self.bounded:
            return Finding.OPEN
        low, high, bound = self.bounds.low, self.bounds.high, math.log1p(margin)
        if -bound < low and high < bound:
            return Finding.EQUAL
        if low > 0 and self.bounds.mean > bound:
            return Finding.FASTER
        return Finding.SLOWER if high < 0 and self.bounds.mean < -bound else Finding.OPEN


def sitting_by_sitting(
    baseline: Entrant, candidate: Entrant, by: Quantity = "step"
) -> SittingPairs:
    """Return the log ratios of times, candidate over baseline, over their common cells.

    The fit gives the mean of each sitting, so a sitting that lacks a cell counts too. Raises
    ValueError if the two have no cell in common.
    """
    first, second = baseline.fit(by), candidate.fit(by)
    cells = common_cells(first, second)
    if not cells:
        raise ValueError("the sides have no cell in common")
    level = statistics.fmean(second.cells[cell].mean - first.cells[cell].mean for cell in cells)
    pairs = _paired(_known(baseline, first), _known(candidate, second))
    logs = tuple(level + second.sittings[late] - first.sittings[early] for early, late in pairs)
    return SittingPairs(
        logs=logs,
        bounds=anytime(logs) if logs else None,
        unpaired=first.count + second.count - 2 * len(logs),
    )


def _known(side: Entrant, fit: Effects) -> list[Sitting]:
    return [sitting for sitting in side.contender.sittings if sitting in fit.sittings]


def _paired(first: Sequence[Sitting], second: Sequence[Sitting]) -> list[tuple[Sitting, Sitting]]:
    """Return each sitting with the latest earlier one of the other side that has no partner.

    The rule looks at no time that was measured, and a later sitting changes no earlier pair, as a
    confidence sequence asks for.
    """
    events = [(sitting.began_at, 0, sitting) for sitting in first]
    events += [(sitting.began_at, 1, sitting) for sitting in second]
    waiting: tuple[list[Sitting], list[Sitting]] = ([], [])
    pairs = []
    for _, side, sitting in sorted(events, key=lambda event: event[:2]):
        if waiting[1 - side]:
            partner = waiting[1 - side].pop()
            pairs.append((sitting, partner) if side == 0 else (partner, sitting))
        else:
            waiting[side].append(sitting)
    return pairs
