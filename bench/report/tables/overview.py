"""The table of the first screen: how fast each machine is, what a job costs, and its energy."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from bench.analysis.cells import Cell
from bench.analysis.cost import GroupCost
from bench.analysis.ranks import Ranking
from bench.analysis.results import GroupResult, Results
from bench.report.column import Column, Table, clipped
from bench.report.rows import Row
from bench.report.shared_columns import (
    MACHINE,
    bound_keys,
    bounded,
    job_text,
    rank_text,
    telling,
)
from bench.report.words.catalogue import Words

#: At most so many rows are shown; the annex holds all machines.
MOST_ROWS = 10

_RANK = Column("rank", "rank")
_COSTS = (
    Column("usd_per_1000_jobs", "USD per 1000 jobs", "number", unit="USD", better="lower"),
    Column("joules", "J a job", "number", unit="J", better="lower"),
)
_SPEED = Column("speed", "speed", "number", better="higher", bounds=bound_keys("speed"), suffix="x")
_EPOCH = Column("epoch_s", "s per epoch", "number", unit="s", better="lower")
_STEP = Column(
    "step_mean_ms",
    "ms per step",
    "number",
    unit="ms",
    better="lower",
    bounds=bound_keys("step_mean", "ms"),
)


def overview_table(results: Results, words: Words) -> Table | None:
    """Return a row for each ranked machine; if nothing is ranked, one for each telling job."""
    if not results.groups:
        return None
    ranking = results.headline
    if ranking is None:
        rows, columns = _rows_of_jobs(results), _columns_of_jobs(results)
    else:
        rows = _rows_of_machines(ranking, results, words)
        columns = (_RANK, MACHINE, _SPEED, *_COSTS)
    read, left = _with_a_value(columns, rows[:MOST_ROWS]), len(rows) - MOST_ROWS
    first = None if ranking is None else clipped(ranking.names[0], MACHINE.width)
    return Table(
        name="overview",
        title="Machines at a glance",
        columns=columns,
        rows=tuple(rows),
        brief=tuple(rows[:MOST_ROWS]),
        reading=read,
        notes=(
            words.how_to_read(first, with_costs=any(one in read for one in _COSTS)),
            *([words.more_rows(left)] if left > 0 else []),
        ),
    )


def _with_a_value(columns: Sequence[Column], rows: Sequence[Row]) -> tuple[Column, ...]:
    """Return the columns in which some row has a value."""
    return tuple(one for one in columns if any(row.get(one.key) is not None for row in rows))


def _rows_of_machines(ranking: Ranking, results: Results, words: Words) -> list[dict[str, Any]]:
    """Return the ranked machines in their order, then the others."""
    fastest, costs = ranking.names[0], _by_machine(results.costs)
    apart = [one.name for one in results.measured_machines if one.name not in ranking.names]
    rows = []
    for name in (*ranking.names, *apart):
        rank = ranking.ranks.get(name)
        pair = None if rank is None else ranking.between(name, fastest)
        row = {
            "rank": rank and rank_text(rank, words.to),
            "rank_first": rank and rank.first,
            "rank_last": rank and rank.last,
            "machine": name,
            **bounded("speed", None if pair is None else pair.ratio.interval()),
            **_costs(costs.get(name, {}), ranking.cells),
        }
        rows.append({**row, "speed": 1.0} if name == fastest else row)
    return rows


def _by_machine(costs: Sequence[GroupCost]) -> dict[str, dict[Cell, list[GroupCost]]]:
    """Return the costs of each machine by cell."""
    found: dict[str, dict[Cell, list[GroupCost]]] = {}
    for one in costs:
        found.setdefault(one.group.machine, {}).setdefault(one.group.cell, []).append(one)
    return found


def _costs(
    costs: Mapping[Cell, Sequence[GroupCost]], cells: Sequence[Cell]
) -> dict[str, float | None]:
    """Return the means over `cells`, with equal weights; None if one of them has no figure."""
    found: dict[str, list[float | None]] = {"usd_per_1000_jobs": [], "joules": []}
    for cell in cells:
        own = costs.get(cell, ())
        found["usd_per_1000_jobs"].append(_mean([(one.usd_per_job, one.n) for one in own], 1000))
        found["joules"].append(_mean([(one.joules, one.n) for one in own]))
    return {key: _mean([(value, 1) for value in values]) for key, values in found.items()}


def _mean(values: Sequence[tuple[float | None, int]], factor: float = 1) -> float | None:
    """Return the mean of some values by their weights; None if one is unknown."""
    known = [(value, weight) for value, weight in values if value is not None]
    if not known or len(known) < len(values):
        return None
    return factor * sum(value * n for value, n in known) / sum(n for _, n in known)


def _columns_of_jobs(results: Results) -> tuple[Column, ...]:
    several = len(results.measured_machines) > 1
    published = () if results.reference is None else results.reference.machines
    return (
        *([MACHINE] if several else []),
        Column("job", "job"),
        _EPOCH,
        _STEP,
        *(
            Column(
                f"speed_vs_{one.key}",
                f"vs {one.name}",
                "number",
                better="higher",
                bounds=bound_keys(f"speed_vs_{one.key}"),
                suffix="x",
            )
            for one in published
        ),
        *_COSTS,
    )


def _rows_of_jobs(results: Results) -> list[dict[str, Any]]:
    """Return the most telling jobs of each machine."""
    costs = _by_machine(results.costs)
    return [
        _row_of_job(result, results, costs.get(result.group.machine, {}))
        for result in telling(results)
    ]


def _row_of_job(
    result: GroupResult, results: Results, costs: Mapping[Cell, Sequence[GroupCost]]
) -> dict[str, Any]:
    group, times = result.group, result.times
    row = {
        "machine": group.machine,
        "job": job_text(group.cell, results.outline),
        **bounded("epoch", times.epoch, "s"),
        **bounded("step_mean", times.step_mean, "ms", 1000),
        **_costs(costs, (group.cell,)),
    }
    for relative in result.relatives:
        row |= bounded(f"speed_vs_{relative.machine}", relative.speed)
    return row
