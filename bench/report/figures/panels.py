"""Charts of several jobs: which jobs have a panel, and panels of lines, a line for each machine."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from bench.analysis.cells import Cell, column_axes, in_order, kind_of, unmarked_axes
from bench.analysis.results import Results
from bench.report.figures.chart import axis_of, domain, part_of, spec_of
from bench.report.figures.styles import Styles
from bench.report.figures.theme import QUIET, STYLES
from bench.report.shared_columns import job_text
from bench.spec.description import Outline

if TYPE_CHECKING:
    import altair as alt

#: The most panels of a figure; the tables hold the other jobs.
MOST_PANELS = 6

#: The width of a panel by the number of panels in a line, and the height of each.
WIDTHS = {1: 500, 2: 320, 3: 215}
HEIGHT = 190

#: The most ticks of an axis of whole numbers.
MOST_TICKS = 8


@dataclass(frozen=True)
class LinesOf:
    """What a chart of lines shows: the fields of its rows, the axes' titles, and how lines differ.

    A row holds `panel`, the keys of `Styles.row`, `x` and `y`, and `part` if the chart has two
    lines for each machine: `parts` are their names, the solid one first. `log2` is a logarithmic
    x axis of powers of 2. `positive` figures have an axis that may be logarithmic; other axes span
    the share `least` of their largest figure at least. `shapes` are
    the values of the field `shape`, which then gives the shape of a point in the machine's place.
    `marks` adds layers, given a chart of the panel's rows and its axes.
    """

    x: str
    y: str
    x_title: str
    y_title: str
    parts: tuple[str, ...] = ()
    log2: bool = False
    positive: bool = True
    least: float = 0.01
    shapes: tuple[str, ...] = ()
    marks: Callable[[alt.Chart, alt.X, alt.Y], Sequence[alt.Chart]] | None = None


def shown_cells(cells: Iterable[Cell], results: Results, most: int = MOST_PANELS) -> list[Cell]:
    """Return the jobs that have a panel, in the order of the tables.

    Jobs with the usual value on each of their axes come first, then the jobs that most machines
    measured, one of each kind first. Of jobs that differ in their epochs alone, the longest counts.
    """
    counts: dict[Cell, int] = {}
    for cell in cells:
        counts[cell] = counts.get(cell, 0) + 1
    longest: dict[Any, int] = {}
    for cell in counts:
        key = (cell.axes, cell.dataset, cell.data_digest)
        longest[key] = max(cell.epochs, longest.get(key, 0))
    kept = [
        cell
        for cell in in_order(counts, results.outline)
        if longest[cell.axes, cell.dataset, cell.data_digest] == cell.epochs
    ]
    usual = [cell for cell in kept if not _unusual(cell, results.outline)] or kept
    place: dict[Cell, int] = {}
    for cell in usual:
        own = kind_of(cell, results.outline)
        place[cell] = sum(kind_of(one, results.outline) == own for one in place)
    found = sorted(usual, key=lambda cell: (-counts[cell], place[cell]))[:most]
    return in_order(found, results.outline)


def panel_title(cell: Cell, results: Results) -> str:
    """Return the name of a job with all values that are not usual."""
    unusual = [axis.mark.format(cell.value(axis.name)) for axis in _unusual(cell, results.outline)]
    datasets = results.sameness.datasets
    data = [cell.dataset] if len(datasets) > 1 else []
    return " ".join([job_text(cell, results.outline), *unusual, *data])


def _unusual(cell: Cell, outline: Outline) -> list[Any]:
    """Return the axes on which a job has another value than the default one."""
    return [
        axis
        for axis in (*column_axes(outline), *unmarked_axes(outline))
        if axis.default is not None and cell.value(axis.name) not in (None, axis.default)
    ]


def line_panels(
    name: str,
    title: str,
    titles: Sequence[str],
    rows: Sequence[Mapping[str, Any]],
    of: LinesOf,
    styles: Styles,
) -> dict[str, Any]:
    """Return the specification of panels of lines, one for each of `titles`."""
    shown = styles.among(rows)

    def panel(number: int, first: bool, last: bool, width: int) -> alt.LayerChart | alt.FacetChart:
        own = [row for row in rows if row["panel"] == number]
        return _lines(own, number, of, shown, (first, last), width)

    return concat_panels(name, title, titles, rows, panel)


def concat_panels(
    name: str,
    title: str,
    titles: Sequence[str],
    rows: Sequence[Mapping[str, Any]],
    panel: Callable[[int, bool, bool, int], alt.LayerChart | alt.FacetChart],
) -> dict[str, Any]:
    """Return the specification of some panels side by side.

    `panel` is given its number, whether it stands in the first column, whether it stands lowest in
    its column, and its width.
    """
    import altair as alt

    columns = min(len(titles), 2 if len(titles) < 5 else 3)
    charts = []
    for number, own in enumerate(titles):
        chart = panel(
            number, number % columns == 0, number + columns >= len(titles), WIDTHS[columns]
        ).properties(title=alt.Title(own, fontSize=12, offset=6, frame="group"))
        charts.append(part_of(chart))
    return spec_of(
        {
            "$schema": alt.SCHEMA_URL,
            "concat": charts,
            "columns": columns,
            "spacing": 24,
            "title": {"text": title, "offset": 16},
        },
        name,
        rows,
    )


def linear_ends(values: Iterable[float], least: float) -> tuple[float, float]:
    """Return the ends of a linear axis of any figures, with a little room.

    The axis spans at least the share `least` of the largest figure, so that negligible differences
    do not look large.
    """
    known = list(values)
    low, high = min(known), max(known)
    room = max(0.05 * (high - low), (least * max(abs(low), abs(high)) - (high - low)) / 2)
    return low - (room or 1.0), high + (room or 1.0)


def _lines(
    rows: Sequence[Mapping[str, Any]],
    number: int,
    of: LinesOf,
    styles: Styles,
    outer: tuple[bool, bool],
    width: int,
) -> alt.LayerChart | alt.FacetChart:
    import altair as alt

    x, y = _x(rows, of, outer[1]), _y(rows, of, outer[0])
    here = alt.Chart().transform_filter(f"datum.panel === {number}")
    told, others = (here.transform_filter(f"datum.told === {one}") for one in ("true", "false"))
    pointed = told.transform_filter(f"datum.part !== '{of.parts[-1]}'") if of.parts[1:] else told
    parts = alt.Scale(domain=list(of.parts), range=[[1, 0], [4, 3]][: len(of.parts)])
    dash = (
        alt.StrokeDash("part:N", scale=parts, legend=alt.Legend(title=None, orient="bottom"))
        if of.parts[1:]
        else styles.dash()
    )
    shape = _shape(of.shapes) if of.shapes else styles.shape()
    detail = ["label:N", *(["part:N"] if of.parts[1:] else [])]
    layers = [
        others.mark_line(color=QUIET, opacity=0.5, strokeWidth=1, aria=False).encode(
            x=x, y=y, detail=detail
        ),
        told.mark_line(strokeWidth=2, aria=False).encode(
            x=x, y=y, color=styles.colour(), strokeDash=dash, detail=detail
        ),
        pointed.mark_point(filled=True, size=45, opacity=1, aria=False).encode(
            x=x, y=y, color=styles.colour(), shape=shape
        ),
        *(of.marks(here, x, y) if of.marks is not None else []),
    ]
    return alt.layer(*layers).properties(width=width, height=HEIGHT)


def _shape(names: Sequence[str]) -> alt.Shape:
    """Return the encoding of the field `shape`, whose values are `names`."""
    import altair as alt

    scale = alt.Scale(domain=list(names), range=[style[1] for style in STYLES[: len(names)]])
    legend = alt.Legend(title=None, orient="bottom", symbolFillColor=QUIET, columns=1)
    return alt.Shape("shape:N", scale=scale, legend=legend)


def _x(rows: Sequence[Mapping[str, Any]], of: LinesOf, titled: bool) -> alt.X:
    import altair as alt

    values = sorted({row[of.x] for row in rows})
    if of.log2:
        scale = alt.Scale(type="log", base=2, domain=[values[0], values[-1]], nice=False)
        axis = alt.Axis(
            title=of.x_title if titled else None, values=values, format="d", labelOverlap="parity"
        )
    else:
        low, high = values[0], values[-1]
        ends = [low, high] if low < high else [low - 0.5, high + 0.5]
        scale = alt.Scale(domain=ends, nice=False, zero=False)
        axis = alt.Axis(
            title=of.x_title if titled else None,
            format="d",
            values=values[:: math.ceil(len(values) / MOST_TICKS)],
        )
    return alt.X(f"{of.x}:Q", scale=scale, axis=axis)


def _y(rows: Sequence[Mapping[str, Any]], of: LinesOf, titled: bool) -> alt.Y:
    import altair as alt

    title = of.y_title if titled else None
    values = [row[of.y] for row in rows]
    if of.positive and all(value > 0 for value in values):
        scale, axis = axis_of(domain(values), title, count=5)
    else:
        scale = alt.Scale(domain=list(linear_ends(values, of.least)), nice=False, zero=False)
        axis = alt.Axis(title=title, tickCount=5)
    return alt.Y(f"{of.y}:Q", scale=scale, axis=axis)
