"""The table of machines against each other: every pair by every time, the faster machine first."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from typing import Any

from bench.analysis.contenders import COLUMNS, Contender
from bench.analysis.differences import Setup, differences, setup_of
from bench.analysis.pooling import MeasuredJob
from bench.analysis.ranks import Pair, Ranking
from bench.analysis.ratios import common_cells, ratio
from bench.analysis.results import Results
from bench.report.column import Column, Table
from bench.report.shared_columns import MACHINE, bound_keys, bounded, nothing_compared, warnings
from bench.report.words import notes, phrases
from bench.report.words.facts import difference_name, difference_values
from bench.report.words.sameness import comparable

#: All pairs stand in the table if there are at most so many.
MOST_PAIRS = 1000

#: How many facts that differ are named beside a pair.
MOST_DIFFERENCES = 3

#: What each time is called in the headings.
_NAMES = {"step": "mean step", "total": "total", "median": "median step", "p10": "p10 step"}


def comparison_table(results: Results) -> Table:
    """Return one row for each pair of machines; the readable rows are neighbours in the ranking.

    Of more than `MOST_PAIRS` pairs, the rows are neighbours, and each machine beside the first one.
    """
    rows, brief = [], []
    setups = _setups(results)
    for ranking in results.rankings:
        near = set(itertools.pairwise(ranking.names))
        for first, second in _told(ranking):
            pair = ranking.between(first, second)
            if pair is None:
                continue
            row = _row(pair if pair.ratio.log >= 0 else pair.turned, results, setups)
            rows.append(row)
            if (first, second) in near:
                brief.append(row)
    some = any(len(_told(one)) < _count(one) for one in results.rankings)
    return Table(
        name="comparison",
        title="Machines against each other",
        columns=_columns(),
        rows=tuple(rows),
        brief=tuple(brief),
        notes=(
            *warnings(results),
            *(
                [notes.comparison(notes.SOME_PAIRS if some else notes.ALL_PAIRS)]
                if rows
                else [nothing_compared(results)]
            ),
            *comparable(results.sameness),
        ),
    )


def _count(ranking: Ranking) -> int:
    """Return the number of all pairs."""
    return len(ranking.names) * (len(ranking.names) - 1) // 2


def _told(ranking: Ranking) -> list[tuple[str, str]]:
    """Return the pairs of the table, in the order of the ranking."""
    names = ranking.names
    if _count(ranking) <= MOST_PAIRS:
        return list(itertools.combinations(names, 2))
    return [(names[0], other) for other in names[1:]] + list(itertools.pairwise(names[1:]))


def _setups(results: Results) -> dict[str, Setup]:
    """Return what each machine was while its jobs ran, by its key."""
    found: dict[str, list[MeasuredJob]] = {}
    for job in results.measured:
        found.setdefault(job.machine_key, []).append(job)
    return {key: setup_of(jobs) for key, jobs in found.items()}


def _columns() -> tuple[Column, ...]:
    return (
        MACHINE,
        Column("against", "against", width=28),
        Column("cells", "kinds", "number", "kinds of job that both machines measured"),
        *(
            Column(
                f"speed_{quantity}",
                f"speed, {_NAMES[quantity]}",
                "number",
                f"how many times as fast the first machine is as the second by the "
                f"{_NAMES[quantity]}",
                better="higher",
                bounds=bound_keys(f"speed_{quantity}"),
                suffix="x",
            )
            for quantity in _NAMES
        ),
        Column("conclusion", "finding", meaning="what the mean step shows of the first machine"),
        Column(
            "differs",
            "what differs",
            "list",
            f"the {MOST_DIFFERENCES} facts that differ between them and tell most; the "
            "command compare lists all of them",
        ),
    )


def _row(pair: Pair, results: Results, setups: Mapping[str, Setup]) -> dict[str, Any]:
    first, second = results.contender(pair.first), results.contender(pair.second)
    return {
        "machine": pair.first,
        "against": pair.second,
        "cells": len(pair.ratio.cells),
        **_speeds(first, second, pair),
        "sure": pair.sure,
        "differs": _differs(setups[first.machine.key], setups[second.machine.key]),
        "conclusion": phrases.FINDINGS[pair.finding],
    }


def _differs(one: Setup, other: Setup) -> list[str]:
    """Return the most telling facts that differ between two machines, with both values."""
    told = []
    for found in differences(one, other)[:MOST_DIFFERENCES]:
        first, second = difference_values(found)
        told.append(f"{difference_name(found)} {first} / {second}")
    return told


def _speeds(first: Contender, second: Contender, pair: Pair) -> dict[str, float | None]:
    """Return the ratio of each time, over the cells of the pair."""
    found: dict[str, float | None] = {}
    compared = frozenset(pair.ratio.cells)
    for quantity in COLUMNS:
        one, other = first.fits(quantity), second.fits(quantity)
        cells = [] if one is None or other is None else common_cells(one, other)
        shared = [cell for cell in cells if cell in compared]
        of_times = ratio(one, other, shared) if one and other and shared else None
        found |= bounded(f"speed_{quantity}", of_times)
    return found
