"""One machine's share of a run, and what of it is done, due or out of time."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from bench.record.conditions import LookRecord
from bench.record.facts import MachineFacts
from bench.record.lines import (
    JobRecord,
    MachineEntry,
    RunHeader,
    Skip,
)
from bench.record.repeats import repeats_due
from bench.spec.job import JobSpec


@dataclass(frozen=True)
class Share:
    """One machine's share of a run: the jobs that it was given and the records that came back.

    `too_late` are the ids of the jobs for which the minutes of the run were too short.
    `ceiling_records` are the records of the jobs that only measured ceilings.
    """

    path: Path
    header: RunHeader
    entry: MachineEntry
    records: tuple[JobRecord, ...]
    warnings: tuple[str, ...] = ()
    too_late: frozenset[str] = frozenset()
    ceiling_records: tuple[JobRecord, ...] = ()

    @property
    def label(self) -> str:
        """The machine's name in the tables."""
        return self.entry.label

    @property
    def facts(self) -> MachineFacts:
        """The facts of the machine. Every share has them: an unavailable machine has no share."""
        assert self.entry.machine is not None, "only an available machine has a share"
        return self.entry.machine

    @property
    def look(self) -> LookRecord | None:
        """The look at the machine before its first job."""
        return self.entry.look

    @property
    def skipped(self) -> tuple[Skip, ...]:
        """The jobs that the machine cannot run."""
        return self.entry.skipped

    @cached_property
    def jobs(self) -> tuple[JobSpec, ...]:
        """The jobs that the machine was given, in the header's order."""
        given = set(self.entry.jobs)
        return tuple(job for job in self.header.jobs if job.job_id in given)

    @cached_property
    def settled(self) -> frozenset[str]:
        """Ids of the jobs that were measured, or failed too often for the same reason."""
        times = Counter(
            (one.job_id, one.failure.why) for one in self.records if one.failure is not None
        )
        failed = {job for (job, why), n in times.items() if n >= why.most}
        return frozenset(one.job_id for one in self.records if one.failure is None) | failed

    @cached_property
    def done(self) -> frozenset[str]:
        """Ids of the jobs that need not run again.

        On another machine than the one on which the command was typed, every failed job is one of
        them: this process cannot try it again there.
        """
        if self.entry.own:
            return self.settled
        return frozenset(record.job_id for record in self.records)

    @property
    def bare_done(self) -> frozenset[str]:
        """Ids of the jobs that only measure ceilings and have a record, also a failed one."""
        return frozenset(record.job_id for record in self.ceiling_records)

    @property
    def failures(self) -> frozenset[tuple[str, str]]:
        """The jobs that failed, each with the reason."""
        return frozenset((r.job_id, r.failure.reason) for r in self.records if r.failure)

    @property
    def unrecorded(self) -> tuple[str, ...]:
        """Ids of the jobs that have no record, in the header's order."""
        recorded = {record.job_id for record in self.records}
        gone = recorded | self.too_late
        return tuple(job.job_id for job in self.jobs if job.job_id not in gone)

    @property
    def out_of_time(self) -> tuple[str, ...]:
        """Ids of the jobs that did not fit into the run's minutes, in the header's order."""
        recorded = {record.job_id for record in self.records}
        late = self.too_late - recorded
        return tuple(job.job_id for job in self.jobs if job.job_id in late)

    @property
    def missing(self) -> tuple[str, ...]:
        """Ids of the jobs that are still to run, in the header's order."""
        gone = self.done | self.too_late
        return tuple(job.job_id for job in self.jobs if job.job_id not in gone)

    @property
    def due(self) -> tuple[str, ...]:
        """Ids of the jobs that can still be measured, by this process or by a cluster's head."""
        gone = self.settled | self.too_late
        return tuple(job.job_id for job in self.jobs if job.job_id not in gone)

    @property
    def repeats_due(self) -> tuple[JobSpec, ...]:
        """The repeats of disturbed jobs that are still to run.

        Only the machine on which the command was typed can go on with them.
        """
        most = self.header.repeat_disturbed if self.entry.own else 0
        return repeats_due(self.records, self.done | self.too_late, most)

    @property
    def ceilings_due(self) -> tuple[JobSpec, ...]:
        """The jobs that only measure ceilings and are still to run.

        Only the machine on which the command was typed can go on with them. In a run of minutes,
        they are not due: its time is over, or would be spent once more on jobs that come first.
        """
        if not self.entry.own or self.header.minutes is not None:
            return ()
        return tuple(job for job in self.entry.ceiling_jobs if job.job_id not in self.bare_done)

    @property
    def measured(self) -> tuple[JobRecord, ...]:
        """The records that hold a measurement, those of repeats among them."""
        return tuple(record for record in self.records if record.measurement is not None)
