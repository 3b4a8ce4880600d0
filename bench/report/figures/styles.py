"""How one chart tells several machines apart: by colour, shape and dash, the same everywhere."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from bench.analysis.results import Results
from bench.report.figures.chart import MOST_ROWS
from bench.report.figures.labels import labels
from bench.report.figures.theme import QUIET, STYLES
from bench.report.words import figures as words

if TYPE_CHECKING:
    import altair as alt


@dataclass(frozen=True)
class Styles:
    """The machines of a chart: the first ones have a style each, all others share a quiet one.

    `labels` holds the label of each machine by its name, the fastest machine first. It leaves out
    the last machines if there are very many; `all_` counts them all. If `shown` is given, the
    legend has an entry for these styles only; a machine's style does not depend on it.
    """

    labels: Mapping[str, str]
    all_: int
    shown: tuple[str, ...] | None = None

    def __contains__(self, name: str) -> bool:
        """Say whether the chart shows the machine called `name`."""
        return name in self.labels

    @property
    def told(self) -> tuple[str, ...]:
        """The labels of the machines that have a style of their own."""
        return tuple(self.labels.values())[: len(STYLES)]

    @property
    def others(self) -> str:
        """The name of all other machines together."""
        return words.others(self.all_ - len(STYLES))

    def among(self, rows: Iterable[Mapping[str, Any]]) -> Styles:
        """Return the same styles with a legend of the machines of some rows."""
        found = {row.get("style") for row in rows}
        return replace(self, shown=tuple(one for one in (*self.told, self.others) if one in found))

    def row(self, name: str) -> dict[str, Any]:
        """Return the part of a row that names a machine."""
        own = self.labels[name]
        told = own in self.told
        return {
            "machine": name,
            "label": own,
            "style": own if told else self.others,
            "told": told,
        }

    def colour(self) -> alt.Color:
        """Return the encoding of the machine as a colour."""
        import altair as alt

        return alt.Color("style:N", scale=self._scale(0, QUIET), legend=self._legend())

    def shape(self) -> alt.Shape:
        """Return the encoding of the machine as a shape."""
        import altair as alt

        return alt.Shape("style:N", scale=self._scale(1, "circle"), legend=self._legend())

    def dash(self) -> alt.StrokeDash:
        """Return the encoding of the machine as a dash; the legend shows its shape."""
        import altair as alt

        return alt.StrokeDash("style:N", scale=self._scale(2, (1, 0)), legend=None)

    def _scale(self, place: int, other: Any) -> alt.Scale:
        import altair as alt

        has_others = len(self.labels) > len(STYLES)
        found: list[Any] = [style[place] for style in STYLES[: len(self.told)]]
        return alt.Scale(
            domain=[*self.told, *([self.others] if has_others else [])],
            range=[*found, *([other] if has_others else [])],
        )

    def _legend(self) -> alt.Legend:
        import altair as alt

        longest = max(map(len, self.labels.values()), default=0)
        return alt.Legend(
            title=None,
            orient="bottom",
            columns=1 if longest > 36 else 2 if longest > 20 else 3,
            symbolSize=90,
            symbolStrokeWidth=0,
            values=alt.Undefined if self.shown is None else list(self.shown),
        )


def styles(results: Results) -> Styles:
    """Return the styles of the measured machines, in the order of the headline's ranking."""
    ranked = results.headline.names if results.headline is not None else ()
    measured = (machine.name for machine in results.measured_machines)
    return styles_of([*ranked, *measured])


def styles_of(names: Iterable[str]) -> Styles:
    """Return the styles of machines with these names, in this order."""
    found = list(dict.fromkeys(names))
    return Styles(labels(found[:MOST_ROWS]), len(found))
