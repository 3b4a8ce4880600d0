"""Builds runs and records for tests; every figure that a test checks is chosen by the test."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from bench.record.conditions import Conditions, Flag, Interference
from bench.record.facts import MachineFacts
from bench.record.failure import Failure
from bench.record.lines import JobRecord, MachineEntry, RunHeader
from bench.record.measurement import (
    Digests,
    EpochRecord,
    Evaluation,
    Measurement,
    MemoryFacts,
    PackedTimes,
    ThreadFacts,
)
from bench.record.run import Run
from bench.report.column import Report, Row
from bench.spec.job import JobSpec, make_job
from mnist_bench.description import AXES, DESCRIPTION

MIB = 2**20


def digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def a_job(**changes: Any) -> JobSpec:
    """Return a job of the real workload; `changes` are values of axes and other fields."""
    fields = {"model": "cnn", "optimizer": "adam", "epochs": 2, "seed": 1234, "dataset": "mnist"}
    fields |= changes
    axes = {axis.name: fields.pop(axis.name) for axis in AXES if axis.name in fields}
    return make_job(AXES, axes, **fields)


def facts(**changes: Any) -> MachineFacts:
    fields: dict[str, Any] = {
        "machine_id": "m" * 16,
        "cpu_model": "Planted CPU",
        "instruction_sets": ("AVX2", "FMA"),
        "physical_cores": 2,
        "logical_cores": 4,
        "usable_cpus": 4.0,
        "memory_total_bytes": 8192 * MIB,
        "os": "Planted Linux",
        "python": "3.11.7",
        "packages": {"keras": "3.10.0", "tensorflow": "2.19.0", "ray": "2.50.0"},
    }
    return MachineFacts.model_validate({**fields, **changes})


def an_epoch(number: int, times_s: Sequence[float], **changes: Any) -> EpochRecord:
    fields: dict[str, Any] = {
        "epoch": number,
        "started_s": 0.0,
        "wall_s": sum(times_s),
        "cpu_s": 2 * sum(times_s),
        "steps": len(times_s),
        "step_first_s": times_s[0],
        "step_p10_s": min(times_s),
        "step_median_s": sorted(times_s[1:])[(len(times_s) - 1) // 2],
        "step_p95_s": max(times_s),
        "metrics": {"train_loss": 0.1 / number, "train_accuracy": 0.9},
        "rss_bytes": 600 * MIB,
    }
    return EpochRecord.model_validate(with_metrics(fields, changes))


def an_evaluation(epochs: int, total_s: float, **changes: Any) -> Evaluation:
    fields: dict[str, Any] = {
        "epochs": epochs,
        "metrics": {
            "train_loss": 0.02,
            "train_accuracy": 0.99,
            "test_loss": 0.03,
            "test_accuracy": 0.98,
        },
        "evaluate_s": 1.0,
        "total_s": total_s,
        "weights_digest": digest(f"weights after {epochs}"),
    }
    return Evaluation.model_validate(with_metrics(fields, changes))


def with_metrics(fields: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
    """Return `fields` with `changes`, of which the names of metrics go to the metrics."""
    names = {metric.name for metric in DESCRIPTION.metrics}
    metrics = {**fields["metrics"], **{k: v for k, v in changes.items() if k in names}}
    rest = {k: v for k, v in changes.items() if k not in names}
    return {**fields, **rest, "metrics": rest.get("metrics", metrics)}


def a_measurement(
    steps_s: Sequence[Sequence[float]],
    *,
    total_s: float | None = None,
    walls_s: Sequence[float] | None = None,
    evaluations: Sequence[Evaluation] = (),
    digests: dict[str, str] | None = None,
    **changes: Any,
) -> Measurement:
    """Return a measurement of the planted step times, one sequence for each epoch."""
    epochs = [an_epoch(number, times) for number, times in enumerate(steps_s, start=1)]
    if walls_s is not None:
        pairs = zip(epochs, walls_s, strict=True)
        epochs = [epoch.model_copy(update={"wall_s": wall}) for epoch, wall in pairs]
    train_s = sum(epoch.wall_s for epoch in epochs)
    total_s = train_s + 1 if total_s is None else total_s
    names = ("data", "initial_weights", "batch_order", "final_weights", "code")
    fields: dict[str, Any] = {
        "epochs": tuple(epochs),
        "step_times": PackedTimes.pack([time for times in steps_s for time in times]),
        "evaluations": tuple(evaluations) or (an_evaluation(len(steps_s), total_s),),
        "train_s": train_s,
        "import_s": 3.0,
        "first_step_at_s": 5.0,
        "memory": MemoryFacts(
            after_import_bytes=400 * MIB,
            after_data_bytes=500 * MIB,
            peak_bytes=700 * MIB,
            peak_source="VmHWM",
        ),
        "threads": ThreadFacts(asked=4, environment={}, intra_op=4, inter_op=1, niceness=0),
        "digests": Digests(**{name: digest(name) for name in names} | (digests or {})),
        "device": "CPU:0",
        "versions": {"keras": "3.10.0"},
    }
    return Measurement.model_validate({**fields, **changes})


def conditions(flag: Flag, *causes: str) -> Conditions:
    """Return what was seen of a job whose whole training has this flag."""
    whole = Interference(wall_s=1.0, flag=flag, causes=causes)
    return Conditions(period_s=0.1, samples=10, rss_peak_bytes=None, whole=whole)


def a_record(
    job: JobSpec,
    outcome: Measurement | Failure,
    *,
    label: str = "lab",
    machine: MachineFacts | None = None,
    run_id: str = "run-1",
    **changes: Any,
) -> JobRecord:
    key = "measurement" if isinstance(outcome, Measurement) else "failure"
    fields: dict[str, Any] = {
        "run_id": run_id,
        "job_id": job.job_id,
        "job": job,
        "label": label,
        "machine": machine or facts(),
        "placed_by": "bare",
        "started_at": "2026-11-01T10:00:00Z",
        "ended_at": "2026-11-01T10:01:00Z",
        key: outcome,
    }
    return JobRecord.model_validate({**fields, **changes})


def a_run(
    records: Sequence[JobRecord],
    *,
    planned: Sequence[JobSpec] | None = None,
    **changes: Any,
) -> Run:
    """Return the run that holds `records`, of one machine, as its journal would be read.

    `planned` is what the machine was given, if that is more. `changes` are fields of the header
    or, for `machine`, `skipped` and `look`, of the machine's line.
    """
    first = records[0] if records else None
    jobs = planned if planned is not None else list({r.job_id: r.job for r in records}.values())
    own = {key: changes.pop(key) for key in ("machine", "skipped", "look") if key in changes}
    fields: dict[str, Any] = {
        "run_id": first.run_id if first else "run-1",
        "workload": DESCRIPTION.outline,
        "request_digest": digest("request"),
        "command": "python -m mnist_bench.run --grid small",
        "grid": "small",
        "label": first.label if first else "lab",
        "dataset": "mnist",
        "dataset_source": "planted",
        "data_digest": digest("data"),
        "order_seed": 7,
        "started_at": "2026-11-01T10:00:00Z",
        "jobs": (*jobs, *(skip.job for skip in own.get("skipped", ()))),
    }
    header = RunHeader.model_validate({**fields, **changes})
    entry = MachineEntry.model_validate(
        {
            "run_id": header.run_id,
            "label": header.label,
            "own": True,
            "machine": first.machine if first else facts(),
            "jobs": tuple(job.job_id for job in jobs),
            **own,
        }
    )
    path = Path(f"/private/home/{header.run_id}.jsonl")
    return Run(path, header, tuple(records), machines=(entry,))


def steady_run(
    label: str,
    step_s: float,
    *,
    jobs: Sequence[JobSpec],
    drift: float = 0.0,
    machine: MachineFacts | None = None,
    run_id: str | None = None,
    **changes: Any,
) -> Run:
    """Return a run whose every step takes `step_s`, `drift` more of it with each further job."""
    records = []
    for place, job in enumerate(jobs):
        time_s = step_s * (1 + drift * place)
        epochs = [[10 * time_s] + [time_s] * 9] + [[time_s] * 10] * (job.epochs - 1)
        measurement = a_measurement(epochs, digests={"data": digest(job.dataset)})
        name = run_id or f"run-{label}"
        records.append(a_record(job, measurement, label=label, machine=machine, run_id=name))
    return a_run(records, **changes)


#: Logs by which the sittings of a planted machine are slower than their mean.
DAYS = (0.004, -0.004, 0.002, -0.002)


def sittings_of(
    label: str,
    step_s: float,
    *,
    jobs: Sequence[JobSpec],
    days: Sequence[float] = DAYS,
    machine: MachineFacts | None = None,
) -> list[Run]:
    """Return the runs of a machine over some days, each slower or faster than the others."""
    return [
        steady_run(
            label,
            step_s * math.exp(day),
            jobs=jobs,
            machine=machine,
            run_id=f"run-{label}-{number}",
        )
        for number, day in enumerate(days)
    ]


def watched(flag: str, **seen: Any) -> dict[str, Conditions]:
    """Return the conditions of a job that was watched, as a field of its record."""
    whole = Interference.model_validate({"wall_s": 1.0, "flag": flag, **seen})
    return {"conditions": Conditions(period_s=0.1, samples=10, rss_peak_bytes=None, whole=whole)}


def throttled_run(label: str, cpus: float, *, jobs: Sequence[JobSpec], **figures: float) -> Run:
    """Return a run of one thread under a quota of `cpus`, paused for half of its time.

    Of ten steps nine take 10 ms, and the tenth so long that the mean is 10 ms over the quota, or
    over one CPU. `figures` are more of what was seen.
    """
    epoch = [*[0.01] * 9, 0.1 / min(1.0, cpus) - 0.09]
    seen = {"wall_s": 1.0, "throttled_periods_share": 0.5, "throttled_s": 0.5, **figures}
    whole = Interference.model_validate(seen)
    threads = ThreadFacts(asked=1, environment={})
    return a_run(
        [
            a_record(
                job,
                a_measurement(
                    [epoch] * job.epochs,
                    threads=threads,
                    digests={"data": digest(job.dataset)},
                ),
                label=label,
                machine=facts(cpu_quota=cpus, usable_cpus=cpus),
                run_id=f"run-{label}",
                conditions=Conditions(period_s=0.1, samples=10, rss_peak_bytes=None, whole=whole),
            )
            for job in jobs
        ]
    )


def cnn_run(
    *,
    total_s: float = 100.0,
    epoch_s: float = 6.0,
    seeds: Sequence[int] = (1,),
    job: dict[str, Any] | None = None,
    label: str = "lab",
    **header: Any,
) -> Run:
    """Return a run of 15-epoch jobs whose total and epoch seconds are planted."""
    records = []
    for seed in seeds:
        spec = a_job(**{"epochs": 15, "read_off": (2,), **(job or {})}, seed=seed)
        measured = a_measurement(
            [[1.0, 0.01]] + [[0.01, 0.01]] * 14,
            walls_s=[20.0] + [epoch_s] * 14,
            evaluations=[
                an_evaluation(2, 30.0, train_accuracy=0.98, test_accuracy=0.97),
                an_evaluation(15, total_s, train_accuracy=0.995, test_accuracy=0.99),
            ],
            digests={"data": digest(spec.dataset)},
        )
        records.append(a_record(spec, measured, label=label))
    return a_run(records, **header)


def rows(report: Report, name: str) -> tuple[Row, ...]:
    """Return the rows of the table called `name`."""
    (table,) = (table for table in report.tables if table.name == name)
    return table.rows
