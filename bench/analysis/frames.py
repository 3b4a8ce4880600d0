"""Records as tidy tables: one row per evaluation, per epoch, per failure; times in seconds."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import pandas as pd

from bench.analysis.pooling import machine_key
from bench.analysis.warmup import steady_epochs, steady_times_s, steady_wall_s
from bench.record.conditions import Interference
from bench.record.lines import JobRecord
from bench.record.measurement import EpochRecord, Evaluation, Measurement, MemoryFacts, quantile
from bench.record.run import Run
from bench.spec.job import JobSpec
from bench.watch.quota import held_by_quota

#: Who measured: the same in every frame. `machine_key` decides what is pooled.
WHO = ("label", "machine_key", "machine_id", "kind", "run_id", "job_id", "attempt", "placed_by")
#: What was run. `job_epochs` is what the job was asked for, `epochs` where it was evaluated.
JOB = (
    "model",
    "optimizer",
    "job_epochs",
    "batch_size",
    "seed",
    "loop",
    "precision",
    "backend",
    "dataset",
    "as_published",
    "repeat",
    "data_digest",
)
#: Columns of one evaluation, in the field names of `Evaluation`.
EVALUATION = ("train_loss", "train_accuracy", "test_loss", "test_accuracy", "evaluate_s", "total_s")
#: Of the steady steps; `step_mean_s` is the median steady epoch over its steps.
STEADY = (
    "step_p10_s",
    "step_median_s",
    "step_p95_s",
    "steady_steps",
    "epoch_s",
    "step_mean_s",
    "steps_per_epoch",
)
#: Columns of the whole job. Memory is None in read-off rows: its peak is that of the whole job.
WHOLE = (
    *("after_import_bytes", "after_data_bytes", "peak_bytes", "peak_source"),
    "first_step_s",
    "first_step_at_s",
    "import_s",
    "initial_weights",
    "batch_order",
    "final_weights",
    "code",
    "threads_asked",
    "threads_intra_op",
    "threads_inter_op",
    "niceness",
    "device",
    "step_flops",
    "step_bytes",
    "working_set_bytes",
    *("gpu_peak_bytes", "gpu_peak_source", "gpu_held_bytes", "tree_rss_peak_bytes"),
    *("flag", "energy", "held_by_quota"),
)
JOB_COLUMNS = (*WHO, *JOB, "epochs", "is_final", "train_s", *EVALUATION, *STEADY, *WHOLE)
#: What was seen from outside during a job or an epoch, in the field names of `Interference`.
SEEN = tuple(name for name in Interference.model_fields if name not in {"epoch", "wall_s"})
EPOCH_COLUMNS = (*WHO, *JOB, *EpochRecord.model_fields, *SEEN)
CONDITION_COLUMNS = (*WHO, *JOB, "epochs_disturbed", "foreign_processes", *SEEN)
FAILURE_COLUMNS = (
    *("label", "run_id", "job_id", "attempt", "reason", "exception", "message", "log_tail"),
    "measured_later",
)


def jobs_frame(runs: Sequence[Run]) -> pd.DataFrame:
    """Return one row for each evaluation of each measured job: `JOB_COLUMNS`.

    A job of 15 epochs with `read_off` (2,) gives the rows epochs=2 and epochs=15; `is_final` tells
    the last, and only those rows are independent of each other.
    """
    rows = [
        {
            **_who(record),
            **_what(record),
            **_evaluated(record.measurement, evaluation),
            **_watched(record, is_final=evaluation == record.measurement.final),
            "held_by_quota": _held_by_quota(record),
        }
        for record, _ in _measured(runs)
        for evaluation in record.measurement.evaluations
    ]
    return pd.DataFrame(rows, columns=list(JOB_COLUMNS))


def epochs_frame(runs: Sequence[Run]) -> pd.DataFrame:
    """Return one row for each epoch of each measured job: `EPOCH_COLUMNS`."""
    rows = [
        {**_who(record), **_what(record), **epoch.model_dump(), **_seen(record, epoch.epoch)}
        for record, measurement in _measured(runs)
        for epoch in measurement.epochs
    ]
    return pd.DataFrame(rows, columns=list(EPOCH_COLUMNS))


def conditions_frame(runs: Sequence[Run]) -> pd.DataFrame:
    """Return one row for each measured job that was watched: `CONDITION_COLUMNS`."""
    rows = [
        {
            **_who(record),
            **_what(record),
            **_seen(record),
            "epochs_disturbed": sum(epoch.flag == "disturbed" for epoch in seen.epochs),
            "foreign_processes": [f"{p.name} {p.cpus:.2f}" for p in seen.foreign_processes],
        }
        for record, _ in _measured(runs)
        if (seen := record.conditions) is not None
    ]
    return pd.DataFrame(rows, columns=list(CONDITION_COLUMNS))


def failures_frame(runs: Sequence[Run]) -> pd.DataFrame:
    """Return one row for each failed attempt, and for each job that has no record.

    Of the latter, those that were planned have the reason `not run`, those that the machine cannot
    run `skipped`; a machine that could not be had is one row, `no machine`, without a job.
    `measured_later` is true where another attempt of the same run measured the job after all.
    """
    rows = []
    for run in runs:
        measured = {record.job_id for record in run.measured}
        rows += [
            {
                **_who(record),
                **record.failure.model_dump(),
                "measured_later": record.job_id in measured,
            }
            for record in run.records
            if record.failure is not None
        ]
        rows += [_not_run(run, job_id) for job_id in run.missing]
        rows += [
            _not_run(run, skip.job.job_id, "skipped", skip.reason) for skip in run.header.skipped
        ]
        rows += [
            {**_not_run(run, None, "no machine", entry.reason), "label": entry.label}
            for entry in run.refused
        ]
    return pd.DataFrame(rows, columns=list(FAILURE_COLUMNS))


def _measured(runs: Sequence[Run]) -> Iterator[tuple[JobRecord, Measurement]]:
    for run in runs:
        for record in run.measured:
            yield record, record.measurement


def _seen(record: JobRecord, epoch: int | None = None) -> dict[str, Any]:
    """Return what was seen during an epoch, or during the whole of the training."""
    seen = record.conditions
    parts = () if seen is None else (seen.whole,) if epoch is None else seen.epochs
    found = next((part for part in parts if part is not None and part.epoch == epoch), None)
    return {} if found is None else found.model_dump(include=set(SEEN))


def _watched(record: JobRecord, is_final: bool) -> dict[str, Any]:
    """Return what was seen of the whole job from outside, GPUs with their memory added up."""
    if not is_final:
        return {key: _seen(record).get(key) for key in ("flag", "energy")}
    seen = _seen(record)
    gpus = seen.get("gpus", ()) if record.measurement.device == "gpu" else ()
    held = [gpu["memory_used_peak_bytes"] for gpu in gpus]
    known = [value for value in held if value is not None]
    return {
        **{key: seen.get(key) for key in ("flag", "energy")},
        "tree_rss_peak_bytes": record.conditions and record.conditions.tree_rss_peak_bytes,
        "gpu_held_bytes": sum(known) if known else None,
    }


def _held_by_quota(record: JobRecord) -> bool:
    seen = record.conditions and record.conditions.whole
    threads = record.measurement.threads.asked
    return seen is not None and held_by_quota(seen, record.machine.cpu_quota, threads)


def _who(record: JobRecord) -> dict[str, Any]:
    return {
        "label": record.label,
        "machine_key": machine_key(record),
        "machine_id": record.machine.machine_id,
        "kind": record.machine.kind,
        "run_id": record.run_id,
        "job_id": record.job_id,
        "attempt": record.attempt,
        "placed_by": record.placed_by,
    }


def _what(record: JobRecord) -> dict[str, Any]:
    axes = {key: getattr(record.job, key) for key in JobSpec.model_fields if key in JOB}
    return {
        **axes,
        "job_epochs": record.job.epochs,
        "data_digest": record.measurement.digests.data,
    }


def _evaluated(measurement: Measurement, evaluation: Evaluation) -> dict[str, Any]:
    is_final = evaluation is measurement.final
    epochs = [epoch for epoch in measurement.epochs if epoch.epoch <= evaluation.epochs]
    walls = [epoch.wall_s for epoch in epochs]
    return {
        "epochs": evaluation.epochs,
        "is_final": is_final,
        "train_s": measurement.train_s if is_final else sum(walls),
        **{key: getattr(evaluation, key) for key in EVALUATION},
        **_steady(measurement, epochs),
        **_whole(measurement),
        **({} if is_final else _NO_MEMORY),
        "final_weights": evaluation.weights_digest,
    }


_NO_MEMORY = dict.fromkeys(MemoryFacts.model_fields)


def _steady(measurement: Measurement, epochs: Sequence[EpochRecord]) -> dict[str, Any]:
    times_s = steady_times_s(measurement, [epoch.steps for epoch in epochs])
    steady = steady_epochs(epochs)
    epoch_s = quantile([steady_wall_s(epoch) for epoch in steady], 0.5)
    steps = epochs[0].steps if epochs else None
    return {
        "step_p10_s": quantile(times_s, 0.10),
        "step_median_s": quantile(times_s, 0.50),
        "step_p95_s": quantile(times_s, 0.95),
        "steady_steps": int(times_s.size),
        "epoch_s": epoch_s,
        "step_mean_s": epoch_s / steps if epoch_s is not None and steps else None,
        "steps_per_epoch": steps,
    }


def _whole(measurement: Measurement) -> dict[str, Any]:
    threads, digests, epochs = measurement.threads, measurement.digests, measurement.epochs
    work = measurement.work
    return {
        **measurement.memory.model_dump(),
        "first_step_s": epochs[0].step_first_s if epochs else None,
        "first_step_at_s": measurement.first_step_at_s,
        "import_s": measurement.import_s,
        "initial_weights": digests.initial_weights,
        "batch_order": digests.batch_order,
        "code": digests.code,
        "threads_asked": threads.asked,
        "threads_intra_op": threads.intra_op,
        "threads_inter_op": threads.inter_op,
        "niceness": threads.niceness,
        "device": measurement.device,
        "step_flops": work and work.flops,
        "step_bytes": work and work.bytes,
        "working_set_bytes": work and work.working_set_bytes,
    }


def _not_run(
    run: Run,
    job_id: str | None,
    reason: str = "not run",
    message: str = "planned, but the journal holds no record of it",
) -> dict[str, Any]:
    return {
        "label": run.header.label,
        "run_id": run.header.run_id,
        "job_id": job_id,
        "reason": reason,
        "message": message,
        "measured_later": False,
    }
