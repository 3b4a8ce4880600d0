"""The picture of a network: a box for each layer, with its output and its parameters."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Literal

from bench.report.figures.chart import spec_of
from bench.report.figures.figure import Figure
from bench.report.figures.labels import label
from bench.report.figures.theme import ACCENT, QUIET
from bench.report.words import figures as words
from bench.spec.drawing import Drawing

if TYPE_CHECKING:
    import altair as alt

#: What the name of such a figure begins with.
PREFIX = "network-"

#: The width of a box, the height from one box to the next, and the share of it that is box.
WIDTH, STEP, BOX = 460, 46, 0.68

#: Where the texts of a box begin or end, in pixels from its left side.
_NAME, _SHAPE, _PARAMETERS = 12, 290, WIDTH - 12


def network_figure(drawing: Drawing) -> Figure:
    """Return the picture of a network."""
    rows: list[dict[str, Any]] = [
        {
            "place": place,
            "end": place + BOX,
            "next": place + 1,
            "name": label(layer.name),
            "kind": label(layer.kind),
            "shape": " x ".join(map(str, layer.output_shape)),
            "parameters": layer.parameters,
            "text": f"{layer.parameters:,}" if layer.parameters else "",
            "is_last": place == len(drawing.layers) - 1,
        }
        for place, layer in enumerate(drawing.layers)
    ]
    total = sum(layer.parameters for layer in drawing.layers)
    name = PREFIX + re.sub(r"[^a-z0-9-]+", "-", drawing.name.lower()).strip("-")
    return Figure(
        name=name,
        title=label(drawing.title, 80),
        spec=_spec(name, label(drawing.title, 80), rows, words.parameters(total)),
        how_to_read=words.NETWORK_HOW,
        alt=words.network_alt(label(drawing.title, 80), [row["kind"] for row in rows], total),
    )


def _spec(name: str, title: str, rows: list[dict[str, Any]], subtitle: str) -> dict[str, Any]:
    import altair as alt

    chart = alt.layer(*_layers(len(rows))).properties(
        width=WIDTH, height=STEP * len(rows), title=alt.Title(title, subtitle=subtitle)
    )
    return spec_of(chart, name, rows)


def _layers(count: int) -> list[alt.Chart]:
    import altair as alt

    scale = alt.Scale(domain=[0, count], reverse=True, nice=False, zero=False)
    y = alt.Y("place:Q", scale=scale, axis=None)
    here, between = alt.Chart(), alt.Chart().transform_filter("!datum.is_last")
    weighted = here.transform_filter("datum.parameters > 0")
    plain = here.transform_filter("datum.parameters === 0")

    def box(chart: alt.Chart, colour: str) -> alt.Chart:
        found: alt.Chart = chart.mark_rect(
            fill=colour, fillOpacity=0.1, stroke=colour, strokeWidth=1.5, cornerRadius=4
        ).encode(x=alt.value(0), x2=alt.value(WIDTH), y=y, y2="end:Q")
        return found

    def text(field: str, at: float, align: Literal["left", "right"]) -> alt.Chart:
        found: alt.Chart = (
            here.transform_calculate(middle=f"datum.place + {BOX / 2}")
            .mark_text(align=align, baseline="middle", aria=False)
            .encode(x=alt.value(at), y=alt.Y("middle:Q", scale=scale), text=f"{field}:N")
        )
        return found

    return [
        box(weighted, ACCENT),
        box(plain, QUIET),
        between.mark_rule(color=QUIET, strokeWidth=1.5, aria=False).encode(
            x=alt.value(WIDTH / 2), y=alt.Y("end:Q", scale=scale), y2="next:Q"
        ),
        between.mark_point(
            shape="triangle-down", filled=True, color=QUIET, size=60, opacity=1, yOffset=-3
        ).encode(x=alt.value(WIDTH / 2), y=alt.Y("next:Q", scale=scale)),
        text("kind", _NAME, "left"),
        text("shape", _SHAPE, "left"),
        text("text", _PARAMETERS, "right"),
    ]
