"""Coverage and width of the brackets, by spread between sittings and number of sittings."""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
from shares import Table, at_least, counted, half_width, low_bound, percent
from worlds import CELLS, Logs, World, logs_of, plan_of, rng_of, timings

from bench.analysis.effects import Prior, fit_effects
from bench.analysis.ratios import Ratio, ratio
from bench.analysis.student import two_sided

SPREADS = (0.02, 0.05, 0.10)
SITTINGS = (1, 2, 3, 4, 5, 6)

#: The prior of a virtual machine, which is the wrong one if the spread is another.
USUAL = 0.05

#: What is asked of a bracket: the lower bound of its coverage, and its width relative to that of a
#: bracket whose variances are known.
LEAST_COVERAGE, MOST_WIDTH = 0.93, 1.4


@dataclass(frozen=True)
class Bracket:
    """How one way of making brackets did over all draws."""

    hits: int
    draws: int
    half: float
    known: float

    @property
    def share(self) -> float:
        """The share of the draws that are covered."""
        return self.hits / self.draws

    @property
    def width(self) -> float:
        """The mean width, relative to that with known variances."""
        return self.half / self.known

    @property
    def missed(self) -> str:
        """Which of the two targets is missed."""
        coverage = low_bound(self.hits, self.draws) < LEAST_COVERAGE
        words = ("coverage", coverage), ("width", self.width > MOST_WIDTH)
        return " and ".join(word for word, is_missed in words if is_missed) or "none"


@dataclass(frozen=True)
class Row:
    """The brackets of one spread and number of sittings, by the way in which they were made."""

    spread: float
    sittings: int
    brackets: dict[str, Bracket]


def over_jobs(first: Logs, second: Logs) -> tuple[float, float]:
    """Return log ratio and half-width as if all jobs were independent, paired by job."""
    apart = (second - first).ravel()
    n = len(apart)
    if n < 2:
        return float(apart.mean()), math.inf
    return float(apart.mean()), two_sided(n - 1) * statistics.stdev(apart) / n**0.5


def brackets(
    world: World,
    sittings: int,
    draws: int,
    seed: Sequence[int],
    priors: Mapping[str, float],
    places: Sequence[int | None],
) -> dict[tuple[int | None, str], Bracket]:
    """Return how brackets of two equal machines did, by place and by the way they were made.

    A place is a cell, or None for all cells. The ways are those of `priors`, names with the spread
    that is believed, and "jobs", a t interval over the jobs.
    """
    rng = rng_of(*seed)
    first, second = (logs_of(world, draws, sittings, rng) for _ in range(2))
    found: dict[tuple[int | None, str], list[tuple[float, float]]] = {}
    for a, b in zip(first, second, strict=True):
        both = timings(world, a), timings(world, b)
        fits = {
            spread: [fit_effects(one, Prior(spread)) for one in both]
            for spread in set(priors.values())
        }
        for cell in places:
            jobs = slice(None) if cell is None else plan_of(world) == cell
            found.setdefault((cell, "jobs"), []).append(over_jobs(a[:, jobs], b[:, jobs]))
            for name, spread in priors.items():
                shown = ratio(*fits[spread], None if cell is None else [CELLS[cell]])
                found.setdefault((cell, name), []).append((shown.log, half_of(shown)))
    return {key: _bracket(values) for key, values in found.items()}


def half_of(shown: Ratio) -> float:
    """Return half of the bracket of 95%, as a log."""
    return two_sided(shown.df) * shown.se


def _bracket(found: Iterable[tuple[float, float]]) -> Bracket:
    logs, halves = np.array(list(found)).T
    known = two_sided(1e6) * float(logs.std())
    return Bracket(int((abs(logs) <= halves).sum()), len(logs), float(halves.mean()), known)


#: The cell of the second table: it is measured once a sitting and feels sittings more than others.
CELL = 1


def _rows(place: tuple[float, int], draws: int) -> tuple[Row, Row]:
    """Return the brackets over all cells, and those of one cell."""
    spread, sittings = place
    seed = (1, round(1000 * spread), sittings)
    priors = {"matched": spread, "usual": USUAL}
    made = brackets(World(spread), sittings, draws, seed, priors, (None, CELL))
    names = (*priors, "jobs")
    return tuple(  # type: ignore[return-value]
        Row(spread, sittings, {name: made[cell, name] for name in names}) for cell in (None, CELL)
    )


def coverage_tables(draws: int, pool: Executor) -> Iterator[Table]:
    """Yield the tables of coverage and width: over all cells, and in one cell."""
    places = [(spread, sittings) for spread in SPREADS for sittings in SITTINGS]
    both = zip(*pool.map(partial(_rows, draws=draws), places), strict=True)
    names = (("coverage", "all four cells"), ("coverage-cell", "one cell"))
    for (name, of), rows in zip(names, both, strict=True):
        yield Table(
            name,
            f"The 95% bracket of the ratio over {of}. {counted(draws)}",
            (
                *("spread between sittings", "sittings a side"),
                *("coverage (at least)", "half-width", "width to known", "missed"),
                *("prior 5%: coverage (at least)", "half-width", "width to known"),
                *("t over jobs: coverage", "half-width"),
            ),
            tuple(_cells(row) for row in rows),
        )


def _cells(row: Row) -> tuple[str, ...]:
    matched, usual, jobs = (row.brackets[name] for name in ("matched", "usual", "jobs"))
    return (
        f"{100 * row.spread:.0f}%",
        str(row.sittings),
        at_least(matched.hits, matched.draws),
        half_width(matched.half),
        f"{matched.width:.2f}",
        matched.missed,
        at_least(usual.hits, usual.draws),
        half_width(usual.half),
        f"{usual.width:.2f}",
        *((percent(jobs.share), half_width(jobs.half)) if jobs.half < math.inf else ("n/a", "n/a")),
    )


#: Jobs of one cell in one sitting.
JOBS = (3, 5, 20)


def jobs_table(draws: int, pool: Executor) -> Table:
    """Return the table that shows what more jobs in one sitting do."""
    rows = list(pool.map(partial(_jobs_row, draws=draws), JOBS))
    return Table(
        "jobs",
        "One cell, one sitting a side, sittings that differ by 5%, jobs that differ by 2%. "
        + counted(draws),
        (
            "jobs in the sitting",
            "t over jobs, these sittings: coverage",
            "t over jobs, another day: coverage",
            "half-width",
            "this estimator, another day: coverage",
            "half-width ",
        ),
        tuple(rows),
    )


def _jobs_row(jobs: int, draws: int) -> tuple[str, ...]:
    one = World(USUAL, noise=(0.02,), reacts=(1.0,), jobs=(jobs,)).calm
    here = brackets(replace(one, spread=0.0), 1, draws, (2, jobs), {}, (0,))[0, "jobs"]
    away = brackets(one, 1, draws, (3, jobs), {"ours": USUAL}, (0,))
    return (
        str(jobs),
        at_least(here.hits, draws),
        at_least(away[0, "jobs"].hits, draws),
        half_width(away[0, "jobs"].half),
        at_least(away[0, "ours"].hits, draws),
        half_width(away[0, "ours"].half),
    )
