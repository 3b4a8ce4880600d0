"""Many machines: which differences are sure (Holm), rank sets, and one order for all."""

from __future__ import annotations

import itertools
import math
from collections.abc import Collection, Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np

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
    `pairs` holds every pair that shares a cell. `cells` is empty if the machines have no cell in
    common to all; each pair is then compared over its own common cells.
    """

    names: tuple[str, ...]
    cells: tuple[Cell, ...]
    speeds: Mapping[str, float]
    pairs: tuple[Pair, ...]
    ranks: Mapping[str, RankSet]

    @property
    def best(self) -> tuple[str, ...]:
        """The best set: every machine that may be the fastest."""
        return tuple(name for name in self.names if self.ranks[name].is_best)

    def between(self, first: str, second: str) -> Pair | None:
        """Return how `first` compares with `second`; None if they share no cell."""
        for pair in self.pairs:
            if (pair.first, pair.second) == (first, second):
                return pair
            if (pair.first, pair.second) == (second, first):
                return pair.turned
        return None


def holm(p_values: Sequence[float], alpha: float = ALPHA) -> tuple[bool, ...]:
    """Return which hypotheses are rejected, so that none is rejected wrongly in 1 - alpha.

    Source: S. Holm, A simple sequentially rejective multiple test procedure, Scand. J. Statist. 6,
    1979.
    """
    rejected = [False] * len(p_values)
    order = sorted(range(len(p_values)), key=p_values.__getitem__)
    for step, place in enumerate(order):
        if p_values[place] >= alpha / (len(p_values) - step):
            break
        rejected[place] = True
    return tuple(rejected)


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
    cells = {
        name: tuple(cell for cell in one.cells if among is None or cell in among)
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
    counted = {name: list(cells_of[name] if cells_of else machines[name].cells) for name in names}
    cells = list(dict.fromkeys(cell for name in names for cell in counted[name]))
    rows = [(m, cell) for m, name in enumerate(names) for cell in counted[name]]
    design = np.zeros((len(rows), len(cells) + len(names)))
    times = np.array([machines[names[m]].cells[cell].mean for m, cell in rows])
    place = {cell: number for number, cell in enumerate(cells)}
    for row, (m, cell) in enumerate(rows):
        design[row, place[cell]] = design[row, len(cells) + m] = 1
    fit = np.linalg.lstsq(design, times, rcond=None)[0][len(cells) :]
    order = sorted(range(len(names)), key=lambda m: (round(float(fit[m]), 12), m))
    fastest = float(fit[order[0]])
    return {names[m]: fastest - float(fit[m]) for m in order}


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
    speeds = joint_order(machines, dict.fromkeys(machines, shared) if shared else cells_of)
    names = tuple(speeds)
    compared = [
        (first, second, ratio(machines[first], machines[second], cells))
        for first, second in itertools.combinations(names, 2)
        if (cells := shared or _shared(cells_of[first], cells_of[second]))
    ]
    sure = holm([found.p_value for *_, found in compared])
    pairs = tuple(
        Pair(first, second, found, certain, found.finding(margin, sure=certain))
        for (first, second, found), certain in zip(compared, sure, strict=True)
    )
    return Ranking(names, shared, speeds, pairs, rank_sets(names, pairs))


def _shared(first: Sequence[Cell], *others: Sequence[Cell]) -> tuple[Cell, ...]:
    """Return the cells that all machines have, in the order of the first."""
    rest = [set(other) for other in others]
    return tuple(cell for cell in first if all(cell in other for other in rest))


def rank_sets(names: Sequence[str], pairs: Sequence[Pair]) -> dict[str, RankSet]:
    """Return the rank set of each machine, from the pairs that were told apart."""
    first, last = dict.fromkeys(names, 1), dict.fromkeys(names, len(names))
    for pair in pairs:
        if pair.finding in (Finding.FASTER, Finding.SLOWER):
            ahead = pair if pair.finding is Finding.FASTER else pair.turned
            first[ahead.second] += 1
            last[ahead.first] -= 1
    return {name: RankSet(first[name], last[name]) for name in names}


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
    order = list(cells_of)
    return [sorted(names, key=order.index) for _, names in groups]


def spread_of_cells(first: Effects, second: Effects, cells: Sequence[Cell]) -> tuple[float, float]:
    """Return the least and the greatest speed of `first` over `second` among some cells."""
    logs = [second.cells[cell].mean - first.cells[cell].mean for cell in cells]
    return math.exp(min(logs)), math.exp(max(logs))
