"""The figures with a row for each machine: the spread of its steps, and where its time goes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from bench.analysis.cells import Cell
from bench.analysis.phases import phases
from bench.analysis.pooling import MeasuredJob
from bench.analysis.results import Results
from bench.analysis.spread import step_spread
from bench.report.figures.chart import MOST_ROWS, axis_of, domain
from bench.report.figures.figure import Figure
from bench.report.figures.panels import concat_panels, panel_title, shown_cells
from bench.report.figures.styles import Styles, styles
from bench.report.figures.theme import ACCENT, PHASES, QUIET
from bench.report.words import figures as words

if TYPE_CHECKING:
    import altair as alt

#: The height of a row, in pixels.
ROW = 20

#: The jobs of each cell by machine.
ByCell = Mapping[Cell, Mapping[str, Sequence[MeasuredJob]]]


def spread_figure(results: Results) -> Figure | None:
    """Return the spread of the steady steps of each machine, job by job."""
    jobs, told = _jobs(results), styles(results)
    rows: list[dict[str, Any]] = []
    titles: list[str] = []
    for cell, by_machine in jobs.items():
        spreads = {name: step_spread(own) for name, own in by_machine.items()}
        found = [
            {
                "panel": len(titles),
                **told.row(name),
                **{key.replace("_s", "_ms"): 1000 * value for key, value in _seconds(one).items()},
                "steps": one.steps,
                "n": one.jobs,
            }
            for name, one in spreads.items()
            if one is not None and one.p5_s > 0
        ]
        rows += found
        titles += [panel_title(cell, results)] if found else []
    if not rows:
        return None
    shown = _in_order(rows, told)

    def panel(number: int, first: bool, last: bool, width: int) -> alt.LayerChart | alt.FacetChart:
        own = [row for row in rows if row["panel"] == number]
        return _spreads(own, number, shown, (first, last), width)

    return Figure(
        name="spread",
        title=words.SPREAD_TITLE,
        spec=concat_panels("spread", words.SPREAD_TITLE, titles, rows, panel),
        how_to_read=words.SPREAD_HOW,
        alt=words.panels_alt(words.SPREAD_TITLE, titles, len({r["label"] for r in rows})),
    )


def phases_figure(results: Results) -> Figure | None:
    """Return the seconds of each phase of a job on each machine, job by job."""
    jobs, told = _jobs(results), styles(results)
    rows: list[dict[str, Any]] = []
    for number, by_machine in enumerate(jobs.values()):
        for name, own in by_machine.items():
            found = {key: value for key, value in asdict(phases(own)).items() if value}
            total = sum(found.values())
            for order, (key, phase) in enumerate(words.PHASES.items()):
                if key in found:
                    rows.append(
                        {"panel": number, **told.row(name), "phase": phase, "order": order}
                        | {"seconds": found[key], "share": found[key] / total, "n": len(own)}
                    )
    if not rows:
        return None
    shown = _in_order(rows, told)

    def panel(number: int, first: bool, last: bool, width: int) -> alt.LayerChart | alt.FacetChart:
        return _bars(number, shown, (first, last), width)

    titles = [panel_title(cell, results) for cell in jobs]
    return Figure(
        name="phases",
        title=words.PHASES_TITLE,
        spec=concat_panels("phases", words.PHASES_TITLE, titles, rows, panel),
        how_to_read=words.PHASES_HOW,
        alt=words.panels_alt(words.PHASES_TITLE, titles, len({r["label"] for r in rows})),
    )


def _jobs(results: Results) -> ByCell:
    """Return the measured jobs of the shown cells by machine, in the order of the machines.

    The more machines there are, the fewer jobs are shown, so that the figure fits on a page.
    """
    told = styles(results)
    names = {machine.key: machine.name for machine in results.machines}
    found: dict[Cell, dict[str, list[MeasuredJob]]] = {}
    for job in results.measured:
        name = names[job.machine_key]
        if name in told:
            found.setdefault(job.cell(results.outline), {}).setdefault(name, []).append(job)
    pairs = [cell for cell, by_machine in found.items() for _ in by_machine]
    most = max(1, min(6, 2 * MOST_ROWS // max(1, len(told.labels))))
    return {
        cell: {name: found[cell][name] for name in told.labels if name in found[cell]}
        for cell in shown_cells(pairs, results, most)
    }


def _in_order(rows: Sequence[Mapping[str, Any]], told: Styles) -> list[str]:
    """Return the labels of the machines that have a row, the fastest machine first."""
    found = {row["label"] for row in rows}
    return [name for name in told.labels.values() if name in found]


def _seconds(spread: Any) -> dict[str, float]:
    return {key: value for key, value in asdict(spread).items() if key.endswith("_s")}


def _label(order: Iterable[str], titled: bool) -> alt.Y:
    """Return the axis of the machines' names, which stand beside the first panel only.

    Every panel has a row for each machine, so that the names hold for the panels beside it too.
    """
    import altair as alt

    axis = alt.Axis(ticks=False, domain=False, labels=titled, title=None)
    return alt.Y("label:N", scale=alt.Scale(domain=list(order)), axis=axis)


def _spreads(
    rows: Sequence[Mapping[str, Any]],
    number: int,
    order: Sequence[str],
    outer: tuple[bool, bool],
    width: int,
) -> alt.LayerChart | alt.FacetChart:
    import altair as alt

    ends = domain(row[key] for row in rows for key in _ENDS)
    scale, axis = axis_of(ends, words.MS_A_STEP if outer[1] else None, count=5)
    here = alt.Chart().transform_filter(f"datum.panel === {number}")
    y = _label(order, outer[0])

    def x(key: str) -> alt.X:
        return alt.X(f"{key}:Q", scale=scale, axis=axis)

    layers = (
        here.mark_rule(color=QUIET, clip=True, aria=False).encode(x=x("p5_ms"), x2="p95_ms", y=y),
        here.mark_bar(color=ACCENT, height=9, clip=True, aria=False).encode(
            x=x("p25_ms"), x2="p75_ms", y=y
        ),
        here.mark_tick(color="#FFFFFF", thickness=2, height=9, clip=True, aria=False).encode(
            x=x("median_ms"), y=y
        ),
        here.mark_point(color=QUIET, size=18, filled=True, clip=True, aria=False).encode(
            x=x("p99_ms"), y=y
        ),
    )
    return alt.layer(*layers).properties(width=width, height=alt.Step(ROW))


_ENDS = ("p5_ms", "p99_ms")


def _bars(
    number: int, order: Sequence[str], outer: tuple[bool, bool], width: int
) -> alt.LayerChart | alt.FacetChart:
    import altair as alt

    names = list(words.PHASES.values())
    bars = (
        alt.Chart()
        .transform_filter(f"datum.panel === {number}")
        .mark_bar(stroke=QUIET, strokeWidth=0.5, height=13, aria=False)
        .encode(
            x=alt.X(
                "seconds:Q",
                axis=alt.Axis(title=words.SECONDS if outer[1] else None, tickCount=5),
            ),
            y=_label(order, outer[0]),
            color=alt.Color(
                "phase:N",
                scale=alt.Scale(domain=names, range=list(PHASES)),
                legend=alt.Legend(title=None, orient="bottom", columns=3, symbolStrokeWidth=0.5),
            ),
            order=alt.Order("order:O"),
        )
    )
    return alt.layer(bars).properties(width=width, height=alt.Step(ROW))
