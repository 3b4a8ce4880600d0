"""Records as tidy tables: one row per evaluation and one per epoch; times in seconds.

A column of an axis is called `axis.NAME` and one of a metric `metric.NAME`, because the names are
the workload's own.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from bench.analysis.cells import AXIS, METRIC, axis_value
from bench.analysis.columns import Frame
from bench.analysis.pooling import MeasuredJob
from bench.analysis.warmup import steady_figures
from bench.record.conditions import Interference
from bench.record.measurement import EpochRecord, Evaluation, Measurement, MemoryFacts
from bench.spec.description import Outline
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
    columns = (
        *(*JOB, *axis_columns(outline), "epochs", "is_final", "train_s", "total_s"),
        *(METRIC + metric.name for metric in outline.evaluation_metrics),
        *(*STEADY, *WHOLE),
    )
    rows = (
        {
            **_job(job, outline),
            **_evaluated(job, evaluation, outline),
            **_watched(job, is_final=evaluation is job.measurement.final),
            "held_by_quota": _held_by_quota(job),
        }
        for job in jobs
        for evaluation in job.measurement.evaluations
        if evaluation is job.measurement.final or evaluation.epochs in job.record.job.read_off
    )
    return Frame.of(columns, rows)


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
    metrics = [metric.name for metric in outline.epoch_metrics]
    columns = (*JOB, *axis_columns(outline), *times, *(METRIC + name for name in metrics), *SEEN)

    def rows() -> Iterator[dict[str, Any]]:
        for job in jobs:
            head, seen = _job(job, outline), _seen_by_epoch(job)
            for epoch in job.measurement.epochs:
                known = seen.get(epoch.epoch)
                yield {
                    **head,
                    **{name: getattr(epoch, name) for name in times},
                    **{METRIC + name: epoch.metrics.get(name) for name in metrics},
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
        "job_epochs": spec.epochs,
        "seed": spec.seed,
        "repeat": spec.repeat,
        "dataset": spec.dataset,
        "data_digest": job.measurement.digests.data,
        **{AXIS + axis.name: axis_value(spec, axis) for axis in outline.axes},
    }


def _seen_by_epoch(job: MeasuredJob) -> dict[int | None, Interference]:
    conditions = job.record.conditions
    return {} if conditions is None else {seen.epoch: seen for seen in conditions.epochs}


def _watched(job: MeasuredJob, is_final: bool) -> dict[str, Any]:
    """Return what was seen of the whole job from outside; the memory of its GPUs is added up."""
    conditions = job.record.conditions
    whole = None if conditions is None else conditions.whole
    flag = {"flag": None if whole is None else whole.flag}
    if not is_final or conditions is None:
        return flag
    gpus = whole.gpus if whole is not None and job.measurement.device == "gpu" else ()
    held = [gpu.memory_used_peak_bytes for gpu in gpus if gpu.memory_used_peak_bytes is not None]
    return {
        **flag,
        "tree_rss_peak_bytes": conditions.tree_rss_peak_bytes,
        "gpu_held_bytes": sum(held) if held else None,
    }


def _held_by_quota(job: MeasuredJob) -> bool:
    conditions = job.record.conditions
    whole = None if conditions is None else conditions.whole
    threads = job.measurement.threads.asked
    return whole is not None and held_by_quota(whole, job.record.machine.cpu_quota, threads)


def _evaluated(job: MeasuredJob, evaluation: Evaluation, outline: Outline) -> dict[str, Any]:
    measurement = job.measurement
    is_final = evaluation is measurement.final
    epochs = [epoch for epoch in measurement.epochs if epoch.epoch <= evaluation.epochs]
    metrics = (metric.name for metric in outline.evaluation_metrics)
    return {
        "epochs": evaluation.epochs,
        "is_final": is_final,
        "train_s": measurement.train_s if is_final else sum(epoch.wall_s for epoch in epochs),
        "total_s": evaluation.total_s,
        **{METRIC + name: evaluation.metrics.get(name) for name in metrics},
        **(job.steady if is_final else steady_figures(measurement, epochs)),
        **_whole(measurement),
        **({} if is_final else dict.fromkeys(MemoryFacts.model_fields)),
        "final_weights": evaluation.weights_digest,
    }


def _whole(measurement: Measurement) -> dict[str, Any]:
    digests, epochs, work = measurement.digests, measurement.epochs, measurement.work
    return {
        **dict(measurement.memory),
        "first_step_s": epochs[0].step_first_s if epochs else None,
        "initial_weights": digests.initial_weights,
        "batch_order": digests.batch_order,
        "code": digests.code,
        "device": measurement.device,
        "step_flops": work and work.flops,
        "step_bytes": work and work.bytes,
        "working_set_bytes": work and work.working_set_bytes,
    }
