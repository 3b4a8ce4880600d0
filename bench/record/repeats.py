"""Repeats of disturbed jobs: which records ask for one, and which repeats are still due.

A repeat is chosen by the record's flag alone and never by its time: if fast or slow jobs were
chosen, the figures would be biased.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable

from bench.record.lines import JobRecord
from bench.spec.job import JobSpec


def is_disturbed(record: JobRecord) -> bool:
    """Say whether a job was measured on a machine that was disturbed meanwhile."""
    seen = record.conditions.whole if record.conditions else None
    return record.measurement is not None and seen is not None and seen.is_disturbed


def repeat_of(record: JobRecord, most: int) -> JobSpec | None:
    """Return the job that runs because `record` was disturbed; None if it is not to run again."""
    if record.job.again < most and is_disturbed(record):
        return record.job.once_more()
    return None


def repeats_due(
    records: Iterable[JobRecord], done: Collection[str], most: int
) -> tuple[JobSpec, ...]:
    """Return the repeats that `records` ask for, except the jobs whose ids are in `done`."""
    wanted = filter(None, (repeat_of(record, most) for record in records))
    due = {job.job_id: job for job in wanted}
    return tuple(job for job_id, job in due.items() if job_id not in done)


def still_disturbed(records: Iterable[JobRecord]) -> frozenset[str]:
    """Return the ids of the planned jobs that were disturbed each time that they were measured."""
    flags: dict[str, list[bool]] = {}
    for record in records:
        if record.measurement is not None:
            flags.setdefault(record.job.original.job_id, []).append(is_disturbed(record))
    return frozenset(job_id for job_id, seen in flags.items() if all(seen))
