"""The table of ranks: every machine beside the fastest one, over all jobs and by kind of job."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

from bench.analysis.ranks import Ranking, spread_of_cells
from bench.analysis.ratios import MARGIN, Ratio
from bench.analysis.results import Results
from bench.report.column import Column, Table
from bench.report.rows import Row
from bench.report.shared_columns import (
    MACHINE,
    bound_keys,
    bounded,
    kind_text,
    nothing_compared,
    rank_text,
    warnings,
)
from bench.report.words import notes, phrases, sureness

#: The kind of job of a row that is about all of them.
ALL = "all"

_COLUMNS = (
    Column("jobs", "jobs", meaning='the kind of job; "all" is the mean over all kinds'),
    Column("rank", "rank", meaning="the ranks that the machine may have"),
    MACHINE,
    Column(
        "speed",
        "speed",
        "number",
        "how many times as fast as the first machine, on another day",
        better="higher",
        bounds=bound_keys("speed"),
        suffix="x",
    ),
    Column("finding", "finding", meaning="what that shows: slower, equal within 3 %, or open"),
    Column(
        "chance_slower",
        "chance",
        "text",
        "the chance that it is slower than the first machine",
    ),
    Column(
        "speed_range",
        "by kind",
        meaning="the least and the greatest speed beside the first machine in a single kind of job",
    ),
    Column("cells", "kinds", "number", "kinds of job that both measured", foldable=True),
    Column("sittings", "sittings", "number", "the machine's sittings"),
    Column("n", "jobs measured", "number", "the machine's jobs that count"),
    Column(
        "assumed",
        "assumed",
        "percent",
        "how much of the bracket is assumed, because there are few sittings",
    ),
)


def ranking_table(results: Results) -> Table:
    """Return the ranks of all machines that share jobs; without rows if no two of them do."""
    rows: list[Row] = []
    several = sum(any(len(one.names) > 1 for one in found) for found in results.by_kind.values())
    for ranking in results.rankings:
        if len(ranking.names) > 1:
            rows += _rows(ranking, ALL, results)
    for kind, found in results.by_kind.items():
        for ranking in found:
            if several > 1 and len(ranking.names) > 1:
                rows += _rows(ranking, kind_text(kind, results), results)
    return Table(
        name="ranking",
        title="Ranking",
        columns=_COLUMNS,
        rows=tuple(rows),
        notes=(
            *warnings(results),
            *([notes.RANKING_NOTE] if rows else [nothing_compared(results)]),
        ),
    )


def _rows(ranking: Ranking, jobs: str, results: Results) -> Iterator[Row]:
    fastest = ranking.names[0]
    first = results.contender(fastest).fits()
    for name in ranking.names:
        one = results.contender(name)
        own, rank = one.fits(), ranking.ranks[name]
        pair = ranking.between(name, fastest)
        row: dict[str, Any] = {
            "jobs": jobs,
            "rank": rank_text(rank),
            "rank_first": rank.first,
            "rank_last": rank.last,
            "machine": name,
            "sittings": own and own.count,
            "n": own and own.jobs,
            **_beside(None if pair is None else pair.ratio),
            "finding": pair and phrases.FINDINGS[pair.finding],
        }
        if name == fastest:
            row |= {"speed": 1.0, "finding": "first"}
        elif pair is not None and own is not None and first is not None:
            low, high = spread_of_cells(own, first, pair.ratio.cells)
            row |= {
                "speed_least": low,
                "speed_greatest": high,
                "speed_range": phrases.speed_range(low, high),
            }
        yield row


def _beside(ratio: Ratio | None) -> dict[str, Any]:
    """Return the part of a row that says how a machine compares with the first one."""
    if ratio is None:
        return {**bounded("speed", None), **dict.fromkeys(("chance_slower", "cells", "assumed"))}
    return {
        **bounded("speed", ratio),
        "log_speed": ratio.log,
        "log_se": ratio.se,
        "df": None if math.isinf(ratio.df) else ratio.df,
        "p_slower": 1 - ratio.p_faster(),
        "p_slower_by_margin": ratio.inverse.p_faster(MARGIN),
        "expected_loss": None if math.isinf(ratio.expected_loss) else ratio.expected_loss,
        "chance_slower": sureness.of_100(1 - ratio.p_faster()),
        "cells": len(ratio.cells),
        "assumed": ratio.assumed,
    }
