"""The figure of cost: dollars against time until a training reaches a target, with the frontier."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from bench.analysis.intervals import Interval
from bench.analysis.results import Results
from bench.analysis.time_to_target import TimeToTarget
from bench.report.figures.chart import axis_of, domain
from bench.report.figures.figure import Figure
from bench.report.figures.panels import HEIGHT, concat_panels
from bench.report.figures.styles import Styles, styles
from bench.report.figures.theme import QUIET
from bench.report.words import figures as words
from bench.report.words import reach

if TYPE_CHECKING:
    import altair as alt

#: The dollars are of so many trainings, as in the table of targets.
TRAININGS = 1000

#: The most targets that have a panel; the hardest ones that were reached.
MOST_TARGETS = 2


def cost_figure(results: Results) -> Figure | None:
    """Return dollars against seconds to each target; None if no price or no target is known."""
    metric, told = results.outline.scored, styles(results)
    found: dict[float, list[dict[str, Any]]] = {}
    for target in results.targets:
        point = _point(target, results, told)
        if point is not None:
            found.setdefault(target.reached.target, []).append(point)
    hardest = sorted(found, reverse=metric is not None and metric.better == "higher")
    shown = hardest[:MOST_TARGETS][::-1]
    if metric is None or not shown:
        return None
    rows: list[dict[str, Any]] = [
        {"panel": number, **row, "best": row in best}
        for number, target in enumerate(shown)
        for best in [frontier(found[target])]
        for row in found[target]
    ]

    named = told.among(rows)

    def panel(number: int, first: bool, last: bool, width: int) -> alt.LayerChart | alt.FacetChart:
        own = [row for row in rows if row["panel"] == number]
        return _points(own, number, named, (first, last), width)

    titles = [f"{metric.title} {target:g}" for target in shown]
    best = sum(row["best"] for row in rows)
    return Figure(
        name="cost",
        title=words.COST_TITLE,
        spec=concat_panels("cost", words.COST_TITLE, titles, rows, panel),
        how_to_read=words.COST_HOW,
        alt=words.cost_alt(titles, len({row["label"] for row in rows}), best),
    )


def frontier(rows: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Return the rows that no other row beats on both time and dollars, the fastest first."""
    found: list[Mapping[str, Any]] = []
    for row in sorted(rows, key=lambda one: (one["seconds"], one["usd"])):
        if not found or row["usd"] < found[-1]["usd"]:
            found.append(row)
    return found


def _point(target: TimeToTarget, results: Results, told: Styles) -> dict[str, Any] | None:
    seconds, usd = target.seconds, target.usd
    if seconds is None or usd is None or usd.estimate <= 0 or target.machine not in told:
        return None
    return {
        **told.row(target.machine),
        "recipe": reach.recipe(target.reached.recipe, results.outline),
        **dict(_bounds("seconds", seconds)),
        **dict(_bounds("usd", usd.times(TRAININGS))),
    }


def _bounds(name: str, found: Interval) -> Iterator[tuple[str, float | None]]:
    yield name, found.estimate
    yield f"{name}_low", found.low
    yield f"{name}_high", found.high


def _points(
    rows: Sequence[Mapping[str, Any]],
    number: int,
    told: Styles,
    outer: tuple[bool, bool],
    width: int,
) -> alt.LayerChart | alt.FacetChart:
    import altair as alt

    def axis(key: str, title: str | None) -> tuple[alt.Scale, alt.Axis]:
        bounds = [row[f"{key}_{end}"] for row in rows for end in ("low", "high")]
        return axis_of(domain([row[key] for row in rows], bounds), title, count=5)

    x_scale, x_axis = axis("seconds", words.SECONDS_TO_TARGET if outer[1] else None)
    y_scale, y_axis = axis("usd", words.DOLLARS if outer[0] else None)
    x = alt.X("seconds:Q", scale=x_scale, axis=x_axis)
    y = alt.Y("usd:Q", scale=y_scale, axis=y_axis)
    here = alt.Chart().transform_filter(f"datum.panel === {number}")
    best = here.transform_filter("datum.best")
    layers = (
        best.mark_line(color=QUIET, strokeDash=[4, 3], interpolate="step-after", aria=False).encode(
            x=x, y=y, order=alt.Order("seconds:Q")
        ),
        here.mark_rule(clip=True, strokeOpacity=0.5, aria=False).encode(
            x=alt.X("seconds_low:Q"), x2="seconds_high:Q", y=y, color=told.colour()
        ),
        here.mark_point(filled=True, size=60, opacity=1).encode(
            x=x,
            y=y,
            color=told.colour(),
            shape=told.shape(),
            tooltip=["machine:N", "recipe:N"],
        ),
        best.mark_point(filled=False, size=150, color=QUIET, strokeWidth=1.5, aria=False).encode(
            x=x, y=y
        ),
    )
    return alt.layer(*layers).properties(width=width, height=HEIGHT + 40)
