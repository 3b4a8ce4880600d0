"""The words of the table of targets: how many epochs and seconds a training needs."""

from __future__ import annotations

from bench.analysis.cells import Cell, heading_axes
from bench.analysis.intervals import Interval
from bench.analysis.reach import Reached
from bench.report.words.sureness import Bracket, rounded
from bench.spec.axes import Metric
from bench.spec.description import Outline
from bench.units import significant

#: What the table says of itself.
NOTE = (
    "The epochs are the median over the seeds of the first epoch whose evaluation reaches the "
    "target, counted on all machines together; a seed that did not reach it counts as more than "
    "its epochs. The time is the machine's start and so many of its epochs, without evaluations. "
    "Its bracket is the 95 % interval of the machine's mean time over many days; it does not cover "
    "the spread between seeds, which tables/targets.csv holds. Dollars and joules are of the mean "
    "seed instead, because they add up over trainings; if a seed missed the target, its epochs are "
    "unknown, so they are of the median seed. They have the bracket of their seconds."
)
AT_MOST = (
    '"At most" stands for trainings that were not evaluated after every epoch: the target was '
    "reached between two evaluations, and the figures are of the later one."
)

SHORTER = (
    "Some seeds missed a target but were trained for fewer epochs than others; they count for the "
    "median as long as they were trained."
)


def title(metric: Metric) -> str:
    """Return the title of the table."""
    return f"Time to {metric.title}"


def recipe(cell: Cell, outline: Outline) -> str:
    """Return the name of a training without its number of epochs."""
    values = (
        axis.mark.format(value)
        for axis in heading_axes(outline)
        if (value := cell.value(axis.name)) is not None
    )
    return " ".join(values) or outline.title


def part(hits: int, n: int) -> str:
    """Return `2 of 3`."""
    return f"{hits} of {n}"


def epochs(found: Reached) -> str:
    """Return the median number of epochs: `5`, `at most 15`, or `more than 15`."""
    low, high = found.median
    if high is None:
        return f"more than {low - 1}"
    return str(high) if low == high else f"at most {high}"


def seconds(found: Reached, time: Interval | None, more_than_s: float | None) -> str:
    """Return the seconds that the epochs take, with their bracket."""
    if time is None:
        return f"more than {significant(more_than_s)}"
    estimate, low_s, high_s = rounded(Bracket.of(time))
    bracket = f"{estimate} [{low_s}, {high_s}]"
    low, high = found.median
    return bracket if low == high else f"at most {bracket}"
