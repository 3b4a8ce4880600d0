"""Calibrates a workload: means and deviations of its metrics over seeds, from measured jobs."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bench.analysis.cells import axis_value
from bench.analysis.pooling import MeasuredJob
from bench.analysis.prediction import SCALES
from bench.errors import RequestError
from bench.spec.axes import Calibration, Calibrations, Scale, Value
from bench.spec.description import Outline

#: Seeds that a calibration needs at least: with fewer, the deviation itself is hardly known.
LEAST_SEEDS = 10

#: The values of the axes that tell calibrations apart, the epochs and the metric.
_Key = tuple[tuple[Value | None, ...], int, str]


@dataclass(frozen=True)
class TooFew:
    """What was not calibrated because too few seeds were measured."""

    axes: Mapping[str, Value | None]
    epochs: int
    seeds: int


def calibrate(
    jobs: Sequence[MeasuredJob],
    outline: Outline,
    *,
    by: Sequence[str],
    requires: Mapping[str, Value],
    metrics: Mapping[str, Scale],
    least: int = LEAST_SEEDS,
) -> tuple[Calibrations, tuple[TooFew, ...]]:
    """Return the calibrations that `jobs` give, and what was left out for want of seeds.

    `by` names the axes that change the metrics; `requires` holds the values of other axes that all
    jobs must have. `metrics` holds the scale of each metric. A repeated seed counts once. Every
    evaluation of a job counts, so a job that is evaluated after each epoch calibrates each of them.
    Raises RequestError if there is no job, or if the jobs are of unlike data, versions or values of
    `requires`.
    """
    for job in jobs:
        _check(job, outline, requires)
    digest, versions = _only(jobs)
    found = _by_seed(jobs, outline, by, tuple(metrics))
    rows, few = [], {}
    for (values, epochs, metric), seeds in sorted(found.items(), key=lambda item: str(item[0])):
        named = {name: value for name, value in zip(by, values, strict=True) if value is not None}
        if len(seeds) < least:
            few[values, epochs] = TooFew(named, epochs, len(seeds))
            continue
        scale = metrics[metric]
        scaled = [SCALES[scale][0](value) for value in seeds.values()]
        mean, sd = statistics.fmean(scaled), statistics.stdev(scaled)
        rows.append(Calibration(named, epochs, metric, mean, sd, len(seeds), scale))
    last = max(jobs, key=lambda job: job.record.ended_at)
    facts = last.record.machine
    return (
        Calibrations(
            rows=tuple(rows),
            dataset=last.record.job.dataset,
            data_digest=digest,
            requires=dict(requires),
            date=last.record.ended_at[:10],
            machine=f"{facts.cpu_model or 'an unknown CPU'}, {facts.usable_cpus or 0:g} CPUs",
            versions=versions,
        ),
        tuple(few.values()),
    )


def _by_seed(
    jobs: Sequence[MeasuredJob], outline: Outline, by: Sequence[str], metrics: Sequence[str]
) -> dict[_Key, dict[int, float]]:
    """Return the value of each metric after each evaluation, by seed."""
    found: dict[_Key, dict[int, float]] = {}
    for job in jobs:
        axes = {axis.name: axis_value(job.record.job, axis) for axis in outline.axes}
        values = tuple(axes[name] for name in by)
        for evaluation in job.measurement.evaluations:
            for metric in metrics:
                if (value := evaluation.metrics.get(metric)) is not None:
                    key = (values, evaluation.epochs, metric)
                    found.setdefault(key, {})[job.record.job.seed] = value
    return found


def _check(job: MeasuredJob, outline: Outline, requires: Mapping[str, Value]) -> None:
    for axis in outline.axes:
        value = axis_value(job.record.job, axis)
        if axis.name in requires and value != requires[axis.name]:
            raise RequestError(
                "a job differs from the jobs that are calibrated",
                seen=f"{axis.name} {value} in {job.record.job_id}",
                next_step=f"name journals of jobs with {axis.name} {requires[axis.name]}",
            )


def _only(jobs: Sequence[MeasuredJob]) -> tuple[str, dict[str, str]]:
    """Return the one digest of the jobs' data and their one set of versions."""
    digests = {job.measurement.digests.data for job in jobs}
    versions = {tuple(sorted(job.measurement.versions.items())) for job in jobs}
    for what, seen in (("data", digests), ("versions", versions)):
        if len(seen) != 1:
            raise RequestError(
                "a calibration needs jobs on one set of data with one set of versions",
                seen=f"{len(seen)} unlike sets of {what}",
                next_step="name the journals of one series of jobs",
            )
    return digests.pop(), dict(versions.pop())
