"""Journals of planted sittings, as `compare` reads them from a folder of reports."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from builders import a_job, a_measurement, a_record, a_run, an_evaluation, digest, facts

from bench.record.facts import MachineFacts
from bench.record.journal import Journal
from bench.record.run import Run
from bench.spec.job import JobSpec

#: Three kinds of job.
CELLS: Mapping[str, dict[str, Any]] = {
    "mlp": {"model": "mlp", "optimizer": "sgd"},
    "cnn": {"model": "cnn", "optimizer": "adam"},
    "large": {"model": "mlp", "optimizer": "sgd", "batch_size": 512},
}

FIRST = datetime(2026, 11, 1, 10, tzinfo=UTC)


def machine(name: str, **changes: Any) -> MachineFacts:
    """Return the facts of a machine of its own."""
    return facts(machine_id=digest(name)[:16], host_hash=digest(f"host {name}")[:16], **changes)


def a_sitting(
    label: str,
    steps_s: Mapping[str, float],
    *,
    hour: float = 0.0,
    machine_facts: MachineFacts | None = None,
    jobs: int = 1,
    diverged: bool = False,
    **changes: Any,
) -> Run:
    """Return a run of `jobs` seeds of each cell that begins `hour` hours after the first one.

    `steps_s` holds the seconds of every step by cell. The metrics of a run that `diverged` are not
    finite. `changes` are fields of the records.
    """
    began = FIRST + timedelta(hours=hour)
    run_id = f"{began:%Y%m%dT%H%M%SZ}-small-{label}"
    records = []
    for name, step_s in steps_s.items():
        for seed in range(1, jobs + 1):
            job: JobSpec = a_job(**CELLS[name], seed=seed)
            start = began + timedelta(minutes=len(records))
            epochs = [[2 * step_s] + [step_s] * 9] + [[step_s] * 10] * (job.epochs - 1)
            total_s = 1000 * step_s
            ended = an_evaluation(job.epochs, total_s)
            if diverged:
                ended = ended.model_copy(update={"metrics": dict.fromkeys(ended.metrics)})
            measured = a_measurement(epochs, total_s=total_s, evaluations=[ended])
            records.append(
                a_record(
                    job,
                    measured,
                    label=label,
                    machine=machine_facts or machine(label),
                    run_id=run_id,
                    started_at=start.isoformat(),
                    ended_at=(start + timedelta(seconds=50)).isoformat(),
                    **changes,
                )
            )
    return a_run(records, started_at=began.isoformat())


def write(out: Path, runs: Sequence[Run]) -> Path:
    """Write the runs as journals into a folder of reports; return that folder."""
    for run in runs:
        journal = Journal(out / "journals" / f"{run.header.run_id}.jsonl")
        journal.create(run.header)
        for line in (*run.machines, *run.records):
            journal.append(line)
    return out
