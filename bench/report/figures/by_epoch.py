"""The figures by epoch: milliseconds a step, memory, and the scored metric."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from bench.analysis.capacity import EpochTimes
from bench.analysis.cells import Cell
from bench.analysis.results import Results
from bench.report.figures.figure import Figure
from bench.report.figures.panels import LinesOf, line_panels, panel_title, shown_cells
from bench.report.figures.styles import styles
from bench.report.words import figures as words

#: A figure over epochs needs more than one of them.
LEAST_EPOCHS = 2


def steps_figure(results: Results) -> Figure | None:
    """Return the mean step by epoch, as training logs print it."""
    found = _by_epoch(results, lambda times: times.step_mean_s, 1000.0)
    of = LinesOf("epoch", "value", words.EPOCH, words.MS_A_STEP)
    return found and _figure("steps", words.STEPS_TITLE, words.STEPS_HOW, *found, of, results)


def memory_figure(results: Results) -> Figure | None:
    """Return the resident memory at the end of each epoch."""
    found = _by_epoch(
        results,
        lambda times: None if times.rss_bytes is None else float(times.rss_bytes),
        1 / 2**20,
    )
    of = LinesOf("epoch", "value", words.EPOCH, "MiB", positive=False, least=0.1)
    return found and _figure("memory", words.MEMORY_TITLE, words.MEMORY_HOW, *found, of, results)


def quality_figure(results: Results) -> Figure | None:
    """Return the scored metric by epoch, on the data that were trained on and on the others."""
    metric = results.outline.scored
    if metric is None:
        return None
    counterpart = results.outline.training_of(metric)
    shown, told = _cells(results), styles(results)
    panels = {cell: number for number, cell in enumerate(shown)}
    names = words.QUALITY_PARTS
    rows = [
        {"panel": panels[cell], **told.row(machine), "epoch": epoch, "part": names[part]}
        | {"value": value}
        for part, points in enumerate(
            (
                _scores(results, metric.name, panels),
                _training(results, "" if counterpart is None else counterpart.name, panels),
            )
        )
        for (cell, machine, epoch), value in points.items()
        if machine in told
    ]
    kept = [number for number in panels.values() if _is_followed(rows, number)]
    if not kept:
        return None
    titles = [panel_title(shown[number], results) for number in kept]
    rows = [{**row, "panel": kept.index(row["panel"])} for row in rows if row["panel"] in kept]
    parts = tuple(part for part in names if any(row["part"] == part for row in rows))
    title = words.quality_title(metric.title, beside=len(parts) > 1)
    of = LinesOf("epoch", "value", words.EPOCH, metric.title, parts, positive=False)
    return _figure("quality", title, words.quality_how(metric.title), titles, rows, of, results)


def _figure(
    name: str,
    title: str,
    how_to_read: tuple[str, str],
    titles: Sequence[str],
    rows: Sequence[Mapping[str, Any]],
    of: LinesOf,
    results: Results,
) -> Figure:
    """Return the figure of some panels of lines over epochs."""
    return Figure(
        name=name,
        title=title,
        spec=line_panels(name, title, titles, rows, of, styles(results)),
        how_to_read=how_to_read,
        alt=words.panels_alt(title, titles, len({row["label"] for row in rows})),
    )


def _is_followed(rows: Sequence[Mapping[str, Any]], panel: int) -> bool:
    """Say whether a panel shows an evaluation, and more than one epoch."""
    own = [row for row in rows if row["panel"] == panel]
    evaluated = any(row["part"] == words.QUALITY_PARTS[0] for row in own)
    return evaluated and len({row["epoch"] for row in own}) >= LEAST_EPOCHS


Points = Mapping[tuple[Cell, str, int], float]


def _scores(results: Results, metric: str, cells: Mapping[Cell, int]) -> Points:
    """Return the scored metric at every evaluation of the shown jobs."""
    found = {
        (curve.group.cell, curve.group.machine, point.epoch): point.score
        for curve in results.curves
        for point in curve.points
        if curve.group.cell in cells
    }
    followed = {(cell, machine) for cell, machine, _ in found}
    longest = {replace(cell, epochs=1): cell for cell in cells}
    for result in results.groups:
        cell = longest.get(replace(result.group.cell, epochs=1))
        value = result.metrics.metrics.get(metric)
        if cell is not None and value is not None and (cell, result.group.machine) not in followed:
            found[cell, result.group.machine, result.group.cell.epochs] = value
    return found


def _training(results: Results, metric: str, cells: Mapping[Cell, int]) -> Points:
    """Return the training counterpart: at the evaluations, or during each epoch if they are few."""
    if not metric:
        return {}
    found = {
        (curve.group.cell, curve.group.machine, point.epoch): point.training
        for curve in results.curves
        for point in curve.points
        if curve.group.cell in cells and point.training is not None
    }
    followed = {(cell, machine) for cell, machine, _ in found}
    for group, times in results.epochs:
        value = times.metrics.get(metric)
        if (
            group.cell in cells
            and value is not None
            and (group.cell, group.machine) not in followed
        ):
            found[group.cell, group.machine, group.more[0]] = value
    return found


def _cells(results: Results) -> list[Cell]:
    """Return the jobs of several epochs that have a panel."""
    pairs = dict.fromkeys((group.cell, group.machine) for group, _ in results.epochs)
    return shown_cells((cell for cell, _ in pairs if cell.epochs >= LEAST_EPOCHS), results)


def _by_epoch(
    results: Results, value_of: Callable[[EpochTimes], float | None], factor: float
) -> tuple[list[str], list[dict[str, Any]]] | None:
    """Return the titles of the panels and the rows of a figure by epoch; None without a value."""
    panels = {cell: number for number, cell in enumerate(_cells(results))}
    rows = list(_rows(results, panels, value_of, factor))
    if {row["panel"] for row in rows} != set(panels.values()) or not rows:
        return None
    return [panel_title(cell, results) for cell in panels], rows


def _rows(
    results: Results,
    panels: Mapping[Cell, int],
    value_of: Callable[[EpochTimes], float | None],
    factor: float,
) -> Iterator[dict[str, Any]]:
    told = styles(results)
    for group, times in results.epochs:
        value = value_of(times)
        if value is not None and group.cell in panels and group.machine in told:
            yield {
                "panel": panels[group.cell],
                **told.row(group.machine),
                "epoch": group.more[0],
                "value": value * factor,
                "n": times.n,
            }
