"""Sittings: one run of one machine in one boot at one time of day, the unit of "another day"."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from bench.analysis.pooling import MeasuredJob
from bench.clock import seconds_between
from bench.record.lines import JobRecord

#: Minutes without a job after which a run's next job belongs to a new sitting.
IDLE_MINUTES = 30

#: What identifies a record: label, run, job and attempt.
RecordKey = tuple[str, str, str, int]
#: The columns of a frame that hold this key.
RECORD_KEY = ("label", "run_id", "job_id", "attempt")


@dataclass(frozen=True)
class Sitting:
    """A sitting: its run, the machine's boot and instance (hashes, if known), and its number.

    `part` counts the sittings of one run on one machine and boot, from 1. `began_at` and `ended_at`
    are ISO times of the sitting's first start and last end.
    """

    label: str
    run_id: str
    boot: str | None
    instance: str | None
    part: int
    began_at: str
    ended_at: str

    @property
    def seconds(self) -> float:
        """The seconds from the first start to the last end."""
        return seconds_between(self.began_at, self.ended_at)


def record_key(record: JobRecord) -> RecordKey:
    """Return what identifies a record."""
    return (record.label, record.run_id, record.job_id, record.attempt)


def key_of(job: MeasuredJob) -> RecordKey:
    """Return what identifies the record of a job."""
    return record_key(job.record)


def sittings(jobs: Iterable[MeasuredJob]) -> Mapping[RecordKey, Sitting]:
    """Return the sitting of each job.

    Jobs belong to one sitting if they share label, run, boot and instance, and if no more than
    `IDLE_MINUTES` lie between the end of one and the start of the next.
    """
    together: dict[tuple[str, str, str | None, str | None], list[MeasuredJob]] = {}
    for job in jobs:
        facts, record = job.record.machine, job.record
        place = (record.label, record.run_id, facts.boot_hash, facts.host_hash)
        together.setdefault(place, []).append(job)
    found: dict[RecordKey, Sitting] = {}
    for place, alike in together.items():
        for part, members in enumerate(_split(alike), 1):
            sitting = Sitting(
                *place,
                part=part,
                began_at=members[0].record.started_at,
                ended_at=max(one.record.ended_at for one in members),
            )
            found |= {key_of(member): sitting for member in members}
    return found


def instances(jobs: Iterable[MeasuredJob]) -> Mapping[RecordKey, Sitting]:
    """Return one unit for each instance: all its sittings as one, from the first to the last.

    A claim about a type rests on its instances: sittings of one instance say nothing of another.
    """
    together: dict[str, list[MeasuredJob]] = {}
    for job in jobs:
        together.setdefault(job.record.machine.machine_id, []).append(job)
    found: dict[RecordKey, Sitting] = {}
    for machine_id, members in together.items():
        members.sort(key=lambda one: _time(one.record.started_at))
        first = members[0].record
        unit = Sitting(
            label=first.label,
            run_id=first.run_id,
            boot=None,
            instance=machine_id,
            part=1,
            began_at=first.started_at,
            ended_at=max(one.record.ended_at for one in members),
        )
        found |= {key_of(member): unit for member in members}
    return found


def _split(jobs: list[MeasuredJob]) -> list[list[MeasuredJob]]:
    """Return the jobs in order of their start, cut where the machine was idle for long."""
    parts: list[list[MeasuredJob]] = []
    ended: datetime | None = None
    for job in sorted(jobs, key=lambda one: _time(one.record.started_at)):
        began = _time(job.record.started_at)
        if ended is None or (began - ended).total_seconds() > 60 * IDLE_MINUTES:
            parts.append([])
        parts[-1].append(job)
        ended = max(_time(job.record.ended_at), ended or began)
    return parts


def _time(text: str) -> datetime:
    return datetime.fromisoformat(text)


def span_hours(found: Iterable[Sitting]) -> float:
    """Return the hours from the first start to the last end of some sittings; 0 for none."""
    known = list(found)
    if not known:
        return 0.0
    first = min(_time(one.began_at) for one in known)
    last = max(_time(one.ended_at) for one in known)
    return (last - first).total_seconds() / 3600
