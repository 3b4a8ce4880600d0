"""The table of epochs: times, memory and metrics epoch by epoch, medians over jobs.

People read one row for each job with the milliseconds of a step in every epoch, as a training log
prints them; JSON and CSV hold a row for each epoch.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from bench.analysis.capacity import EpochTimes
from bench.analysis.cells import Cell, Group, heading_axes, scaled
from bench.analysis.curves import CurvePoint
from bench.analysis.results import Results
from bench.report.column import Column, Table
from bench.report.shared_columns import (
    Naming,
    group_columns,
    group_row,
    metric_column,
    published_row,
    source_of,
    warnings,
)
from bench.report.words import notes
from bench.spec.description import Outline

#: Begins the key of a metric of an evaluation, beside the metric of the epoch itself.
EVALUATED = "evaluated_"

#: At most so many epochs stand side by side.
ABREAST = 16


def _step(name: str, heading: str, meaning: str) -> Column:
    return Column(f"step_{name}_ms", heading, "number", meaning, unit="ms", better="lower")


_FIGURES = (
    Column("epoch", "epoch", "number"),
    Column("n", "n", "number", "jobs pooled in the row", foldable=True),
    Column("wall_s", "wall s", "number", "the seconds of the epoch", unit="s", better="lower"),
    _step("p10", "p10", "a tenth of the steps are at least as fast"),
    _step("median", "median", "the median step"),
    _step("mean", "mean", "the epoch divided by its steps"),
    _step("p95", "p95", "95 % of the steps are at least as fast"),
    _step("first", "first", "the first step, which traces and compiles in epoch 1"),
    Column("cpu_s", "CPU s", "number", "CPU seconds of the job's process", unit="s"),
    Column(
        "rss_bytes", "memory MiB", "mebibytes", "the resident memory at the epoch's end", unit="B"
    ),
)
_DISTURBED = Column(
    "disturbed",
    "disturbed",
    "number",
    "how many of the n epochs were disturbed",
    foldable=True,
)


def epochs_table(results: Results) -> Table:
    """Return every epoch; published epochs are shown beside measured epochs of such a job."""
    outline, naming = results.outline, Naming(results.outline)
    evaluated = {
        (curve.group.machine_key, curve.group.cell, point.epoch): point
        for curve in results.curves
        for point in curve.points
    }
    measured = [
        _row(group, times, outline)
        | _evaluated(evaluated.get((group.machine_key, group.cell, group.more[0])), outline)
        for group, times in results.epochs
    ]
    seen = {_job(group.cell, outline) for group, _ in results.epochs}
    published, shown = _published(results, seen)
    metrics = [
        metric_column(metric, naming, form="number", digits=3, heading=metric.short or metric.title)
        for metric in outline.epoch_metrics
    ]
    year = results.reference.year if results.reference else None
    return Table(
        name="epochs",
        title="Milliseconds per step, epoch by epoch",
        columns=(
            *group_columns(results),
            *_FIGURES,
            *metrics,
            *(_evaluation_columns(outline) if results.curves else ()),
            _DISTURBED,
        ),
        rows=(*measured, *published),
        brief=_side_by_side((*measured, *shown)),
        reading=(*group_columns(results), *map(_epoch_column, _chosen(measured or shown))),
        notes=(
            *warnings(results),
            notes.EPOCHS_NOTE,
            *([notes.published_epochs(year)] if year else []),
        ),
    )


def _side_by_side(rows: Sequence[Mapping[str, Any]]) -> tuple[dict[str, Any], ...]:
    """Return one row for each run of epochs, with the mean step of each epoch."""
    found: list[dict[str, Any]] = []
    for row in rows:
        if not found or row["epoch"] <= found[-1]["epoch"]:
            found.append(dict(row))
        found[-1] |= {"epoch": row["epoch"], _epoch_key(row["epoch"]): row["step_mean_ms"]}
    return tuple(found)


def _chosen(rows: Sequence[Mapping[str, Any]]) -> list[int]:
    """Return the epochs that are shown: all of them, or some at equal distances."""
    epochs = sorted({row["epoch"] for row in rows})
    if len(epochs) <= ABREAST:
        return epochs
    step = (len(epochs) - 1) / (ABREAST - 1)
    return [epochs[round(place * step)] for place in range(ABREAST)]


def _epoch_column(epoch: int) -> Column:
    return Column(_epoch_key(epoch), str(epoch), "number", unit="ms", better="lower")


def _epoch_key(epoch: int) -> str:
    return f"epoch_{epoch}_step_ms"


def _evaluated(point: CurvePoint | None, outline: Outline) -> dict[str, float | None]:
    """Return the scored metric and its counterpart after an epoch; nothing if there is no curve."""
    scored = outline.scored
    if point is None or scored is None:
        return {}
    counterpart = outline.training_of(scored)
    row: dict[str, float | None] = {EVALUATED + scored.name: point.score}
    return row if counterpart is None else {**row, EVALUATED + counterpart.name: point.training}


def _evaluation_columns(outline: Outline) -> list[Column]:
    scored = outline.scored
    found = [] if scored is None else [scored, outline.training_of(scored)]
    return [
        metric_column(
            metric,
            Naming(outline),
            key=EVALUATED + metric.name,
            heading=f"evaluated {metric.title}",
            meaning=f"{metric.title} of an evaluation after the epoch, with the clock stopped",
        )
        for metric in found
        if metric is not None
    ]


def _row(group: Group, times: EpochTimes, outline: Outline) -> dict[str, Any]:
    naming = Naming(outline)
    return {
        **group_row(group, outline, "job_epochs"),
        "epoch": group.more[0],
        "n": times.n,
        "disturbed": times.disturbed,
        "wall_s": times.wall_s,
        "step_p10_ms": scaled(times.step_p10_s, 1000),
        "step_median_ms": scaled(times.step_median_s, 1000),
        "step_mean_ms": scaled(times.step_mean_s, 1000),
        "step_p95_ms": scaled(times.step_p95_s, 1000),
        "step_first_ms": scaled(times.step_first_s, 1000),
        "cpu_s": times.cpu_s,
        "rss_bytes": times.rss_bytes,
        "rss_peak_bytes": times.rss_peak_bytes,
        "foreign_cpus": times.foreign_cpus,
        "steal_share": times.steal_share,
        **{naming.metric(name): value for name, value in times.metrics.items()},
    }


def _published(
    results: Results, seen: set[tuple[Any, ...]]
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Return the rows of all published epochs, and the rows of the jobs in `seen`."""
    outline, reference = results.outline, results.reference
    if reference is None:
        return [], []
    naming, source = Naming(outline), source_of(reference.year)
    rows, shown = [], []
    for found in results.published:
        run = found.run
        head = published_row(
            run.label, run.machine, source, found.cell, outline, epochs="job_epochs"
        )
        series = {"wall_s": run.epoch_s, "step_mean_ms": run.step_ms}
        series |= {naming.metric(name): values for name, values in run.epoch_metrics.items()}
        epochs = [
            {**head, "epoch": place + 1, "n": 1, **{k: v[place] for k, v in series.items()}}
            for place in range(len(run.epoch_s))
        ]
        rows += epochs
        shown += epochs if _job(found.cell, outline) in seen else []
    return rows, shown


def _job(cell: Cell, outline: Outline) -> tuple[Any, ...]:
    """Return what a measured and a published job must share to stand beside each other.

    They may have unlike numbers of epochs.
    """
    batch = [axis for axis in outline.axes if axis.is_batch]
    axes = (*heading_axes(outline), *batch)
    return tuple(cell.value(axis.name) for axis in axes)
