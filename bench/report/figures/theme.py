"""How figures look: colours, shapes and dashes, and what the page's background changes.

The colours are those of Okabe and Ito (https://jfly.uni-koeln.de/color/), which colour-blind
readers can tell apart. The light ones are darkened, and black and yellow are left out, so that
every colour has a contrast of 3 to 1 at least on white and on a dark page. Shapes and dashes carry
the same distinction for readers who see no colour.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

#: One entry for each machine that a chart tells from the others: colour, shape, dash.
STYLES: tuple[tuple[str, str, tuple[int, ...]], ...] = (
    ("#0072B2", "circle", (1, 0)),  # blue
    ("#D55E00", "square", (6, 3)),  # vermilion
    ("#009E73", "triangle-up", (2, 2)),  # bluish green
    ("#CC79A7", "diamond", (8, 3, 2, 3)),  # reddish purple
    ("#B37C00", "triangle-down", (4, 4)),  # orange, darkened
    ("#3A93C7", "cross", (10, 4)),  # sky blue, darkened
)

#: The colour of everything that is not told apart, and of lines that carry no data.
QUIET = "#8A8A8A"

#: The colour of marks if a chart needs one colour alone.
ACCENT = STYLES[0][0]

#: Grey text that can be read on white and on a dark page.
TEXT = "#7A7A7A"

#: The background and the text of a figure on paper.
PAPER, INK = "#FFFFFF", "#24292F"

_FONT = "Helvetica, Arial, Liberation Sans, DejaVu Sans, sans-serif"


def _config() -> dict[str, Any]:
    title = {"color": TEXT, "font": _FONT, "fontWeight": 600}
    words = {"labelColor": TEXT, "titleColor": TEXT, "labelFont": _FONT, "titleFont": _FONT}
    return {
        "background": "transparent",
        "font": _FONT,
        "padding": 8,
        "view": {"stroke": None},
        "axis": {
            **words,
            "titleFontWeight": "normal",
            "labelFontSize": 12,
            "titleFontSize": 12,
            "gridColor": QUIET,
            "gridOpacity": 0.35,
            "domainColor": QUIET,
            "tickColor": QUIET,
            "labelLimit": 320,
        },
        "axisY": {"labelBound": True},
        "legend": {
            **words,
            "titleFontWeight": "normal",
            "labelFontSize": 12,
            "titleFontSize": 12,
            "labelLimit": 320,
            "symbolStrokeWidth": 2,
        },
        "header": {**words, "labelFontSize": 12, "titleFontSize": 12, "labelFontWeight": 600},
        "title": {
            **title,
            "fontSize": 15,
            "anchor": "start",
            "frame": "bounds",
            "offset": 12,
            "subtitleColor": TEXT,
            "subtitleFont": _FONT,
            "subtitleFontSize": 12,
        },
        "text": {"color": TEXT, "font": _FONT, "fontSize": 12},
    }


#: The look of every figure, right on white and on a dark page: transparent, with grey text.
TWO_TONE: Mapping[str, Any] = _config()

#: The colours of the phases of a job, which differ in their lightness too.
PHASES: tuple[str, ...] = ("#A6D8F5", "#E69F00", "#C75300", "#00426B", "#BFE8D8", "#8A8A8A")

#: The lightest and the darkest shade of counts: their lightness differs too, so grey shows them.
SHADES = ("#D3E5F2", "#0B4F7F")
