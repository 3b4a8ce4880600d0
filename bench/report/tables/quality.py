"""The table of quality: each metric of a job, beside its published figure if there is one."""

from __future__ import annotations

from typing import Any

from bench.analysis.cells import Cell
from bench.analysis.gate import CellGate
from bench.analysis.reference import MetricComparison, comparison, published_cell
from bench.analysis.results import Results
from bench.report.column import Column, Table
from bench.report.shared_columns import (
    Naming,
    group_columns,
    group_row,
    metric_column,
    published_row,
    source_of,
    trained_wrong,
    warnings,
)
from bench.report.words import gate, phrases
from bench.spec.axes import Calibrations, Metric, Reference
from bench.spec.description import Outline

_N = Column("n", "n", "number", "jobs pooled in the row")
_CONVERGED = Column(
    "converged",
    "trains right",
    meaning="whether every job ended as healthy jobs do",
    why="converged_reason",
)
MEDIANS = "Figures are medians over the n jobs."


def quality_table(results: Results) -> Table:
    """Return measured rows beside their published figures, then rows without published figures."""
    reference = results.reference
    beside = "" if reference is None else f" beside the {reference.year} figures"
    return Table(
        name="quality",
        title=f"Quality{beside}",
        columns=(*group_columns(results), _N, *_columns(results)),
        rows=tuple(_rows(results)),
        notes=(
            *warnings(results),
            *_notes(results),
            *([] if reference is None else [reference.caveat]),
        ),
    )


def _notes(results: Results) -> list[str]:
    """Return how jobs are judged, then each machine that trains wrong."""
    calibrations = _calibrations(results)
    axes = {axis.name: axis for axis in results.outline.axes}
    told = [] if calibrations is None else [gate.explained(calibrations, axes)]
    return [MEDIANS, *told, *trained_wrong(results)]


def _calibrations(results: Results) -> Calibrations | None:
    return None if results.reference is None else results.reference.calibrations


def _rows(results: Results) -> list[dict[str, Any]]:
    reference = results.reference
    measured = [
        (
            result.metrics,
            {**group_row(result.group, results.outline), **_judged(result.gate, results)},
        )
        for result in results.groups
    ]
    if reference is None:
        return [_row(metrics, head, results) for metrics, head in measured]
    rows = []
    for result in reference.results:
        cell = published_cell(result.axes, result.epochs, reference, results.outline)
        alike = [pair for pair in measured if _same_job(pair[0].cell, cell, reference)]
        head = {"converged_reason": phrases.NOT_MEASURED} | published_row(
            f"published {reference.year}",
            None,
            source_of(reference.year),
            cell,
            results.outline,
        )
        rows += [_row(metrics, own, results) for metrics, own in alike] or [
            _row(comparison(cell, 0, {}, reference, results.outline), head, results)
        ]
    return rows + [
        _row(metrics, head, results) for metrics, head in measured if not metrics.published
    ]


def _same_job(cell: Cell, published: Cell, reference: Reference) -> bool:
    by = reference.results_by
    return cell.epochs == published.epochs and all(
        cell.value(name) == published.value(name) for name in by
    )


def _judged(found: CellGate, results: Results) -> dict[str, Any]:
    """Return whether the jobs of a row converged, and by which figures that is judged."""
    axes, worst = {axis.name: axis for axis in results.outline.axes}, found.worst
    return {
        "converged": found.converged,
        "converged_reason": gate.not_judged(found.unknown, found.cell.dataset, axes),
        "jobs_outside": found.outside,
        "jobs_not_finite": found.not_finite,
        "telling_metric": None if worst is None else worst.metric,
        "telling_value": None if worst is None else worst.value,
        "telling_low": None if worst is None else worst.low,
        "telling_high": None if worst is None else worst.high,
    }


def _row(found: MetricComparison, head: dict[str, Any], results: Results) -> dict[str, Any]:
    naming, reference = Naming(results.outline), results.reference
    shown = _by_publication(results)
    row = {**head, "n": found.n}
    row |= {naming.metric(m.name): found.metrics.get(m.name) for m in shown}
    if reference is None:
        return row
    names = _published_names(reference)
    slip = phrases.CAVEATS.get(found.caveat, f"{reference.year} only")
    return {
        **row,
        **{f"published_{name}": found.published.get(name) for name in names},
        **{f"{name}_difference": found.differences.get(name) for name in names},
        "published_holds": found.published_holds,
        "published_reason": phrases.NOT_CALIBRATED if found.published else phrases.NOT_PUBLISHED,
        **({_caveat_key(reference): slip} if reference.caveat else {}),
    }


def _published_names(reference: Reference) -> list[str]:
    """Return the names of the metrics that were published."""
    return list(dict.fromkeys(name for result in reference.results for name in result.metrics))


def _by_publication(results: Results) -> list[Metric]:
    """Return the metrics of an evaluation, published metrics first."""
    published = [] if results.reference is None else _published_names(results.reference)
    metrics = {metric.name: metric for metric in results.outline.evaluation_metrics}
    first = [metrics[name] for name in published if name in metrics]
    return first + [metric for metric in metrics.values() if metric not in first]


def _caveat_key(reference: Reference) -> str:
    return reference.caveat_heading.replace(" ", "_")


def _columns(results: Results) -> list[Column]:
    reference, outline = results.reference, results.outline
    metrics = _by_publication(results)
    judged = _calibrations(results) is not None or bool(results.wrong)
    converged = [_CONVERGED] if judged else []
    if reference is None:
        return [*(metric_column(metric, Naming(outline)) for metric in metrics), *converged]
    published = _published_names(reference)
    columns = [
        column
        for metric in metrics
        if metric.name in published
        for column in _beside(metric, outline, reference.year)
    ]
    columns += converged
    if converged:
        columns.append(
            Column(
                "published_holds",
                f"{reference.year} holds",
                meaning="whether the published figures are those of a healthy job",
                why="published_reason",
            )
        )
    if reference.caveat:
        meaning = "which of the two figures contains the mistake described below"
        columns.append(Column(_caveat_key(reference), reference.caveat_heading, meaning=meaning))
    return columns


def _beside(metric: Metric, outline: Outline, year: str) -> tuple[Column, Column, Column]:
    naming = Naming(outline)
    return (
        metric_column(metric, naming),
        metric_column(
            metric,
            naming,
            key=f"published_{metric.name}",
            heading=f"{year} {metric.title}",
            meaning="",
        ),
        metric_column(
            metric,
            naming,
            key=f"{metric.name}_difference",
            heading="difference",
            form="signed",
            meaning="the measured figure less the published one",
            better=None,
        ),
    )
