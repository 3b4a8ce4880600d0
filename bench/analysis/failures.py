"""What gave no measurement: failed attempts, jobs that did not run, and unavailable machines."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from bench.record.failure import Failure
from bench.record.repeats import still_disturbed
from bench.record.run import Run, Share

#: What became of a job or of a machine. A job failed, has no record although a machine was given it
#: ("not run"), was skipped because the machine cannot run it, or was left out because the minutes
#: of the run were too short ("no time"). A machine was unavailable.
Outcome = Literal["failed", "not run", "skipped", "no time", "unavailable"]


#: A job on one machine in one run: the label, the run's id and the job's.
_Place = tuple[str, str, str]


@dataclass(frozen=True)
class Unmeasured:
    """A failed attempt, a job without a record, or an unavailable machine.

    `job_id` is None for a machine. `failure` is set if the job failed; `why` is set if the job was
    skipped or the machine was unavailable, and `minutes` if the job did not fit into them.
    `measured_later` is true if another attempt in the same run measured the job.
    """

    label: str
    run_id: str
    job_id: str | None
    outcome: Outcome
    attempt: int | None = None
    failure: Failure | None = None
    why: str | None = None
    minutes: float | None = None
    measured_later: bool = False


@dataclass(frozen=True)
class Counts:
    """How many of the planned jobs were measured, failed, did not run or were skipped.

    A job is counted once for each machine that was given it. `unavailable` holds the labels of
    the unavailable machines. `repeated` of the jobs were run again because they were disturbed, and
    `disturbed` of them were disturbed each time. `no_time` of the planned jobs did not fit into the
    minutes of their run, and `added` replicates were measured beyond the planned jobs.
    """

    planned: int
    measured: int
    failed: int
    not_run: int
    skipped: int
    unavailable: tuple[str, ...]
    repeated: int = 0
    disturbed: int = 0
    no_time: int = 0
    added: int = 0


def unmeasured(runs: Sequence[Run], shares: Sequence[Share]) -> tuple[Unmeasured, ...]:
    """Return everything that gave no measurement; `shares` are the merged shares of `runs`."""
    found: list[Unmeasured] = []
    for share in shares:
        found += _of_share(share)
    entries = {(run.header.run_id, entry.label): entry for run in runs for entry in run.unavailable}
    found += [
        Unmeasured(label, run_id, None, "unavailable", why=entry.reason)
        for (run_id, label), entry in entries.items()
    ]
    return tuple(found)


def counts(shares: Sequence[Share], found: Sequence[Unmeasured]) -> Counts:
    """Return the counts of `shares`; `found` is what `unmeasured` returned."""
    asked = {_at(share, job.job_id) for share in shares for job in share.header.jobs}
    planned = {_at(share, job.job_id) for share in shares for job in share.jobs}
    measured = {_at(share, record.job_id) for share in shares for record in share.measured}
    again = {
        _at(share, record.job_id): _at(share, record.job.original.job_id)
        for share in shares
        for record in share.records
        if record.job.again
    }
    jobs: dict[Outcome, set[_Place]] = {}
    for each in found:
        place = each.label, each.run_id, each.job_id or ""
        more = each.outcome == "failed" and place not in asked
        if not each.measured_later and not more:
            jobs.setdefault(each.outcome, set()).add(place)
    return Counts(
        planned=len(planned | (measured & asked)),
        measured=len(measured & asked),
        failed=len(jobs.get("failed", ())),
        not_run=len(jobs.get("not run", ())),
        skipped=len(jobs.get("skipped", ())),
        unavailable=tuple(sorted(label for label, _, _ in jobs.get("unavailable", ()))),
        repeated=len(set(again.values())),
        disturbed=len(
            asked & {_at(share, job) for share in shares for job in still_disturbed(share.records)}
        ),
        no_time=len(jobs.get("no time", ())),
        added=len(measured - asked - set(again)),
    )


def _at(share: Share, job_id: str) -> _Place:
    return share.label, share.header.run_id, job_id


def _of_share(share: Share) -> list[Unmeasured]:
    run_id, measured = share.header.run_id, {record.job_id for record in share.measured}
    failed = [
        Unmeasured(
            record.label,
            record.run_id,
            record.job_id,
            "failed",
            attempt=record.attempt,
            failure=record.failure,
            measured_later=record.job_id in measured,
        )
        for record in share.records
        if record.failure is not None
    ]
    missing = [Unmeasured(share.label, run_id, job_id, "not run") for job_id in share.unrecorded]
    skipped = [
        Unmeasured(share.label, run_id, skip.job.job_id, "skipped", why=skip.reason)
        for skip in share.skipped
    ]
    late = [
        Unmeasured(share.label, run_id, job_id, "no time", minutes=share.header.minutes)
        for job_id in share.out_of_time
    ]
    return [*failed, *missing, *skipped, *late]
