"""The confusion matrix of the best model: how often each class was taken for each other one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from bench.analysis.best_model import BestModel, best_model
from bench.analysis.cells import column_axes
from bench.analysis.results import Results
from bench.report.figures.figure import Figure
from bench.report.figures.labels import label, labels
from bench.report.figures.panels import concat_panels, panel_title
from bench.report.figures.theme import QUIET, SHADES
from bench.report.shared_columns import job_text
from bench.report.words import figures as words

if TYPE_CHECKING:
    import altair as alt

#: The side of the matrix and the largest side of one of its cells, in pixels.
SIDE, CELL = 440, 44

#: The characters of the name of a class.
CLASS_WIDTH = 12

#: Names of classes with so many characters are slanted above their columns.
UPRIGHT = 4

#: With more classes, the cells are too small for their counts.
MOST_COUNTS = 12

#: From this place on the scale of shades on, a count is written in white.
DARK_FROM = 0.7


def confusion_figure(results: Results) -> Figure | None:
    """Return the confusion matrix of the best model; None if no job has one."""
    metric, best = results.outline.scored, best_model(results)
    if metric is None or best is None:
        return None
    rows = _rows(best, panel_title(best.group.cell, results))
    classes = list(labels(best.confusion.classes, CLASS_WIDTH).values())
    whose = words.confusion_whose(_recipe(best, results), label(best.group.machine))

    def panel(number: int, first: bool, last: bool, width: int) -> alt.LayerChart | alt.FacetChart:
        return _matrix(rows, classes)

    return Figure(
        name="confusion",
        title=words.CONFUSION_TITLE,
        spec=concat_panels("confusion", words.CONFUSION_TITLE, [whose], rows, panel),
        how_to_read=words.confusion_how(metric, best, best.group.cell.dataset),
        alt=words.confusion_alt(
            whose, best.confusion.right, best.confusion.samples, _worst_mistake(rows)
        ),
    )


def _recipe(best: BestModel, results: Results) -> str:
    """Return the job with its value of each axis that tables show, the usual values too."""
    cell = best.group.cell
    values = [
        axis.mark.format(value)
        for axis in column_axes(results.outline)
        if (value := cell.value(axis.name)) is not None
    ]
    return " ".join([job_text(cell, results.outline), *values])


def _rows(best: BestModel, job: str) -> list[dict[str, Any]]:
    """Return a row for each cell of the matrix that counts a sample."""
    confusion = best.confusion
    named = labels(confusion.classes, CLASS_WIDTH)
    return [
        {
            "panel": 0,
            "machine": best.group.machine,
            "job": job,
            "true": named[true],
            "predicted": named[predicted],
            "count": count,
            "share": count / sum(counts),
        }
        for true, counts in zip(confusion.classes, confusion.counts, strict=True)
        for predicted, count in zip(confusion.classes, counts, strict=True)
        if count
    ]


def _worst_mistake(rows: Sequence[dict[str, Any]]) -> tuple[str, str, int] | None:
    """Return the true and the predicted class of the most frequent mistake, and its count."""
    wrong = [row for row in rows if row["true"] != row["predicted"]]
    worst = max(wrong, key=lambda row: row["count"], default=None)
    return None if worst is None else (worst["true"], worst["predicted"], worst["count"])


def _matrix(
    rows: Sequence[dict[str, Any]], classes: Sequence[str]
) -> alt.LayerChart | alt.FacetChart:
    import altair as alt

    most = max(2, *(row["count"] for row in rows))
    scale = alt.Scale(domain=list(classes), paddingInner=0.04, paddingOuter=0.02)
    plain: dict[str, Any] = {"ticks": False, "domain": False, "grid": False}
    angle = 0 if max(map(len, classes)) < UPRIGHT else -45
    across = alt.Axis(title=words.PREDICTED, orient="top", labelAngle=angle, **plain)
    x = alt.X("predicted:N", scale=scale, axis=across)
    y = alt.Y("true:N", scale=scale, axis=alt.Axis(title=words.TRUE, **plain))
    shade = alt.Scale(type="log", domain=[1, most], range=list(SHADES), clamp=True)
    on_dark = f"datum.count > {most**DARK_FROM:.6g}"
    here = alt.Chart().transform_filter("datum.panel === 0")
    cells = here.mark_rect(stroke=QUIET, strokeWidth=0.5).encode(
        x=x,
        y=y,
        color=alt.Color("count:Q", scale=shade, legend=None),
        tooltip=["true:N", "predicted:N", "count:Q"],
    )
    counts = here.mark_text(fontSize=12, aria=False).encode(
        x=x,
        y=y,
        text=alt.Text("count:Q", format=",d"),
        color=alt.condition(on_dark, alt.value("#FFFFFF"), alt.value("#000000")),
    )
    layers = (cells, counts) if len(classes) <= MOST_COUNTS else (cells,)
    side = min(SIDE, CELL * len(classes))
    return alt.layer(*layers).properties(width=side, height=side)
