"""The table of overfitting: the epoch of the best score, and what longer training did to it."""

from __future__ import annotations

from typing import Any

from bench.analysis.curves import Curve
from bench.analysis.results import Results
from bench.report.column import Column, Table
from bench.report.shared_columns import (
    Naming,
    group_columns,
    group_row,
    job_text,
    metric_column,
    warnings,
)
from bench.report.words import overfitting as words
from bench.spec.axes import Metric


def overfitting_table(results: Results) -> Table:
    """Return a row for each cell whose jobs were evaluated after more than two epochs."""
    scored = results.outline.scored
    assert scored is not None, "without a scored metric there is no curve"
    counterpart = results.outline.training_of(scored)
    return Table(
        name="overfitting",
        title="Overfitting",
        columns=(*group_columns(results), *_columns(scored, counterpart, results)),
        rows=tuple(_row(curve, scored, counterpart, results) for curve in results.curves),
        notes=(
            *warnings(results),
            *(
                words.overfits(_named(curve, results), curve, scored, counterpart)
                for curve in results.curves
                if curve.overfits and counterpart is not None
            ),
            words.OVERFITTING_NOTE,
        ),
    )


def _named(curve: Curve, results: Results) -> str:
    return f"{curve.group.machine}, {job_text(curve.group.cell, results.outline)}"


def _row(
    curve: Curve, scored: Metric, counterpart: Metric | None, results: Results
) -> dict[str, Any]:
    best, last = curve.best, curve.last
    row: dict[str, Any] = {
        **group_row(curve.group, results.outline),
        "seeds": len(curve.best_by_seed),
        "evaluated": len(curve.points),
        "best_epoch": best.epoch,
        "best_epoch_of_seeds": _span(curve.best_by_seed),
        f"best_{scored.name}": best.score,
        f"last_{scored.name}": last.score,
        "lost": curve.lost,
        "worse_seeds": f"{curve.worse} of {curve.compared}",
    }
    if counterpart is not None:
        row |= {
            f"{counterpart.name}_at_best": best.training,
            f"last_{counterpart.name}": last.training,
            "gap_at_best": best.gap,
            "gap_at_end": last.gap,
        }
    return row


def _span(epochs: tuple[int, ...]) -> str:
    return f"{epochs[0]} to {epochs[-1]}" if epochs[0] != epochs[-1] else str(epochs[0])


def _columns(scored: Metric, counterpart: Metric | None, results: Results) -> list[Column]:
    naming = Naming(results.outline)

    def figure(metric: Metric, key: str, heading: str, meaning: str) -> Column:
        return metric_column(metric, naming, key=key, heading=heading, meaning=meaning)

    columns = [
        Column("seeds", "seeds", "number", "seeds in the row; figures are medians over them"),
        Column("evaluated", "evaluated", "number", "epochs after which jobs were evaluated"),
        Column("best_epoch", "best epoch", "number", f"the epoch with the best {scored.title}"),
        Column("best_epoch_of_seeds", "of seeds", meaning="the best epochs of the single seeds"),
        figure(
            scored, f"best_{scored.name}", f"best {scored.title}", "its value after the best epoch"
        ),
    ]
    if counterpart is not None:
        columns += [
            figure(
                counterpart,
                f"{counterpart.name}_at_best",
                f"{counterpart.title} there",
                "its value after the best epoch",
            ),
            figure(
                scored,
                "gap_at_end",
                "gap at end",
                f"how much better {counterpart.title} is than {scored.title} after the last epoch",
            ),
        ]
    return [
        *columns,
        figure(scored, "lost", "lost", f"how much worse {scored.title} is at the end"),
        Column(
            "worse_seeds", "worse at end", meaning="seeds that are worse at the end than at best"
        ),
    ]
