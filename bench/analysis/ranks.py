"""Many machines: which differences are sure (Holm), rank sets, and one order for all."""

from __future__ import annotations

import itertools
import math
from collections.abc import Collection, Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from bench.analysis.all_pairs import all_pairs, table
from bench.analysis.cells import Cell
from bench.analysis.effects import Effects
from bench.analysis.ratios import (
    ALPHA,
    MARGIN,
    Finding,
    Ratio,
    ratio,
    sittings_to_equate,
    sittings_to_tell,
)

Name = TypeVar("Name", bound=Hashable)


@dataclass(frozen=True)
class RankSet:
    """The ranks that a machine may have: 1 + the surely faster ones to all - the surely slower."""

    first: int
    last: int

    @property
    def is_best(self) -> bool:
        """Whether the machine may be the fastest."""
        return self.first == 1


@dataclass(frozen=True)
class Pair:
    """Two machines by name, how they compare, and what that shows among all comparisons."""

    first: str
    second: str
    ratio: Ratio
    sure: bool
    finding: Finding

    @property
    def turned(self) -> Pair:
        """The pair in the other order."""
        other = {Finding.FASTER: Finding.SLOWER, Finding.SLOWER: Finding.FASTER}
        finding = other.get(self.finding, self.finding)
        return Pair(self.second, self.first, self.ratio.inverse, self.sure, finding)


@dataclass(frozen=True)
class Ranking:
    """Machines that were compared over `cells`, the fastest first.

    `speeds` holds the log of each machine's speed in the joint fit, relative to the first machine.
    `cells` is empty if the machines have no cell in common to all; each pair is then compared over
    its own common cells, of those in `cells_of`. All pairs are one family of comparisons; `sure`
    says by the places of two machines in `names` whether their difference is sure in it. Of a
    thousand machines only the pairs that are asked for are worked out in full.
    """

    names: tuple[str, ...]
    cells: tuple[Cell, ...]
    speeds: Mapping[str, float]
    ranks: Mapping[str, RankSet]
    fits: Mapping[str, Effects] = field(repr=False)
    cells_of: Mapping[str, Sequence[Cell]] = field(repr=False)
    sure: npt.NDArray[np.bool_] = field(repr=False, compare=False)
    margin: float = MARGIN

    @property
    def best(self) -> tuple[str, ...]:
        """The best set: every machine that may be the fastest."""
        return tuple(name for name in self.names if self.ranks[name].is_best)

    @cached_property
    def places(self) -> Mapping[str, int]:
        """The place of each machine in `names`."""
        return {name: place for place, name in enumerate(self.names)}

    @property
    def pairs(self) -> tuple[Pair, ...]:
        """Every pair that shares a cell, the machine that comes first in `names` first."""
        found = (self.between(*both) for both in itertools.combinations(self.names, 2))
        return tuple(pair for pair in found if pair is not None)

    def between(self, first: str, second: str) -> Pair | None:
        """Return how `first` compares with `second`; None if they share no cell."""
        if first == second or first not in self.places or second not in self.places:
            return None
        if self.places[first] > self.places[second]:
            turned = self.between(second, first)
            return None if turned is None else turned.turned
        cells = self.cells or _shared(self.cells_of[first], self.cells_of[second])
        if not cells:
            return None
        found = ratio(self.fits[first], self.fits[second], cells)
        sure = bool(self.sure[self.places[first], self.places[second]])
        return Pair(first, second, found, sure, found.finding(self.margin, sure=sure))


def holm(p_values: Sequence[float], alpha: float = ALPHA) -> tuple[bool, ...]:
    """Return which hypotheses are rejected, so that none is rejected wrongly in 1 - alpha.

    Source: S. Holm, A simple sequentially rejective multiple test procedure, Scand. J. Statist. 6,
    1979.
    """
    p = np.asarray(p_values, dtype=float)
    order = np.argsort(p, kind="stable")
    passed = p[order] < alpha / np.arange(len(p), 0, -1)
    rejected = np.zeros(len(p), dtype=bool)
    rejected[order] = np.logical_and.accumulate(passed)
    return tuple(rejected.tolist())


def rankings(
    machines: Mapping[str, Effects],
    margin: float = MARGIN,
    *,
    among: Collection[Cell] | None = None,
) -> tuple[Ranking, ...]:
    """Return a ranking for each group of machines that common cells connect, the largest first.

    All pairs of a ranking are one family of comparisons (Holm). If `among` is given, only these
    cells are compared.
    """
    wanted = None if among is None else frozenset(among)
    cells = {
        name: tuple(cell for cell in one.cells if wanted is None or cell in wanted)
        for name, one in machines.items()
    }
    measured = {name: found for name, found in cells.items() if found}
    found = [
        _ranking(
            {name: machines[name] for name in group}, {name: cells[name] for name in group}, margin
        )
        for group in _connected(measured)
    ]
    return tuple(sorted(found, key=lambda one: -len(one.names)))


def joint_order(
    machines: Mapping[Name, Effects], cells_of: Mapping[Name, Collection[Cell]] | None = None
) -> dict[Name, float]:
    """Return the log speed of each machine in one least-squares fit of cells and machines.

    The values are relative to the fastest machine, which comes first with 0. Each machine counts
    once in each of its cells, or in those of `cells_of`.
    """
    names = list(machines)
    counted = [list(cells_of[name] if cells_of else machines[name].cells) for name in names]
    _, counts, means = table([machines[name] for name in names], counted)
    per_machine, sums = counts.sum(axis=1), means.sum(axis=1)
    shares = counts / per_machine[:, None]
    left = np.diag(counts.sum(axis=0)) - shares.T @ counts  # the machines' effects are eliminated
    cells = np.linalg.lstsq(left, means.sum(axis=0) - shares.T @ sums, rcond=None)[0]
    fit = [round(float(effect), 12) for effect in (sums - counts @ cells) / per_machine]
    order = sorted(range(len(names)), key=lambda m: (fit[m], m))
    return {names[m]: fit[order[0]] - fit[m] for m in order}


def sittings_to_settle(
    pair: Pair, first: Effects, second: Effects, margin: float = MARGIN
) -> int | None:
    """Return how many sittings a side would settle an open pair; more than there are by now.

    If the estimate is the true difference, that many sittings tell the machines apart, or show that
    they are equal if it lies within the margin. None stands for more sittings than are worth
    naming, which a difference close to the margin takes.
    """
    difference = pair.ratio.log
    inside = abs(difference) < math.log1p(margin)
    settle = sittings_to_equate if inside else sittings_to_tell
    needed = settle(first, second, difference, margin)
    return None if needed is None else max(needed, min(pair.ratio.sittings) + 1)


def _ranking(
    machines: Mapping[str, Effects], cells_of: Mapping[str, Sequence[Cell]], margin: float
) -> Ranking:
    shared = _shared(*cells_of.values())
    compared = dict.fromkeys(machines, shared) if shared else cells_of
    speeds = joint_order(machines, compared)
    names = tuple(speeds)
    found = all_pairs([machines[name] for name in names], [compared[name] for name in names])
    rows, columns = np.nonzero(np.triu(found.cells, 1))
    sure = np.zeros(found.cells.shape, dtype=bool)
    sure[rows, columns] = holm(found.p_values((rows, columns)).tolist())
    sure |= sure.T
    apart = sure & (np.abs(found.log) > math.log1p(margin))
    return Ranking(
        names=names,
        cells=shared,
        speeds=speeds,
        ranks=rank_sets(names, apart & (found.log > 0)),
        fits=machines,
        cells_of=cells_of,
        sure=sure,
        margin=margin,
    )


def _shared(first: Sequence[Cell], *others: Sequence[Cell]) -> tuple[Cell, ...]:
    """Return the cells that all machines have, in the order of the first."""
    rest = [set(other) for other in others]
    return tuple(cell for cell in first if all(cell in other for other in rest))


def rank_sets(names: Sequence[str], faster: npt.NDArray[np.bool_]) -> dict[str, RankSet]:
    """Return the rank set of each machine; `faster` is true if a row is surely ahead of a column.

    Both are in the order of `names`.
    """
    ahead, behind = faster.sum(axis=0), faster.sum(axis=1)
    return {
        name: RankSet(1 + int(ahead[place]), len(names) - int(behind[place]))
        for place, name in enumerate(names)
    }


def _connected(cells_of: Mapping[str, Sequence[Cell]]) -> list[list[str]]:
    """Return the groups of machines that are connected by common cells."""
    groups: list[tuple[set[Cell], list[str]]] = []
    for name, own in cells_of.items():
        cells, names = set(own), [name]
        apart = []
        for others, members in groups:
            if others & cells:
                cells, names = cells | others, members + names
            else:
                apart.append((others, members))
        groups = [*apart, (cells, names)]
    order = {name: place for place, name in enumerate(cells_of)}
    return [sorted(names, key=order.__getitem__) for _, names in groups]


def spread_of_cells(first: Effects, second: Effects, cells: Sequence[Cell]) -> tuple[float, float]:
    """Return the least and the greatest speed of `first` over `second` among some cells."""
    logs = [second.cells[cell].mean - first.cells[cell].mean for cell in cells]
    return math.exp(min(logs)), math.exp(max(logs))
