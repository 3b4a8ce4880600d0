"""How long a training of so many epochs takes on a machine: its start, and an epoch at a time."""

from __future__ import annotations

import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from bench.analysis.cells import Cell, median
from bench.analysis.contenders import Contender
from bench.analysis.effects import CellEffect, Effects
from bench.analysis.intervals import Interval
from bench.analysis.pooling import MeasuredJob
from bench.analysis.reach import recipe_of
from bench.analysis.student import cdf, satterthwaite, two_sided
from bench.analysis.warmup import steady_epochs, steady_wall_s
from bench.record.measurement import Measurement
from bench.spec.description import Outline

#: A machine, by its key, and a recipe.
Where = tuple[str, Cell]


@dataclass(frozen=True, slots=True)
class Spread:
    """A standard error of log seconds and its degrees of freedom."""

    se: float
    df: float

    @classmethod
    def of(cls, parts: Sequence[tuple[float, float]]) -> Spread:
        """Return the spread of a sum, given pairs of a variance and its degrees of freedom.

        The degrees of freedom follow Satterthwaite's formula.
        """
        return cls(math.sqrt(sum(part for part, _ in parts)), satterthwaite(parts))


@dataclass(frozen=True, slots=True)
class Pace:
    """The seconds of trainings by one recipe on one machine.

    A training takes `start_s`, and `epoch_s` for each epoch; evaluations take nothing, because the
    clock is stopped. `of_mean` is the spread of the machine's mean on another day, `of_next` the
    spread of one more training on another day. `jobs` were measured in `sittings`.
    """

    start_s: float
    epoch_s: float
    of_mean: Spread
    of_next: Spread
    jobs: int
    sittings: int

    def seconds(self, epochs: float) -> float:
        """Return how long a training of `epochs` takes."""
        return self.start_s + epochs * self.epoch_s

    def interval(self, low: float, high: float) -> Interval:
        """Return the seconds of `high` epochs; the lower bound is one of `low` epochs."""
        half = math.exp(two_sided(self.of_mean.df) * self.of_mean.se)
        most = self.seconds(high)
        return Interval(most, self.seconds(low) / half, most * half, self.jobs)

    def chance(self, epochs: int, limit_s: float) -> float:
        """Return the chance that one more training of `epochs` ends within `limit_s`."""
        if math.isinf(limit_s):
            return 1.0
        if limit_s <= 0:
            return 0.0
        gap = math.log(limit_s / self.seconds(epochs))
        return cdf(gap / self.of_next.se, self.of_next.df)


def paces(
    contenders: Sequence[Contender], measured: Sequence[MeasuredJob], outline: Outline
) -> dict[Where, Pace]:
    """Return the pace of each machine by each recipe that it measured."""
    jobs: dict[Where, list[MeasuredJob]] = {}
    for job in measured:
        jobs.setdefault((job.machine_key, recipe_of(job, outline)), []).append(job)
    effects = {one.machine.key: one.effects.get("step") for one in contenders}
    cells = {key: _by_recipe(fit) for key, fit in effects.items() if fit is not None}
    found = {}
    for (key, recipe), alike in jobs.items():
        fit = effects.get(key)
        own = cells.get(key, {}).get(recipe, [])
        pace = None if fit is None else _pace(fit, own, [job.measurement for job in alike])
        if pace is not None:
            found[key, recipe] = pace
    return found


def start_s(measurement: Measurement) -> float | None:
    """Return the seconds that a training takes beyond its epochs; None if it has no epoch.

    They run from the start of the training to the end of the first epoch, less a mean steady epoch:
    making the model, tracing and compiling, and the settling of caches and clock rates.
    """
    epochs = measurement.epochs
    if not epochs:
        return None
    steady = statistics.fmean(steady_wall_s(epoch) for epoch in steady_epochs(epochs))
    return max(epochs[0].started_s + epochs[0].wall_s - steady, 0.0)


def _by_recipe(fit: Effects) -> dict[Cell, list[CellEffect]]:
    """Return the cells of a fit by their recipe: cells that differ only in their epochs."""
    found: dict[Cell, list[CellEffect]] = {}
    for cell, effect in fit.cells.items():
        found.setdefault(replace(cell, epochs=1), []).append(effect)
    return found


def _pace(
    fit: Effects, cells: Sequence[CellEffect], measurements: Sequence[Measurement]
) -> Pace | None:
    """Return the pace by a recipe from its cells in the machine's fit of mean steps.

    Each cell counts by its jobs. None if there is no step.
    """
    start = median(start_s(measurement) for measurement in measurements)
    if not cells or start is None:
        return None
    steps = measurements[0].epochs[0].steps
    jobs = sum(cell.jobs for cell in cells)
    log_step = sum(cell.mean * cell.jobs for cell in cells) / jobs
    one = sum(cell.variance * cell.jobs for cell in cells) / jobs
    df = min(cell.df for cell in cells)
    day, day_df = fit.sitting_variance, fit.sitting_df
    sittings = min(cell.sittings for cell in cells)
    return Pace(
        start_s=start,
        epoch_s=steps * math.exp(log_step),
        of_mean=Spread.of([(day / sittings, day_df), (one / jobs, df)]),
        of_next=Spread.of([(day * (1 + 1 / sittings), day_df), (one * (1 + 1 / jobs), df)]),
        jobs=jobs,
        sittings=sittings,
    )


def by_machine(found: Mapping[Where, Pace]) -> dict[str, dict[Cell, Pace]]:
    """Return the paces by machine, and then by recipe."""
    nested: dict[str, dict[Cell, Pace]] = {}
    for (key, recipe), pace in found.items():
        nested.setdefault(key, {})[recipe] = pace
    return nested
