"""Planted slowdowns in simulation: how often they are found, by sittings and within one."""

from __future__ import annotations

import math
from collections.abc import Sequence
from concurrent.futures import Executor
from functools import partial

import numpy as np
from families import machines
from shares import Table, at_most, counted, percent
from worlds import CELLS, SECONDS, World, rng_of

from bench.analysis.effects import Prior, Timing, fit_effects
from bench.analysis.ranks import rankings
from bench.analysis.ratios import within_sitting

PLANTED = (0.0, 0.05, 0.10, 0.20)
PLACES = tuple((spread, n) for spread in (0.02, 0.05, 0.10) for n in (1, 2, 3, 4, 6))

#: Noise between interleaved jobs, and how often A B B A is repeated.
NOISES, ROUNDS = (0.01, 0.02, 0.04), (1, 2, 3)

#: The order of the interleaved jobs: 0 is A, 1 is B.
MIRRORED = (0, 1, 1, 0)


def power_table(draws: int, pool: Executor) -> Table:
    """Return how often two machines that differ by a planted amount are told apart."""
    return Table(
        "power",
        "Two machines measured on separate days: told apart. " + counted(draws),
        (
            *("spread between sittings", "sittings a side", "0% planted (at most)"),
            *(f"{percent(planted, 0)} planted" for planted in PLANTED[1:]),
        ),
        tuple(pool.map(partial(_power_row, draws=draws), PLACES)),
    )


def _power_row(place: tuple[float, int], draws: int) -> tuple[str, ...]:
    spread, sittings = place
    found = []
    for planted in PLANTED:
        slower = {"a": 0.0, "b": math.log1p(planted)}
        seed = (9, round(1000 * spread), sittings, round(1000 * planted))
        drawn = machines(World(spread), slower, sittings, draws, seed)
        found.append(sum(rankings(fits)[0].pairs[0].finding.apart for fits in drawn))
    return (percent(spread, 0), str(sittings), *_shares(found, draws))


def interleaved_table(draws: int, pool: Executor) -> Table:
    """Return how often a planted slowdown is found in jobs that alternate within a sitting."""
    places = [(noise, rounds) for noise in NOISES for rounds in ROUNDS]
    return Table(
        "interleaved",
        "Jobs in the order A B B A within one sitting, which drifts by 2%: told apart. "
        + counted(draws),
        (
            *("spread between jobs", "A B B A, times", "0% planted (at most)"),
            *(f"{percent(planted, 0)} planted" for planted in PLANTED[1:]),
        ),
        tuple(pool.map(partial(_interleaved_row, draws=draws), places)),
    )


def _interleaved_row(place: tuple[float, int], draws: int) -> tuple[str, ...]:
    noise, rounds = place
    order = np.array(MIRRORED * rounds)
    found = []
    for planted in PLANTED:
        rng = rng_of(10, round(1000 * noise), rounds, round(1000 * planted))
        drift = np.linspace(-0.5, 0.5, len(order)) * rng.normal(0, 0.02, (draws, 1))
        logs = drift + rng.normal(0, noise, (draws, len(order))) + order * math.log1p(planted)
        found.append(
            sum(
                within_sitting(*(_variant(row[order == which]) for which in (0, 1))).finding().apart
                for row in logs
            )
        )
    return (percent(noise, 0), str(rounds), *_shares(found, draws))


def _variant(logs: Sequence[float]):
    jobs = [Timing(CELLS[0], "here", SECONDS[0] * math.exp(log)) for log in logs]
    return fit_effects(jobs, Prior(0.05))


def _shares(found: Sequence[int], draws: int) -> tuple[str, ...]:
    return (at_most(found[0], draws), *(percent(hits / draws, 0) for hits in found[1:]))
