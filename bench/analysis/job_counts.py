"""How many jobs were measured, failed or were skipped: each job counts once a machine.

Repeats of disturbed jobs are counted apart, so that the counts of the planned jobs add up.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bench.analysis.failures import Outcome, Unmeasured, unmeasured
from bench.record.repeats import still_disturbed
from bench.record.run import Run, merged
from bench.record.share import Share

#: A job on one machine in one run: the label, the run's id and the job's.
_Place = tuple[str, str, str]


@dataclass(frozen=True)
class JobCounts:
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


def counts_of(runs: Sequence[Run]) -> JobCounts:
    """Return the counts of `runs` together; a run that is given twice counts once."""
    shares = merged(runs)
    return counted_jobs(shares, unmeasured(runs, shares))


def counted_jobs(shares: Sequence[Share], found: Sequence[Unmeasured]) -> JobCounts:
    """Return the counts of `shares`; `found` is what `unmeasured` returned."""
    asked = {_at(share, job.job_id) for share in shares for job in share.header.jobs}
    planned = {_at(share, job.job_id) for share in shares for job in share.jobs}
    recorded = {_at(share, record.job_id) for share in shares for record in share.records}
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
    return JobCounts(
        planned=len(planned | (recorded & asked)),
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
