"""The mean steps of one machine as a file of pyperf: a benchmark a kind of job, a run a job.

Source of the format: pyperf's documentation, "The pyperf JSON file format" (version 1.0).
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from bench import __version__
from bench.analysis.cells import Cell
from bench.analysis.contenders import jobs_that_count
from bench.analysis.machines import Machine
from bench.analysis.pooling import MeasuredJob
from bench.analysis.results import Results
from bench.analysis.warmup import steady_epochs, steady_wall_s
from bench.record.measurement import EpochRecord
from bench.report.exports.cell_names import cell_names
from bench.text import printable

#: The version of pyperf's format that is written.
VERSION = "1.0"

#: What a value is: pyperf shows it with the metadata of a file.
DESCRIPTION = (
    "mean step: seconds of an epoch over its steps; a run is a job, a value a steady epoch"
)

#: Facts of a machine by the names that pyperf gives them.
FACTS: Mapping[str, str] = {
    "cpu_model_name": "cpu_model",
    "cpu_count": "logical_cores",
    "python_version": "python",
    "platform": "os",
}


def pyperf_file(results: Results, machine: Machine) -> str | None:
    """Return the file of `machine`; None if it has no job with a mean step that counts.

    A disturbed job counts only if no quiet job of its kind was measured, and a kind that the
    machine trains wrong does not count, as in the report.
    """
    wrong = {(one.group.machine_key, one.group.cell) for one in results.groups if one.gate.wrong}
    own = [job for job in results.measured if job.machine_key == machine.key and _steady(job)]
    found: dict[Cell, list[MeasuredJob]] = {}
    for job in jobs_that_count(own, results.outline, lambda key, cell: (key, cell) not in wrong):
        found.setdefault(job.cell(results.outline), []).append(job)
    names = cell_names(found, results.outline)
    benchmarks = [_benchmark(names[cell], jobs) for cell, jobs in found.items()]
    if not benchmarks:
        return None
    document = {"version": VERSION, "metadata": _metadata(results, machine)}
    return json.dumps({**document, "benchmarks": benchmarks}, indent=1, allow_nan=False) + "\n"


def _benchmark(name: str, jobs: Sequence[MeasuredJob]) -> dict[str, Any]:
    return {"metadata": {"name": printable(name)}, "runs": [_run(job) for job in jobs]}


def _run(job: MeasuredJob) -> dict[str, Any]:
    """Return a job as a run: a value for each steady epoch, the others as warm-ups."""
    epochs = job.measurement.epochs
    steady = _steady(job)
    warm = [
        [epoch.steps, epoch.wall_s / epoch.steps]
        for epoch in epochs[: len(epochs) - len(steady_epochs(epochs))]
        if epoch.steps
    ]
    record = job.record
    metadata: dict[str, Any] = {
        "date": f"{datetime.fromisoformat(record.started_at):%Y-%m-%d %H:%M:%S.%f}",
        "duration": sum(epoch.wall_s for epoch in epochs),
        "loops": steady[0].steps,
        "seed": record.job.seed,
        "job": record.job_id,
        "run": record.run_id,
        "flag": _flag(job),
    }
    peak = job.measurement.memory.peak_bytes
    if peak:
        metadata["mem_max_rss"] = peak
    return {
        "metadata": _told(metadata),
        "values": [steady_wall_s(epoch) / epoch.steps for epoch in steady],
        **({"warmups": warm} if warm else {}),
    }


def _steady(job: MeasuredJob) -> list[EpochRecord]:
    """Return the steady epochs that have steps and take time."""
    epochs = steady_epochs(job.measurement.epochs)
    return [epoch for epoch in epochs if epoch.steps and steady_wall_s(epoch) > 0]


def _flag(job: MeasuredJob) -> str:
    conditions = job.record.conditions
    whole = None if conditions is None else conditions.whole
    return "unknown" if whole is None else whole.flag


def _metadata(results: Results, machine: Machine) -> dict[str, Any]:
    """Return what holds of the whole file: the unit, the clock, the machine and its versions."""
    facts = machine.facts.model_dump()
    threads = None if machine.threads is None else machine.threads.asked
    return _told(
        {
            "unit": "second",
            "timer": "time.perf_counter of the process of each job",
            "description": DESCRIPTION,
            "workload": results.outline.name,
            "machine": machine.name,
            "machine_id": machine.facts.machine_id,
            **{name: facts[field] for name, field in FACTS.items()},
            "usable_cpus": machine.facts.usable_cpus,
            "memory_total_bytes": machine.facts.memory_total_bytes,
            "kernel": machine.facts.kernel,
            "threads": threads,
            "device": ", ".join(machine.devices),
            **{f"{name}_version": version for name, version in machine.versions.items()},
            "bench_version": __version__,
        }
    )


def _told(metadata: Mapping[str, Any]) -> dict[str, Any]:
    """Return metadata as pyperf takes it: no unknown or empty value, and texts of one line."""
    cleaned = {
        printable(name): printable(value).strip() if isinstance(value, str) else value
        for name, value in metadata.items()
    }
    return {name: value for name, value in cleaned.items() if value not in (None, "")}
