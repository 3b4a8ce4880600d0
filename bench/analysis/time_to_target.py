"""Seconds, dollars and joules until a training reaches a target, by machine and recipe."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from bench.analysis.contenders import Contender
from bench.analysis.cost import energy_of, prices_by_run
from bench.analysis.intervals import Interval
from bench.analysis.machines import Machine
from bench.analysis.pace import Pace, Where, paces
from bench.analysis.pooling import MeasuredJob
from bench.analysis.reach import Reached, evaluated, reached, recipe_of, recipes
from bench.record.price import Price
from bench.spec.axes import Metric
from bench.spec.description import Outline

#: A target is looked for in a recipe if one of its jobs was evaluated after so many epochs.
LEAST_EVALUATIONS = 2


@dataclass(frozen=True, slots=True)
class TimeToTarget:
    """What a training takes on one machine until it reaches a target.

    `watts` is the mean power of the machine's trainings by the recipe, None if no energy was
    counted. Dollars and joules add up over trainings, so they are of the mean K. If a seed missed
    the target, there is no mean K, and they are of the median K.
    """

    machine: str
    machine_key: str
    reached: Reached
    pace: Pace
    price: Price
    watts: float | None

    @property
    def seconds(self) -> Interval | None:
        """The seconds at the median K, another day included; None if there is no median.

        If K is only known to lie between two evaluations, the estimate and the upper bound are of
        the later one, and the lower bound is of the earlier one.
        """
        low, high = self.reached.median
        return None if high is None else self.pace.interval(low, high)

    @property
    def more_than_s(self) -> float | None:
        """The seconds of all epochs that were trained, if at most half of the seeds got there."""
        return self.pace.seconds(self.reached.trained) if self.seconds is None else None

    @property
    def usd(self) -> Interval | None:
        """The dollars of a training; their bounds are those of its seconds."""
        hourly = self.price.usd_per_hour
        return None if hourly is None else self._at(hourly / 3600)

    @property
    def joules(self) -> Interval | None:
        """The joules of a training; their bounds are those of its seconds."""
        return None if self.watts is None else self._at(self.watts)

    def _at(self, rate: float) -> Interval | None:
        """Return what a training takes if a second takes `rate`."""
        mean = self.reached.mean
        seconds = self.seconds if mean is None else self.pace.interval(*mean)
        return None if seconds is None else seconds.times(rate)


def times_to_target(
    contenders: Sequence[Contender],
    measured: Sequence[MeasuredJob],
    machines: Sequence[Machine],
    outline: Outline,
    wrong: Collection[Where] = (),
) -> tuple[TimeToTarget, ...]:
    """Return what each target of the scored metric takes, recipe by recipe.

    Recipes count if one of their jobs was evaluated after at least two epochs. Any machine that
    measured a job of the recipe has a time, because K is known from all machines together, except
    for the machines that train the recipe `wrong`.
    """
    metric = outline.scored
    if metric is None or not metric.targets:
        return ()
    right = [
        job
        for job in measured
        if not wrong or (job.machine_key, recipe_of(job, outline)) not in wrong
    ]
    found = paces(contenders, right, outline)
    prices, watts = latest_prices(measured), _watts(measured, outline)
    names = {machine.key: machine.name for machine in machines}
    return tuple(
        TimeToTarget(
            machine=names[key],
            machine_key=key,
            reached=there,
            pace=found[key, recipe],
            price=prices[key],
            watts=watts.get((key, recipe)),
        )
        for recipe, jobs in recipes(right, outline).items()
        if _is_followed(jobs, metric)
        for there in (reached(recipe, jobs, metric, target) for target in metric.targets)
        if there is not None
        for key in names
        if (key, recipe) in found
    )


def latest_prices(measured: Sequence[MeasuredJob]) -> dict[str, Price]:
    """Return the price of each machine in its latest run, by the machine's key."""
    by_run = prices_by_run(measured)
    ordered = sorted(measured, key=lambda job: job.share.header.started_at)
    return {job.machine_key: by_run[job.record.run_id, job.machine_key] for job in ordered}


def _is_followed(jobs: Sequence[MeasuredJob], metric: Metric) -> bool:
    return any(len(evaluated(job.measurement, metric)) >= LEAST_EVALUATIONS for job in jobs)


def _watts(measured: Sequence[MeasuredJob], outline: Outline) -> Mapping[Where, float]:
    """Return the mean power of all jobs while they trained: their joules over their seconds."""
    found: dict[Where, list[tuple[float, float]]] = {}
    for job in measured:
        conditions = job.record.conditions
        whole = None if conditions is None else conditions.whole
        readings = energy_of(job)
        if whole is not None and readings and whole.wall_s > 0:
            taken = sum(reading.joules for reading in readings), whole.wall_s
            found.setdefault((job.machine_key, recipe_of(job, outline)), []).append(taken)
    return {
        where: sum(joules for joules, _ in jobs) / sum(wall_s for _, wall_s in jobs)
        for where, jobs in found.items()
    }
