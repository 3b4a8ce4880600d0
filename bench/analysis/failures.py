"""What gave no measurement: failed attempts, jobs that did not run, and unavailable machines."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from bench.record.failure import Failure
from bench.record.run import Run
from bench.record.share import Share

#: What became of a job or of a machine. A job failed, has no record although a machine was given it
#: ("not run"), was skipped because the machine cannot run it, or was left out because the minutes
#: of the run were too short ("no time"). A machine was unavailable.
Outcome = Literal["failed", "not run", "skipped", "no time", "unavailable"]


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
