"""The tables of the command `compare`: a row for each common cell and the mean, and the ranks."""

from __future__ import annotations

from typing import Any

from bench.analysis.cells import column_axes
from bench.analysis.comparison import CellComparison, Comparison
from bench.analysis.self_comparison import SelfComparison
from bench.clock import minute
from bench.report.column import Column, Table
from bench.report.pair_words import bracket_of
from bench.report.shared_columns import Naming, cell_row, rank_text
from bench.report.words import comparison as words
from bench.report.words.sureness import bracketed
from bench.spec.description import Outline
from bench.spec.job import NO_DATA


def cells_table(found: Comparison, outline: Outline) -> Table:
    """Return one row for each cell, and one for the mean over the cells."""
    quantity, naming = words.QUANTITIES[found.by], Naming(outline)
    names = [one.name for one in found.entrants]
    axes = [
        Column(
            naming.axis(axis.name),
            axis.title,
            "text" if axis.type in ("str", "bool") else "name",
            foldable=True,
        )
        for axis in column_axes(outline)
    ]
    data = {cell.cell.dataset for cell in found.cells} != {NO_DATA}
    return Table(
        name="compared",
        title=words.title(names, found.by, len(found.cells)),
        columns=(
            Column("job", "job"),
            *axes,
            *([Column("dataset", "data", foldable=True)] if data else []),
            *(
                Column(
                    f"seconds_{place}",
                    f"{name}, {quantity.unit}",
                    "number",
                    scale=quantity.factor,
                    absent=("is_mean", ""),
                )
                for place, name in enumerate(names)
            ),
            *(
                Column(f"speed_{place}", f"speed of {name}")
                for place, name in enumerate(names)
                if name != found.baseline
            ),
        ),
        rows=(*(_cell_row(cell, outline) for cell in found.cells), _mean_row(found, outline)),
        notes=(words.relative_to(found.baseline),),
    )


def ranks_table(found: Comparison) -> Table:
    """Return one row for each side, the fastest first: its rank set and its speed."""
    rows = []
    for name in found.ranking.names:
        ranks, pair = found.ranking.ranks[name], found.ranking.between(name, found.baseline)
        fit = found.entrant(name).fit(found.by)
        rows.append(
            {
                "rank": rank_text(ranks),
                "machine": name,
                "speed": "1" if pair is None else bracketed(bracket_of(pair.ratio)),
                "sittings": fit.count,
                "jobs": fit.jobs,
            }
        )
    return Table(
        name="ranks",
        title="Ranks",
        columns=(
            Column("rank", "rank"),
            Column("machine", "machine"),
            Column("speed", f"speed ({found.baseline} = 1)"),
            Column("sittings", "sittings", "name"),
            Column("jobs", "jobs", "name"),
        ),
        rows=tuple(rows),
    )


def sittings_table(found: SelfComparison) -> Table:
    """Return one row for each sitting of a machine: when it was, and how fast."""
    rows = [
        {
            "sitting": one.name.removeprefix("sitting "),
            "began": minute(one.contender.sittings[0].began_at),
            "run": one.contender.sittings[0].run_id,
            "jobs": one.fit(found.by).jobs,
            "slower": found.slower(one),
        }
        for one in found.parts
    ]
    return Table(
        name="sittings",
        title="Sittings",
        columns=(
            Column("sitting", "sitting"),
            Column("began", "began (UTC)"),
            Column("run", "run"),
            Column("jobs", "jobs", "name"),
            Column("slower", "slower than the mean", "signed", scale=100, digits=1, suffix=" %"),
        ),
        rows=tuple(rows),
    )


def _cell_row(found: CellComparison, outline: Outline) -> dict[str, Any]:
    return {
        **cell_row(found.cell, outline),
        **{f"seconds_{place}": time for place, time in enumerate(found.seconds)},
        **{
            f"speed_{place}": None if speed is None else bracketed(bracket_of(speed))
            for place, speed in enumerate(found.speeds)
        },
    }


def _mean_row(found: Comparison, outline: Outline) -> dict[str, Any]:
    """Return the row of the mean; it holds an axis only if all cells have one value of it."""
    heads = [cell_row(cell.cell, outline) for cell in found.cells]
    shared = {key: value for key, value in heads[0].items() if all(h[key] == value for h in heads)}
    blank = {key: " " for key in heads[0] if key not in shared}
    speeds = {}
    for place, one in enumerate(found.entrants):
        pair = found.ranking.between(one.name, found.baseline)
        if pair is not None:
            speeds[f"speed_{place}"] = bracketed(bracket_of(pair.ratio))
    return {**shared, **blank, "job": words.mean_of(len(found.cells)), "is_mean": True, **speeds}
