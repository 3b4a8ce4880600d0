"""After how many epochs a training reaches a target, seed by seed; a miss is "more than".

`K` stands for the first epoch after which the scored metric reaches the target. It belongs to the
seed and to everything else that decides how a training learns (the recipe), hardly to the machine,
so the jobs of all machines tell it together.
"""

from __future__ import annotations

import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from bench.analysis.cells import Cell
from bench.analysis.pooling import MeasuredJob
from bench.analysis.student import LEVEL
from bench.record.measurement import Measurement
from bench.spec.axes import Metric
from bench.spec.description import Outline

#: How many seeds that never reach the target are added to those seen before anything is predicted.
NEVER = 0.5

#: More than this share of the seeds must have reached a target for a median.
_HALF = 0.5 + 1e-9


@dataclass(frozen=True)
class First:
    """What is known of K of one seed: it lies from `low` to `high`.

    `high` is None if the target was not reached in the `trained` epochs. `stays` says whether every
    later evaluation reached the target too; None if there is no later one.
    """

    seed: int
    low: int
    high: int | None
    trained: int
    stays: bool | None = None


@dataclass(frozen=True)
class Reached:
    """What all seeds of a recipe show of K for one target."""

    recipe: Cell
    target: float
    firsts: tuple[First, ...]

    @property
    def seeds(self) -> int:
        """The number of seeds."""
        return len(self.firsts)

    @property
    def reached(self) -> int:
        """The number of seeds that reached the target."""
        return sum(first.high is not None for first in self.firsts)

    @property
    def trained(self) -> int:
        """The most epochs that a seed was trained."""
        return max(first.trained for first in self.firsts)

    @property
    def share(self) -> tuple[float, float]:
        """The bounds of the share of seeds that reach the target in so many epochs."""
        return clopper_pearson(self.reached, self.seeds)

    @property
    def stayed(self) -> tuple[int, int]:
        """How many seeds stayed beyond the target, of how many that were evaluated again."""
        known = [first.stays for first in self.firsts if first.stays is not None]
        return sum(known), len(known)

    @cached_property
    def chances(self) -> Mapping[int, float]:
        """The share of seeds by K, each at the latest epoch that its evaluations allow."""
        return _shares(self.firsts, lambda first: first.high)

    @cached_property
    def predicted(self) -> Mapping[int, float]:
        """The chances of one more seed by K; they add up to less than 1.

        Half a seed that never reaches the target is added to the seeds that were seen, so three
        seeds of three give 6 in 7.
        """
        return _shares(self.firsts, lambda first: first.high, NEVER)

    @property
    def shorter(self) -> int:
        """The number of seeds that missed the target but were trained for fewer epochs."""
        return sum(first.high is None and first.trained < self.trained for first in self.firsts)

    @cached_property
    def median(self) -> tuple[int, int | None]:
        """The bounds of the median K.

        The upper bound is None if at most half of the seeds reached the target: then the median is
        at least the lower bound.
        """
        high = _median(self.chances)
        if high is None:
            return self.trained + 1, None
        low = _median(_shares(self.firsts, lambda first: first.high and first.low))
        return high if low is None else low, high

    @property
    def mean(self) -> tuple[float, float] | None:
        """The bounds of the mean K; None if a seed missed the target, so that its K is unknown."""
        highs = [first.high for first in self.firsts if first.high is not None]
        if len(highs) < self.seeds:
            return None
        return statistics.fmean(first.low for first in self.firsts), statistics.fmean(highs)


def recipe_of(job: MeasuredJob, outline: Outline) -> Cell:
    """Return what decides how a job learns, apart from its seed: its cell for a single epoch."""
    return job.cell(outline, 1)


def recipes(jobs: Sequence[MeasuredJob], outline: Outline) -> dict[Cell, list[MeasuredJob]]:
    """Return the jobs of each recipe, in order of appearance."""
    found: dict[Cell, list[MeasuredJob]] = {}
    for job in jobs:
        found.setdefault(recipe_of(job, outline), []).append(job)
    return found


def reached(
    recipe: Cell, jobs: Sequence[MeasuredJob], metric: Metric, target: float
) -> Reached | None:
    """Return what the jobs of a recipe show of a target; None if no job reports the metric."""
    by_seed: dict[int, list[First]] = {}
    for job in jobs:
        first = first_epoch(job.record.job.seed, job.measurement, metric, target)
        if first is not None:
            by_seed.setdefault(first.seed, []).append(first)
    if not by_seed:
        return None
    return Reached(recipe, target, tuple(_of_seed(by_seed[seed]) for seed in sorted(by_seed)))


def evaluated(measurement: Measurement, metric: Metric) -> dict[int, float | None]:
    """Return the metric by the epochs trained before each evaluation; None if not finite."""
    return {
        evaluation.epochs: evaluation.metrics[metric.name]
        for evaluation in sorted(measurement.evaluations, key=lambda one: one.epochs)
        if metric.name in evaluation.metrics
    }


def first_epoch(seed: int, measurement: Measurement, metric: Metric, target: float) -> First | None:
    """Return what one job shows of K; None if it does not report the metric.

    K lies after the last evaluation that missed the target before one reached it: an epoch between
    two evaluations that both missed it is taken to miss it too.
    """
    hits = {
        epochs: metric.reaches(value, target)
        for epochs, value in evaluated(measurement, metric).items()
    }
    if not hits:
        return None
    trained = max(hits)
    high = next((epochs for epochs, hit in hits.items() if hit), None)
    if high is None:
        return First(seed, trained + 1, None, trained)
    missed = max((epochs for epochs in hits if epochs < high), default=0)
    later = [hit for epochs, hit in hits.items() if epochs > high]
    return First(seed, missed + 1, high, trained, all(later) if later else None)


def _of_seed(firsts: Sequence[First]) -> First:
    """Return what the jobs of one seed show of K, on all machines together.

    If they agree, all bounds hold. Arithmetic that differs between machines may part their curves;
    then the job in the middle counts.
    """
    highs = [first.high for first in firsts if first.high is not None]
    low, high = max(first.low for first in firsts), min(highs, default=None)
    trained = max(first.trained for first in firsts)
    if high is None or low <= high:
        known = [first.stays for first in firsts if first.stays is not None]
        return First(firsts[0].seed, low, high, trained, all(known) if known else None)
    ordered = sorted(firsts, key=lambda first: (first.high or trained + 1, first.low))
    return replace(ordered[len(ordered) // 2], trained=trained)


def _shares(
    firsts: Sequence[First], event: Callable[[First], int | None], never: float = 0.0
) -> dict[int, float]:
    """Return the share of seeds by the epoch of their `event`; seeds without one are censored.

    A seed that was trained for fewer epochs than others counts as long as it was trained. `never`
    is a number of seeds that are added and have no event.
    Source: the product-limit estimator (Kaplan and Meier, 1958, doi:10.2307/2281868).
    """
    events = [event(first) for first in firsts]
    left, shares = 1.0, {}
    for epoch in sorted({found for found in events if found is not None}):
        ended = sum(found == epoch for found in events)
        at_risk = never + sum(
            (first.trained if found is None else found) >= epoch
            for first, found in zip(firsts, events, strict=True)
        )
        shares[epoch] = left * ended / at_risk
        left -= shares[epoch]
    return shares


def _median(shares: Mapping[int, float]) -> int | None:
    """Return the first epoch by which more than half of the seeds are there."""
    total = 0.0
    for epoch, share in shares.items():
        total += share
        if total > _HALF:
            return epoch
    return None


def clopper_pearson(hits: int, n: int, confidence: float = LEVEL) -> tuple[float, float]:
    """Return the exact bounds of a share, given `hits` in `n` trials.

    Source: Clopper and Pearson, 1934, doi:10.1093/biomet/26.4.404, by quantiles of the beta
    distribution.
    """
    from scipy.special import betaincinv  # imported here, so that --help is fast

    tail = (1 - confidence) / 2
    low = 0.0 if hits == 0 else float(betaincinv(hits, n - hits + 1, tail))
    high = 1.0 if hits == n else float(betaincinv(hits + 1, n - hits, 1 - tail))
    return low, high
