"""All figures of a report, in the order in which a reader wants them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from bench.analysis.results import Results
from bench.report.figures.by_epoch import memory_figure, quality_figure, steps_figure
from bench.report.figures.confusion import confusion_figure
from bench.report.figures.cost import cost_figure
from bench.report.figures.figure import Figure
from bench.report.figures.network import PREFIX, network_figure
from bench.report.figures.rows import phases_figure, spread_figure
from bench.report.figures.speed import speed_figure
from bench.report.figures.throughput import threads_figure, throughput_figure
from bench.spec.drawing import Drawing

#: A builder for each figure, by the figure's name; it returns None if there are no data for it.
BUILDERS: Mapping[str, Callable[[Results], Figure | None]] = {
    "speed": speed_figure,
    "steps": steps_figure,
    "quality": quality_figure,
    "throughput": throughput_figure,
    "threads": threads_figure,
    "spread": spread_figure,
    "phases": phases_figure,
    "cost": cost_figure,
    "memory": memory_figure,
    "confusion": confusion_figure,
}


def figures(results: Results, drawings: Sequence[Drawing] = ()) -> tuple[Figure, ...]:
    """Return the figures for which there are data, and a picture for each of the `drawings`.

    Raises ImportError if altair is not installed; `render.missing_packages` says so beforehand.
    """
    found = (build(results) for build in BUILDERS.values())
    pictures = map(network_figure, drawings)
    return (*(figure for figure in found if figure is not None), *pictures)


def is_figure(name: str) -> bool:
    """Say whether a report may have a figure of this name."""
    return name in BUILDERS or name.startswith(PREFIX)
