"""Many machines: equal ones called apart, rank sets, and wrong findings of equality."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from concurrent.futures import Executor
from functools import partial

from shares import Table, at_least, at_most, counted, percent
from worlds import World, logs_of, rng_of, timings

from bench.analysis.effects import Effects, Prior, fit_effects
from bench.analysis.ranks import Ranking, rankings
from bench.analysis.ratios import MARGIN, Finding

SPREAD = 0.05
MACHINES = (2, 4, 8)
SITTINGS = (1, 3, 6)

#: Log of the ratio between neighbours of machines that differ.
STEP = 0.08

#: True ratios for the finding "equal": none, and just outside the margin.
RATIOS = (0.0, math.log1p(MARGIN))

#: Spread and sittings for the finding "equal".
EQUAL_PLACES = tuple((spread, n) for spread in (0.01, 0.02, 0.05) for n in (3, 6, 12, 24))


def machines(
    world: World, slower: Mapping[str, float], sittings: int, draws: int, seed: tuple[int, ...]
) -> Iterator[dict[str, Effects]]:
    """Yield the fits of each draw; `slower` holds what is added to the logs of each machine."""
    rng = rng_of(*seed)
    drawn = {name: logs_of(world, draws, sittings, rng) for name in slower}
    prior = Prior(world.spread)
    for draw in range(draws):
        yield {
            name: fit_effects(timings(world, logs[draw], slower[name]), prior)
            for name, logs in drawn.items()
        }


def covers(ranking: Ranking, true_order: list[str]) -> bool:
    """Say whether every machine's true rank lies in its rank set."""
    return all(
        ranking.ranks[name].first <= rank <= ranking.ranks[name].last
        for rank, name in enumerate(true_order, 1)
    )


def families_table(draws: int, pool: Executor) -> Table:
    """Return the table of equal machines called apart, and of rank sets of unlike machines."""
    places = [(m, sittings) for m in MACHINES for sittings in SITTINGS]
    return Table(
        "families",
        f"Sittings that differ by 5%. Unlike machines: neighbours differ by {percent(STEP, 0)}. "
        + counted(draws),
        (
            *("machines", "sittings each", "equal machines: any pair called apart (at most)"),
            *("unlike machines: all rank sets right (at least)", "mean ranks in a set"),
        ),
        tuple(pool.map(partial(_family_row, draws=draws), places)),
    )


def _family_row(place: tuple[int, int], draws: int) -> tuple[str, ...]:
    count, sittings = place
    names = [f"machine {number}" for number in range(count)]
    apart = sum(
        any(pair.finding.apart for pair in ranking.pairs)
        for (ranking,) in map(
            rankings,
            machines(World(SPREAD), dict.fromkeys(names, 0.0), sittings, draws, (4, *place)),
        )
    )
    steps = {name: STEP * number for number, name in enumerate(names)}
    right = ranks = 0
    for fits in machines(World(SPREAD), steps, sittings, draws, (5, *place)):
        (ranking,) = rankings(fits)
        right += covers(ranking, names)
        ranks += sum(one.last - one.first + 1 for one in ranking.ranks.values())
    return (
        str(count),
        str(sittings),
        at_most(apart, draws),
        at_least(right, draws),
        f"{ranks / draws / count:.1f} of {count}",
    )


def equal_table(draws: int, pool: Executor) -> Table:
    """Return the table of the finding "equal within 3%", right and wrong."""
    return Table(
        "equal",
        f"Two machines, margin {percent(MARGIN, 0)}. {counted(draws)}",
        (
            *("spread between sittings", "sittings a side"),
            *("truly 3% apart: called equal (at most)", "truly equal: called equal"),
            "truly equal: called apart (at most)",
        ),
        tuple(pool.map(partial(_equal_row, draws=draws), EQUAL_PLACES)),
    )


def _equal_row(place: tuple[float, int], draws: int) -> tuple[str, ...]:
    spread, sittings = place
    counts = []
    for number, true_ratio in enumerate(RATIOS):
        found = [
            rankings(fits)[0].pairs[0].finding
            for fits in machines(
                World(spread),
                {"a": 0.0, "b": true_ratio},
                sittings,
                draws,
                (6, round(1000 * spread), sittings, number),
            )
        ]
        counts.append({kind: found.count(kind) for kind in Finding})
    same, outside = counts
    return (
        percent(spread, 0),
        str(sittings),
        at_most(outside[Finding.EQUAL], draws),
        percent(same[Finding.EQUAL] / draws, 0),
        at_most(same[Finding.FASTER] + same[Finding.SLOWER], draws),
    )
