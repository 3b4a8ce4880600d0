"""All figures of a report, in the order in which a reader wants them."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from bench.analysis.results import Results
from bench.report.figures.figure import Figure
from bench.report.figures.speed import speed_figure

#: A builder for each figure, by the figure's name; it returns None if there are no data for it.
BUILDERS: Mapping[str, Callable[[Results], Figure | None]] = {
    "speed": speed_figure,
}


def figures(results: Results) -> tuple[Figure, ...]:
    """Return the figures for which there are data.

    Raises ImportError if altair is not installed; `render.missing_packages` says so beforehand.
    """
    found = (build(results) for build in BUILDERS.values())
    return tuple(figure for figure in found if figure is not None)


def is_figure(name: str) -> bool:
    """Say whether a report may have a figure of this name."""
    return name in BUILDERS
