"""The table of conditions: what disturbed each job, as seen from outside."""

from __future__ import annotations

import operator
from typing import Any

from bench.analysis.cells import cell_of
from bench.analysis.conditions import WatchedJob
from bench.analysis.results import Results
from bench.record.conditions import Interference
from bench.report.column import Column, Table
from bench.report.rows import Rows
from bench.report.shared_columns import cell_row, group_columns, warnings
from bench.report.words import notes, verdict
from bench.spec.description import Outline

#: At most so many disturbed jobs are shown; the CSV holds every job.
MOST_SHOWN = 40

#: What was seen of a job as a whole, in the field names of `Interference`.
SEEN = tuple(name for name in Interference.model_fields if name not in {"epoch", "wall_s"})
_figures_of = operator.attrgetter(*SEEN)


def _share(key: str, heading: str, meaning: str) -> Column:
    return Column(key, heading, "share", meaning, better="lower", foldable=True)


_FIGURES = (
    Column("seed", "seed", "name"),
    Column("flag", "flag", meaning="whether the job was disturbed"),
    Column("causes", "by", meaning="what disturbed the job, with the value seen", width=60),
    Column("epochs_disturbed", "epochs disturbed", "number", better="lower"),
    Column(
        "foreign_cpus",
        "foreign CPU",
        "number",
        "CPUs that processes outside the job and the benchmark used",
        better="lower",
    ),
    Column(
        "foreign_processes",
        "busiest others",
        meaning="the busiest of these processes, with their CPUs over the whole job",
        width=40,
    ),
    _share("steal_share", "steal", "the share of CPU time that the hypervisor gave to others"),
    _share(
        "throttled_periods_share",
        "throttled",
        "the share of quota periods in which the job was paused",
    ),
    Column(
        "involuntary_per_cpu_s",
        "preempted per CPU s",
        "number",
        "how often the job was preempted, per second of its CPU time",
        better="lower",
    ),
    _share(
        "pressure_memory_full_share",
        "memory pressure",
        "the share of time in which all tasks wait for memory",
    ),
    _share(
        "pressure_io_full_share",
        "I/O pressure",
        "the share of time in which all tasks wait for I/O",
    ),
    Column(
        "frequency_hz",
        "clock GHz",
        "gigahertz",
        "the mean clock of the fastest CPUs",
        unit="Hz",
        foldable=True,
    ),
    Column("temperature_max_c", "hottest C", "number", unit="C", foldable=True),
    Column("swapped_bytes", "swapped MiB", "mebibytes", unit="B", foldable=True),
    Column("load_1min", "load", "number", "the system's load average of one minute"),
)


def conditions_table(results: Results) -> Table:
    """Return one row for each job that was watched, the disturbed ones first."""
    rows = Rows(_row(watched, results.outline) for watched in results.watched)
    disturbed = rows[: results.disturbances.disturbed]
    shown = disturbed[:MOST_SHOWN]
    told = (
        verdict.disturbed_jobs(results.disturbances),
        notes.conditions(len(disturbed), len(shown)),
        *notes.looks(results.looks),
        *notes.unseen(results.unseen),
    )
    return Table(
        name="conditions",
        title="Conditions",
        columns=(*group_columns(results), *_FIGURES),
        rows=rows,
        brief=shown,
        stands=bool(rows),
        notes=(*warnings(results), *(told if rows else (notes.NOT_WATCHED,))),
    )


def _row(watched: WatchedJob, outline: Outline) -> dict[str, Any]:
    record, digests = watched.job.record, watched.job.measurement.digests
    job, whole = record.job, watched.whole
    seen = [None] * len(SEEN) if whole is None else _figures_of(whole)
    return {
        "machine": watched.machine,
        "label": record.label,
        "machine_key": watched.job.machine_key,
        "machine_id": record.machine.machine_id,
        "kind": record.machine.kind,
        "run_id": record.run_id,
        "job_id": record.job_id,
        "attempt": record.attempt,
        "placed_by": record.placed_by,
        **cell_row(cell_of(job, job.epochs, digests.data, outline), outline, "job_epochs"),
        "seed": job.seed,
        "repeat": job.repeat,
        "epochs_disturbed": watched.epochs_disturbed,
        "foreign_processes": [
            f"{process.name} {process.cpus:.2f}" for process in watched.conditions.foreign_processes
        ],
        **dict(zip(SEEN, seen, strict=True)),
        "gpus": None if whole is None else [gpu.model_dump() for gpu in whole.gpus],
        "energy": [
            f"{reading.source} {reading.joules:.0f} J"
            for reading in (whole.energy if whole else ())
        ],
        "involuntary_per_cpu_s": watched.preempted_per_cpu_s,
    }
