"""A run as read from its journal, and its views: by machine, missing jobs, unavailable machines."""

from __future__ import annotations

from collections.abc import Iterable, Set
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

from bench.record.lines import (
    ClusterEntry,
    JobRecord,
    MachineEntry,
    OutOfTime,
    RunHeader,
)
from bench.record.share import Share


@dataclass(frozen=True)
class Run:
    """A journal as read: its header, its lines in order of arrival, and warnings of bad lines.

    `is_reported` says whether a report of all lines was written. `rebuilt` are the labels of the
    machines whose own line is lost: their records say what they are. `ceiling_records` are the
    records of the jobs that only measured ceilings, which are no jobs of the grid.
    """

    path: Path
    header: RunHeader
    records: tuple[JobRecord, ...]
    warnings: tuple[str, ...] = ()
    machines: tuple[MachineEntry, ...] = ()
    clusters: tuple[ClusterEntry, ...] = ()
    ends: tuple[OutOfTime, ...] = ()
    is_reported: bool = False
    rebuilt: frozenset[str] = frozenset()
    ceiling_records: tuple[JobRecord, ...] = ()

    @property
    def measured(self) -> tuple[JobRecord, ...]:
        """The records that hold a measurement."""
        return tuple(record for record in self.records if record.measurement is not None)

    @property
    def unavailable(self) -> tuple[MachineEntry, ...]:
        """The machines that the run asked for but that were unavailable."""
        return tuple(entry for entry in self.machines if entry.machine is None)

    @cached_property
    def shares(self) -> tuple[Share, ...]:
        """This run by machine. If a machine has several lines, the last one counts."""
        entries = {entry.label: entry for entry in self.machines if entry.machine is not None}
        records: dict[str, list[JobRecord]] = {label: [] for label in entries}
        for record in self.records:
            if record.label in records:
                records[record.label].append(record)
        return tuple(
            Share(
                self.path,
                self.header,
                entry,
                tuple(records[label]),
                self.warnings,
                frozenset(job for end in self.ends if end.label == label for job in end.jobs),
                tuple(one for one in self.ceiling_records if one.label == label),
            )
            for label, entry in entries.items()
        )

    @property
    def own(self) -> Share | None:
        """The share of the machine on which the command was typed; None if it has no line."""
        return next((share for share in self.shares if share.entry.own), None)

    @property
    def open_cluster(self) -> ClusterEntry | None:
        """The cluster's share that has begun but not ended, or None."""
        return self.clusters[-1] if self.clusters and self.clusters[-1].outcome is None else None

    @property
    def cluster_share(self) -> int:
        """The number of the cluster's share that is open, or of the one that would be begun next.

        A share that is begun again has the next number, and does what is due of the shares before.
        """
        begun = len({entry.job for entry in self.clusters})
        return begun if self.open_cluster else begun + 1

    @property
    def is_cluster_due(self) -> bool:
        """Whether a cluster's share has ended although jobs of its machines are due."""
        others = (share for share in self.shares if not share.entry.own)
        ended = bool(self.clusters) and self.open_cluster is None
        return ended and any(share.due for share in others)

    @property
    def complete(self) -> bool:
        """Whether no job and no repeat is still to run, and no cluster is at work.

        Jobs that only measure ceilings do not count: `all_measured` says whether they are done too.
        """
        return self.misses_only(frozenset())

    def misses_only(self, failures: Set[tuple[str, str]]) -> bool:
        """Whether only jobs are left that failed as in `failures`, pairs of job and reason.

        Jobs that only measure ceilings do not count.
        """
        shares = self.shares
        known = {(one.label, job) for one in shares for job, _ in one.failures & failures}
        left = {(share.label, job) for share in self.shares for job in share.missing}
        due = any(share.repeats_due for share in self.shares)
        return self.open_cluster is None and bool(self.shares) and not due and left <= known

    @property
    def all_measured(self) -> bool:
        """Whether nothing is left to measure: no job, no repeat, and no ceilings."""
        return self.complete and not self.are_ceilings_due

    @property
    def are_ceilings_due(self) -> bool:
        """Whether jobs that only measure ceilings are still to run."""
        return any(share.ceilings_due for share in self.shares)

    @property
    def finished(self) -> bool:
        """Whether the same command has nothing to do: all is measured, and the report is there."""
        return self.all_measured and self.is_reported

    def relabelled(self, label: str) -> Run:
        """Return this run with another name for the machine on which the command was typed."""
        own, change = self.header.label, {"label": label}

        def renamed(records: tuple[JobRecord, ...]) -> tuple[JobRecord, ...]:
            return tuple(
                one.model_copy(update=change) if one.label == own else one for one in records
            )

        return replace(
            self,
            header=self.header.model_copy(update=change),
            records=renamed(self.records),
            ceiling_records=renamed(self.ceiling_records),
            machines=tuple(
                entry.model_copy(update=change) if entry.own else entry for entry in self.machines
            ),
            ends=tuple(
                end.model_copy(update=change) if end.label == own else end for end in self.ends
            ),
        )


@dataclass(frozen=True)
class LeftOut:
    """A journal that a report of its folder does not hold, and why."""

    name: str
    reason: str


def merged(runs: Iterable[Run]) -> list[Share]:
    """Return the shares of `runs` with each record once, so a run that is given twice counts once.

    A record is identified by its job, its attempt and its time: a job that was lost is tried again
    when the run is continued, and both records count. The share's warnings count the duplicates.
    """
    together: dict[tuple[str, str], Share] = {}
    for share in (share for run in runs for share in run.shares):
        key = (share.label, share.header.run_id)
        known = together.get(key)
        before = known.records if known else ()
        records = _once((*share.records, *before))
        ceilings = _once((*share.ceiling_records, *(known.ceiling_records if known else ())))
        double = len(share.records) + len(before) - len(records)
        note = f"{share.path.name}: {double} records were given twice and count once"
        warnings = tuple(dict.fromkeys((*(known.warnings if known else ()), *share.warnings)))
        together[key] = replace(
            known or share,
            records=records,
            ceiling_records=ceilings,
            warnings=(*warnings, note) if double else warnings,
        )
    return list(together.values())


def _once(records: Iterable[JobRecord]) -> tuple[JobRecord, ...]:
    """Return each record once, also one that was read from two files."""
    known = {(record.job_id, record.attempt, record.started_at): record for record in records}
    return tuple(known.values())
