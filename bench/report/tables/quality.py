"""The table of quality: each metric of a job, beside its published figure if there is one."""

from __future__ import annotations

from typing import Any

from bench.analysis.cells import Cell
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
    warnings,
)
from bench.report.words import notes, phrases
from bench.spec.axes import Metric, Reference
from bench.spec.description import Outline

_N = Column("n", "n", "number", "jobs pooled in the row")


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
            *([] if reference is None else [notes.judged(reference), reference.caveat]),
        ),
    )


def _rows(results: Results) -> list[dict[str, Any]]:
    reference = results.reference
    measured = [
        (result.metrics, group_row(result.group, results.outline)) for result in results.groups
    ]
    if reference is None:
        return [_row(metrics, head, results) for metrics, head in measured]
    rows = []
    for result in reference.results:
        cell = published_cell(result.axes, result.epochs, reference, results.outline)
        alike = [pair for pair in measured if _same_job(pair[0].cell, cell, reference)]
        head = published_row(
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


def _row(found: MetricComparison, head: dict[str, Any], results: Results) -> dict[str, Any]:
    naming, reference = Naming(results.outline), results.reference
    shown = _by_publication(results)
    row = {**head, "n": found.n}
    row |= {naming.metric(m.name): found.metrics.get(m.name) for m in shown}
    if reference is None:
        return row
    names = _published_names(reference)
    axes = {axis.name: axis for axis in results.outline.axes}
    slip = phrases.CAVEATS.get(found.caveat, f"{reference.year} only")
    return {
        **row,
        **{f"published_{name}": found.published.get(name) for name in names},
        **{f"{name}_difference": found.differences.get(name) for name in names},
        "tolerance": found.tolerance,
        "within_tolerance": found.within,
        "tolerance_reason": phrases.not_judged(found.unknown, found.cell.dataset, axes),
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
    if reference is None:
        return [metric_column(metric, Naming(outline)) for metric in metrics]
    published = _published_names(reference)
    columns = [
        column
        for metric in metrics
        if metric.name in published
        for column in _beside(metric, outline, reference.year)
    ]
    columns.append(
        Column(
            "within_tolerance",
            "within tolerance",
            meaning="whether every published metric differs by no more than the tolerance",
            why="tolerance_reason",
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
