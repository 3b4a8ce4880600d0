"""Records as tidy tables: one row per evaluation and one per epoch; times in seconds.

A column of an axis is called `axis.NAME` and one of a metric `metric.NAME`, because the names are
the workload's own.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from bench.analysis.cells import AXIS, METRIC, axis_value
from bench.analysis.columns import Frame
from bench.analysis.pooling import MeasuredJob
from bench.analysis.warmup import steady_figures
from bench.record.conditions import Interference
from bench.record.measurement import EpochRecord, Evaluation, MemoryFacts
from bench.spec.description import Outline
from bench.spec.job import JobSpec
from bench.watch.quota import held_by_quota

#: The columns of both frames: which machine measured which job. `machine_key` decides what is
#: pooled. `job_epochs` are all epochs of the job, `epochs` the epochs before an evaluation.
JOB = (
    *("label", "machine_key", "run_id", "job_id", "attempt"),
    *("job_epochs", "seed", "repeat", "dataset", "data_digest"),
)
#: Figures of the steady steps; `step_mean_s` is the seconds of the steady epochs over their steps.
STEADY = (
    *("step_p10_s", "step_median_s", "step_p95_s", "steady_steps"),
    *("epoch_s", "step_mean_s"),
)
#: Columns of the whole job. Memory is None in read-off rows: a peak belongs to the whole job.
WHOLE = (
    *MemoryFacts.model_fields,
    *("first_step_s", "initial_weights", "batch_order", "final_weights", "code", "device"),
    *("step_flops", "step_bytes", "working_set_bytes"),
    *("tree_rss_peak_bytes", "gpu_held_bytes", "flag", "held_by_quota"),
)
#: What was seen from outside during an epoch, in the field names of `Interference`.
SEEN = ("flag", "rss_peak_bytes", "foreign_cpus", "steal_share")


def jobs_frame(jobs: Sequence[MeasuredJob], outline: Outline) -> Frame:
    """Return one row for the end of each measured job, and one for each epoch of its `read_off`.

    A job of 15 epochs with `read_off` (2,) gives the rows epochs=2 and epochs=15, even if it was
    evaluated after every epoch. `is_final` marks the last evaluation of a job. Only final rows are
    independent of each other.
    """
    metrics = {METRIC + metric.name: metric.name for metric in outline.evaluation_metrics}
    columns = (
        *(*JOB, *axis_columns(outline), "epochs", "is_final", "train_s", "total_s"),
        *(*metrics, *STEADY, *WHOLE),
    )

    def rows() -> Iterator[dict[str, Any]]:
        for job in jobs:
            final, read_off = job.measurement.final, job.record.job.read_off
            whole = {**_job(job, outline), **_whole(job)}
            for evaluation in job.measurement.evaluations:
                if evaluation is final:
                    yield {**whole, **_evaluated(evaluation, metrics), **_ended(job)}
                elif evaluation.epochs in read_off:
                    yield {
                        **whole,
                        **_evaluated(evaluation, metrics),
                        **_read_off(job, evaluation.epochs),
                    }

    return Frame.of(columns, rows())


def evaluations_frame(jobs: Sequence[MeasuredJob], outline: Outline) -> Frame:
    """Return one row for each evaluation of each measured job, whatever its `read_off` says."""
    names = [metric.name for metric in outline.evaluation_metrics]
    columns = (*JOB, *axis_columns(outline), "epoch", *(METRIC + name for name in names))
    rows = (
        {
            **_job(job, outline),
            "epoch": evaluation.epochs,
            **{METRIC + name: evaluation.metrics.get(name) for name in names},
        }
        for job in jobs
        for evaluation in job.measurement.evaluations
    )
    return Frame.of(columns, rows)


def epochs_frame(jobs: Sequence[MeasuredJob], outline: Outline) -> Frame:
    """Return one row for each epoch of each measured job."""
    times = [name for name in EpochRecord.model_fields if name != "metrics"]
    metrics = {METRIC + metric.name: metric.name for metric in outline.epoch_metrics}
    columns = (*JOB, *axis_columns(outline), *times, *metrics, *SEEN)

    def rows() -> Iterator[dict[str, Any]]:
        for job in jobs:
            head, seen = _job(job, outline), _seen_by_epoch(job)
            for epoch in job.measurement.epochs:
                known = seen.get(epoch.epoch)
                yield {
                    **head,
                    **vars(epoch),
                    **{column: epoch.metrics.get(name) for column, name in metrics.items()},
                    **({} if known is None else {name: getattr(known, name) for name in SEEN}),
                }

    return Frame.of(columns, rows())


def axis_columns(outline: Outline) -> tuple[str, ...]:
    """Return the columns that hold the values of the axes."""
    return tuple(AXIS + axis.name for axis in outline.axes)


def _job(job: MeasuredJob, outline: Outline) -> dict[str, Any]:
    record, spec = job.record, job.record.job
    return {
        "label": record.label,
        "machine_key": job.machine_key,
        "run_id": record.run_id,
        "job_id": record.job_id,
        "attempt": record.attempt,
        "data_digest": job.measurement.digests.data,
        **_planned(spec, outline),
    }


@functools.lru_cache(maxsize=2**14)
def _planned(job: JobSpec, outline: Outline) -> Mapping[str, Any]:
    """Return what was planned of a job, which is the same on all machines."""
    return {
        "job_epochs": job.epochs,
        "seed": job.seed,
        "repeat": job.repeat,
        "dataset": job.dataset,
        **{AXIS + axis.name: axis_value(job, axis) for axis in outline.axes},
    }


def _seen_by_epoch(job: MeasuredJob) -> dict[int | None, Interference]:
    conditions = job.record.conditions
    return {} if conditions is None else {seen.epoch: seen for seen in conditions.epochs}


def _whole(job: MeasuredJob) -> dict[str, Any]:
    """Return what is known of a whole job, whatever its evaluation; memory is the ended job's."""
    measurement, conditions = job.measurement, job.record.conditions
    digests, epochs, work = measurement.digests, measurement.epochs, measurement.work
    whole, quota = None if conditions is None else conditions.whole, job.record.machine.cpu_quota
    return {
        "first_step_s": epochs[0].step_first_s if epochs else None,
        "initial_weights": digests.initial_weights,
        "batch_order": digests.batch_order,
        "code": digests.code,
        "device": measurement.device,
        "step_flops": work and work.flops,
        "step_bytes": work and work.bytes,
        "working_set_bytes": work and work.working_set_bytes,
        "flag": None if whole is None else whole.flag,
        "held_by_quota": whole is not None
        and held_by_quota(whole, quota, measurement.threads.asked),
    }


def _evaluated(evaluation: Evaluation, metrics: Mapping[str, str]) -> dict[str, Any]:
    """Return an evaluation; `metrics` are the names of its metrics by their columns."""
    return {
        "epochs": evaluation.epochs,
        "total_s": evaluation.total_s,
        "final_weights": evaluation.weights_digest,
        **{column: evaluation.metrics.get(name) for column, name in metrics.items()},
    }


def _read_off(job: MeasuredJob, epochs: int) -> dict[str, Any]:
    """Return the times of the first `epochs` of a job."""
    trained = [epoch for epoch in job.measurement.epochs if epoch.epoch <= epochs]
    return {
        "is_final": False,
        "train_s": sum(epoch.wall_s for epoch in trained),
        **steady_figures(job.measurement, trained),
    }


def _ended(job: MeasuredJob) -> dict[str, Any]:
    """Return the times and the memory of a whole job; the memory of its GPUs is added up."""
    measurement, conditions = job.measurement, job.record.conditions
    ended = {
        "is_final": True,
        "train_s": measurement.train_s,
        **job.steady,
        **vars(measurement.memory),
    }
    if conditions is None:
        return ended
    gpus = conditions.whole.gpus if conditions.whole and measurement.device == "gpu" else ()
    held = [gpu.memory_used_peak_bytes for gpu in gpus if gpu.memory_used_peak_bytes is not None]
    return {
        **ended,
        "tree_rss_peak_bytes": conditions.tree_rss_peak_bytes,
        "gpu_held_bytes": sum(held) if held else None,
    }
