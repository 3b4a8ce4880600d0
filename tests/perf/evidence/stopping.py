"""When to stop: repeated looks, Stein's two stages, and stopping when a bracket is narrow."""

from __future__ import annotations

import math
from concurrent.futures import Executor
from functools import partial

import numpy as np
from shares import Table, at_least, at_most, counted, percent
from worlds import Logs, World, logs_of, rng_of, timings

from bench.analysis.effects import Prior, fit_effects
from bench.analysis.ratios import bracket
from bench.analysis.sequential import second_stage, sequence_half
from bench.analysis.student import two_sided

#: True differences of two machines, each with the most pairs of sittings that are looked at.
LOOKED = ((0.0, 20), (0.0, 60), (0.05, 60), (0.10, 60), (0.20, 60))

#: The wanted half-width, the sittings of the first stage, and the most of the second.
WANTED, FIRST_STAGE, MOST = math.log1p(0.03), 3, 400

SPREADS = (0.02, 0.05)


def pair_logs(world: World, draws: int, pairs: int, slower: float, seed: tuple[int, ...]) -> Logs:
    """Return log ratios, [draw, pair of sittings], of two machines that differ by `slower`."""
    rng = rng_of(*seed)
    first, second = (logs_of(world, draws, pairs, rng).mean(axis=2) for _ in range(2))
    return second - first + slower


def first_told(logs: Logs, halves: Logs) -> Logs:
    """Return the number of pairs after which 0 lies outside for the first time; 0 if it never is.

    `logs` are [draw, pair] and `halves` the half-widths of the running means.
    """
    means = logs.cumsum(axis=1) / np.arange(1, logs.shape[1] + 1)
    outside = abs(means) > halves
    return np.where(outside.any(axis=1), outside.argmax(axis=1) + 1, 0)


def running_variances(logs: Logs) -> Logs:
    """Return the sample variance of the first n values, for every n; infinite for one value."""
    n = np.arange(1, logs.shape[1] + 1)
    means = logs.cumsum(axis=1) / n
    squares = (logs**2).cumsum(axis=1) - n * means**2
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(n > 1, np.maximum(squares, 0) / (n - 1), math.inf)


def looks_table(draws: int, pool: Executor) -> Table:
    """Return the table of the t confidence sequence against a t interval at each look."""
    return Table(
        "looks",
        "A look after each pair of sittings, which differ by 5%. " + counted(draws),
        (
            *("true difference", "pairs at most", "confidence sequence: told apart at any look"),
            *("pairs until then, median", "t interval at each look: told apart at any look"),
        ),
        tuple(pool.map(partial(_looks_row, draws=draws), LOOKED)),
    )


def _looks_row(place: tuple[float, int], draws: int) -> tuple[str, ...]:
    planted, looks = place
    seed = (7, round(1000 * planted), looks)
    logs = pair_logs(World(0.05), draws, looks, math.log1p(planted), seed)
    spreads = running_variances(logs)
    numbers = range(1, looks + 1)
    sequence = np.array([sequence_half(n, 1.0) if n > 1 else math.inf for n in numbers])
    interval = np.array([two_sided(n - 1) / n**0.5 if n > 1 else math.inf for n in numbers])
    with np.errstate(invalid="ignore"):
        told, peeked = (
            first_told(logs, np.where(np.isinf(factors), math.inf, factors * spreads**0.5))
            for factors in (sequence, interval)
        )
    hits = int((told > 0).sum())
    return (
        percent(planted, 0),
        str(looks),
        at_most(hits, draws) if not planted else percent(hits / draws),
        f"{np.median(told[told > 0]):.0f}" if hits else "n/a",
        percent(float((peeked > 0).mean())),
    )


def stein_table(draws: int, pool: Executor) -> Table:
    """Return the table of Stein's two stages against stopping when a bracket is narrow."""
    return Table(
        "stein",
        f"A machine's own bracket is wanted within 3%, after {FIRST_STAGE} sittings. "
        + counted(draws),
        (
            *("spread between sittings", "prior"),
            *("two stages: coverage (at least)", "sittings, median"),
            *("stopped when narrow: coverage (at least)", "sittings, median "),
        ),
        tuple(
            pool.map(
                partial(_stein_row, draws=draws),
                [(spread, prior) for spread in SPREADS for prior in (spread, 0.0)],
            )
        ),
    )


def _stein_row(place: tuple[float, float], draws: int) -> tuple[str, ...]:
    spread, believed = place
    world = World(spread).calm
    rng = rng_of(8, round(1000 * spread), round(1000 * believed))
    prior = Prior(believed) if believed else Prior(spread, weight=0.0)
    staged, narrow = [], []
    for _ in range(draws):
        logs = logs_of(world, 1, MOST, rng)[0]
        cells = logs_by_cell(world, logs)
        plan = second_stage(fit_effects(timings(world, logs[:FIRST_STAGE]), prior), WANTED)
        count = min(plan.sittings, MOST)
        staged.append((count, abs(cells[:count].mean()) <= plan.half))
        narrow.append(_until_narrow(world, logs, cells, prior))
    columns = [(np.array(one)[:, 0], int(np.array(one)[:, 1].sum())) for one in (staged, narrow)]
    return (
        percent(spread, 0),
        f"{100 * believed:.0f}%" if believed else "none",
        *(
            text
            for counts, hits in columns
            for text in (at_least(hits, draws), f"{np.median(counts):.0f}")
        ),
    )


def logs_by_cell(world: World, logs: Logs) -> Logs:
    """Return the mean over cells of each sitting."""
    weights = np.repeat(1 / np.array(world.jobs) / len(world.jobs), world.jobs)
    return logs @ weights


def _until_narrow(world: World, logs: Logs, cells: Logs, prior: Prior) -> tuple[int, bool]:
    """Return after how many sittings the bracket is narrow at first, and if it is right."""
    for count in range(FIRST_STAGE, MOST + 1):
        half = bracket(fit_effects(timings(world, logs[:count]), prior))
        if half <= WANTED:
            break
    return count, bool(abs(cells[:count].mean()) <= half)
