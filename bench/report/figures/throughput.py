"""The figures of scaling: throughput over batch size, and speed-up over threads."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from bench.analysis.cells import Cell, batch_axis
from bench.analysis.results import GroupResult, Results
from bench.analysis.threads import ThreadScaling
from bench.report.figures.figure import Figure
from bench.report.figures.panels import MOST_PANELS, LinesOf, line_panels, panel_title
from bench.report.figures.styles import Styles, styles, styles_of
from bench.report.figures.theme import QUIET
from bench.report.words import figures as words

if TYPE_CHECKING:
    import altair as alt


def throughput_figure(results: Results) -> Figure | None:
    """Return the samples a second by batch size; None if no job has several batch sizes."""
    axis = batch_axis(results.outline)
    if axis is None:
        return None
    sweeps = _sweeps(results, axis.name)
    most = sorted(sweeps, key=lambda key: -sum(map(len, sweeps[key].values())))[:MOST_PANELS]
    shown = [key for key in sweeps if key in most]
    if not shown:
        return None
    told = styles(results)
    rows = [
        {"panel": number, **told.row(machine), **row}
        for number, key in enumerate(shown)
        for machine, points in sweeps[key].items()
        if machine in told
        for row in _points(points, axis.name)
    ]
    titles = [panel_title(key, results) for key in shown]
    of = LinesOf(
        *("batch", "samples_per_s", axis.title, words.SAMPLES),
        log2=True,
        shapes=tuple(value for value in words.REGIMES if any(r["shape"] == value for r in rows)),
    )
    return Figure(
        name="throughput",
        title=words.THROUGHPUT_TITLE,
        spec=line_panels("throughput", words.THROUGHPUT_TITLE, titles, rows, of, told),
        how_to_read=words.THROUGHPUT_HOW,
        alt=words.throughput_alt(titles, len({row["label"] for row in rows})),
    )


def _sweeps(results: Results, batch: str) -> dict[Cell, dict[str, list[GroupResult]]]:
    """Return the groups of each job and machine that was measured with several batch sizes."""
    found: dict[Cell, dict[str, list[GroupResult]]] = {}
    for result in results.groups:
        cell = result.group.cell
        if result.times.step_mean is not None and cell.value(batch) is not None:
            key = replace(cell, axes=tuple(pair for pair in cell.axes if pair[0] != batch))
            found.setdefault(key, {}).setdefault(result.group.machine, []).append(result)
    several = {
        key: {machine: points for machine, points in by_machine.items() if len(points) > 1}
        for key, by_machine in found.items()
    }
    return {key: by_machine for key, by_machine in several.items() if by_machine}


def _points(points: Sequence[GroupResult], batch: str) -> Iterator[dict[str, Any]]:
    for result in points:
        size, step = int(result.group.cell.value(batch) or 0), result.times.step_mean
        assert step is not None, "_sweeps() looked"
        limits = result.limits.limits
        yield {
            "batch": size,
            "samples_per_s": size / step.value,
            "shape": words.NO_REGIME if limits is None else limits.regime,
            "n": result.times.n,
        }


def threads_figure(results: Results) -> Figure | None:
    """Return the speed-up by number of threads; None if no host measured several numbers."""
    by_cell: dict[Cell, list[ThreadScaling]] = {}
    for scaling in results.threads:
        by_cell.setdefault(scaling.cell, []).append(scaling)
    shown = list(by_cell)[:MOST_PANELS]
    if not shown:
        return None
    hosts = styles_of(scaling.host for scaling in results.threads)
    rows: list[dict[str, Any]] = []
    for number, cell in enumerate(shown):
        rows += _ideal(by_cell[cell], number)
        rows += [
            row
            for one in by_cell[cell]
            if one.host in hosts
            for row in _speedups(one, number, hosts)
        ]
    titles = [panel_title(cell, results) for cell in shown]
    of = LinesOf(
        *("threads", "speedup", words.THREADS, words.SPEEDUP), positive=False, marks=_more_marks
    )
    best = max(row["speedup"] for row in rows if row["part"] == "measured")
    return Figure(
        name="threads",
        title=words.THREADS_TITLE,
        spec=line_panels("threads", words.THREADS_TITLE, titles, rows, of, hosts),
        how_to_read=words.THREADS_HOW,
        alt=words.threads_alt(titles, len(hosts.labels), f"{best:.2f}"),
    )


def _ideal(scalings: Sequence[ThreadScaling], panel: int) -> Iterator[dict[str, Any]]:
    """Yield the line of a speed-up that grows as the threads do, from the fewest threads on."""
    least = min(scaling.base.threads for scaling in scalings)
    counts = {point.threads for scaling in scalings for point in scaling.points}
    for threads in sorted(counts):
        yield {"panel": panel, "part": "ideal", "threads": threads, "speedup": threads / least}


def _speedups(scaling: ThreadScaling, panel: int, hosts: Styles) -> Iterator[dict[str, Any]]:
    for point in scaling.points:
        bounds = None if point.speedup is None else point.speedup.interval()
        yield {
            "panel": panel,
            "part": "measured",
            **hosts.row(scaling.host),
            "threads": point.threads,
            "speedup": 1.0 if bounds is None else bounds.estimate,
            "low": None if bounds is None else bounds.low,
            "high": None if bounds is None else bounds.high,
            "n": point.jobs,
        }


def _more_marks(here: alt.Chart, x: alt.X, y: alt.Y) -> list[alt.Chart]:
    """Return the layers of the ideal line and of the brackets."""
    import altair as alt

    ideal = here.transform_filter("datum.part === 'ideal'")
    known = here.transform_filter("datum.told === true && isValid(datum.low)")
    return [
        ideal.mark_line(color=QUIET, strokeDash=[2, 3], strokeWidth=1, aria=False).encode(x=x, y=y),
        known.mark_rule(strokeWidth=1.5, clip=True, aria=False).encode(
            x=x, y=alt.Y("low:Q"), y2="high:Q", color=alt.Color("style:N")
        ),
    ]
