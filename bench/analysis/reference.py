"""Compares measured times and metrics with published ones."""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

from bench.analysis.cells import Cell, heading_axes, separating_axes
from bench.analysis.estimates import Estimate, Part
from bench.analysis.prediction import checked
from bench.analysis.warmup import steady_epochs
from bench.spec.axes import Reference, ReferenceResult, ReferenceRun, Value
from bench.spec.description import Outline

#: Which published time a speed is taken from.
Basis = Literal["total", "epoch"]
#: Degrees of freedom of the spread between published runs, which is known from two runs or assumed.
SPREAD_DF = 2.0

#: Which of the two figures carries the known slip of the published one.
Caveat = Literal["none", "measured", "published", "both"]


@dataclass(frozen=True, slots=True)
class Unlike:
    """An axis in which a job differs from the published ones."""

    axis: str
    value: Value | None
    required: Value


@dataclass(frozen=True, slots=True)
class Relative:
    """How many times as fast as a published machine, or why that is unknown.

    The bounds of `speed` cover another day of the measured machine, the spread between published
    runs (this is a single one), and the rounding of its figures.
    """

    machine: str
    speed: Estimate | None = None
    basis: Basis | None = None
    unknown: Unlike | Literal["not published", "not measured"] | None = None


@dataclass(frozen=True)
class PublishedRun:
    """A published run as a group of one job; `epoch` and `total` hold its spread and rounding."""

    run: ReferenceRun
    cell: Cell
    total: Estimate | None
    epoch: Estimate
    step_mean_s: float
    relatives: tuple[Relative, ...]


@dataclass(frozen=True, slots=True)
class MetricComparison:
    """The metrics of a group of `n` jobs beside the published ones of the same job.

    `published` is empty if nothing was published. `differences` (measured less published) is empty
    if the two cannot be compared. `published_holds` says whether the published metrics lie in the
    prediction intervals of the calibrations; None if they are not judged.
    """

    cell: Cell
    n: int
    metrics: Mapping[str, float | None]
    published: Mapping[str, float]
    differences: Mapping[str, float]
    published_holds: bool | None
    caveat: Caveat


def relatives(
    cell: Cell,
    total: Estimate | None,
    epoch: Estimate | None,
    reference: Reference | None,
    outline: Outline,
) -> tuple[Relative, ...]:
    """Return the speed of a group against each published machine, in the reference's order.

    The speed is a ratio of total times if a total was published for the same job on that machine.
    Otherwise it is a ratio of median steady epochs, for the published job with the same heading.
    """
    if reference is None:
        return ()
    unlike = first_unlike(cell, reference.requires)
    return tuple(
        Relative(machine.key, unknown=unlike)
        if unlike
        else _relative(cell, total, epoch, machine.key, reference, outline)
        for machine in reference.machines
    )


def published_runs(reference: Reference | None, outline: Outline) -> tuple[PublishedRun, ...]:
    """Return the published runs as groups; the seconds of a step are means over epochs."""
    if reference is None:
        return ()
    found = []
    for run in reference.runs:
        cell = published_cell(run.axes, run.epochs, reference, outline)
        epoch = published_epoch(run, reference)
        total = None if run.total_s is None else _published(run.total_s, 0.0, reference)
        found.append(
            PublishedRun(
                run=run,
                cell=cell,
                total=total,
                epoch=epoch,
                step_mean_s=statistics.fmean(steady_epochs(run.step_ms)) / 1000,
                relatives=relatives(cell, total, epoch, reference, outline),
            )
        )
    return tuple(found)


def published_cell(
    axes: Mapping[str, Value], epochs: int, reference: Reference, outline: Outline
) -> Cell:
    """Return the cell of a published job; an axis without a published value is absent."""
    known = tuple((a.name, axes[a.name]) for a in outline.axes if a.name in axes)
    return Cell(known, epochs, reference.dataset, None)


def steady_median(values: Iterable[float]) -> float:
    """Return the median of a published series by epoch, without epoch 1, as for measured epochs."""
    return float(statistics.median(steady_epochs(tuple(values))))


def comparison(
    cell: Cell,
    n: int,
    metrics: Mapping[str, float | None],
    reference: Reference | None,
    outline: Outline,
) -> MetricComparison:
    """Return the median `metrics` of a group beside the published ones of the same job."""
    if reference is None:
        return MetricComparison(cell, n, metrics, {}, {}, None, "none")
    result = published_result(cell, reference)
    published = {} if result is None else dict(result.metrics)
    now = {name: metrics.get(name) for name in published}
    comparable = n > 0 and cell.dataset == reference.dataset
    differences = {
        name: value - published[name]
        for name, value in now.items()
        if comparable and value is not None
    }
    return MetricComparison(
        cell=cell,
        n=n,
        metrics=metrics,
        published=published,
        differences=differences,
        published_holds=None if result is None else published_holds(result, reference),
        caveat=_caveat(cell, n, result, reference, outline),
    )


def published_result(cell: Cell, reference: Reference) -> ReferenceResult | None:
    """Return the published metrics of the job of `cell`, None if there are none."""
    for result in reference.results:
        same = all(cell.value(name) == result.axes.get(name) for name in reference.results_by)
        if same and cell.epochs == result.epochs:
            return result
    return None


def published_holds(result: ReferenceResult, reference: Reference) -> bool | None:
    """Return whether published metrics are those of a healthy job; None if that is not judged."""
    calibrations = reference.calibrations
    if calibrations is None:
        return None
    stated = calibrations.requires.items()
    if any(result.axes.get(name, value) != value for name, value in stated):
        return None
    checks = checked(result.metrics, calibrations.of(result.axes, result.epochs))
    return all(check.passed for check in checks) if checks else None


def _relative(
    cell: Cell,
    total: Estimate | None,
    epoch: Estimate | None,
    machine: str,
    reference: Reference,
    outline: Outline,
) -> Relative:
    heading = [axis.name for axis in heading_axes(outline)]
    alike = [
        run
        for run in reference.runs
        if run.machine == machine
        and all(run.axes.get(name) == cell.value(name) for name in heading)
    ]
    for run in alike:
        if run.epochs == cell.epochs and run.total_s is not None and total is not None:
            return Relative(machine, _published(run.total_s, 0.0, reference).over(total), "total")
    timed = [run for run in alike if run.epoch_s]
    if not timed:
        return Relative(machine, unknown="not published")
    if epoch is None:
        return Relative(machine, unknown="not measured")
    return Relative(machine, published_epoch(timed[0], reference).over(epoch), "epoch")


def published_epoch(run: ReferenceRun, reference: Reference) -> Estimate:
    """Return the median steady epoch of a published run.

    The seconds of an epoch and the milliseconds of its steps were rounded apart, so both together
    bound the epoch more narrowly than one of them.
    """
    bounds = [
        _rounded(*figures, reference) for figures in zip(run.epoch_s, run.step_ms, strict=True)
    ]
    middles = [(low + high) / 2 for low, high in bounds]
    halves = [(high - low) / 2 for low, high in bounds]
    return _published(steady_median(middles), steady_median(halves), reference)


def _rounded(epoch_s: float, step_ms: float, reference: Reference) -> tuple[float, float]:
    """Return the seconds between which a published epoch lies."""
    low, high = epoch_s - reference.rounding_s, epoch_s + reference.rounding_s
    if reference.steps is None:
        return low, high
    least = (step_ms - reference.rounding_ms) * reference.steps / 1000
    most = (step_ms + reference.rounding_ms) * reference.steps / 1000
    narrow = max(low, least), min(high, most)
    return narrow if narrow[0] < narrow[1] else (low, high)


def _published(time_s: float, half_s: float, reference: Reference) -> Estimate:
    """Return a published time as an estimate: it comes from one run, and is known to `half_s`.

    A rounded figure lies anywhere within its bounds, which is a variance of a third of their half,
    squared.
    """
    rounding = (half_s / time_s) ** 2 / 3
    return Estimate(math.log(time_s), (Part(reference.spread**2, SPREAD_DF), Part(rounding)), 1)


def first_unlike(cell: Cell, requires: Mapping[str, Value]) -> Unlike | None:
    """Return the first axis whose value in `cell` is not the required one."""
    return next(
        (
            Unlike(axis, cell.value(axis), required)
            for axis, required in requires.items()
            if cell.value(axis) != required
        ),
        None,
    )


def _caveat(
    cell: Cell, n: int, result: ReferenceResult | None, reference: Reference, outline: Outline
) -> Caveat:
    """Return which of the two figures carries the known slip of the published one."""
    same = [axis.name for axis in separating_axes(outline)]
    axes = (
        other.caveat_axis
        for other in reference.results
        if all(other.axes.get(name) == cell.value(name) for name in same)
    )
    axis = next((name for name in axes if name is not None), None)
    if axis is None:
        return "none"
    ours = n > 0 and bool(cell.value(axis))
    if result is None:
        return "measured" if ours else "none"
    return "both" if ours else "published"
