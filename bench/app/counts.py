"""How many jobs of some runs were measured, failed and were skipped: each job once a machine.

Repeats of disturbed jobs are counted apart, so that the counts of the planned jobs add up.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bench.record.lines import JobRecord
from bench.record.repeats import still_disturbed
from bench.record.run import Run


@dataclass(frozen=True)
class Counts:
    """Jobs by what became of them. A job that was tried again counts by its best outcome.

    `repeated` counts the jobs that were run again because they were disturbed, and `disturbed` the
    jobs that were disturbed each time. `out_of_time` counts the jobs for which the minutes of the
    run were too short, and `added` the replicates for which there was time beyond the grid.
    """

    planned: int
    measured: int
    failed: int
    skipped: int
    machines: int
    complete: bool
    repeated: int = 0
    disturbed: int = 0
    out_of_time: int = 0
    added: int = 0

    @property
    def exit_code(self) -> int:
        """0 if every planned job was measured on every machine that was asked for, else 1.

        Jobs for which the minutes of the run were too short are left out of this.
        """
        asked = self.planned - self.out_of_time
        some = self.measured or not self.out_of_time
        return 0 if self.complete and self.measured == asked and some else 1


def counts_of(runs: Sequence[Run]) -> Counts:
    """Return the counts of `runs` together. A run with an unavailable machine is not complete."""
    shares = [share for run in runs for share in run.shares]
    places = [(share.header.run_id, share.label) for share in shares]
    planned = {
        (*at, job.job_id) for at, share in zip(places, shares, strict=True) for job in share.jobs
    }
    asked = {(run.header.run_id, job.job_id) for run in runs for job in run.header.jobs}
    records = [one for run in runs for one in run.records]
    first = [one for one in records if not one.job.again]
    own = [one for one in first if (one.run_id, one.job_id) in asked]
    recorded = {_place(one) for one in own}
    measured = {_place(one) for one in own if one.measurement is not None}
    added = {_place(one) for one in first if one.measurement is not None}
    return Counts(
        planned=len(planned | recorded),
        measured=len(measured),
        failed=len(recorded - measured),
        skipped=sum(len(share.skipped) for share in shares),
        machines=len(set(places)),
        complete=all(run.complete and not run.unavailable for run in runs),
        out_of_time=len(
            {
                (*at, job_id)
                for at, share in zip(places, shares, strict=True)
                for job_id in share.out_of_time
            }
        ),
        added=len(added - measured),
        repeated=len({_place(one) for one in records if one.job.again}),
        disturbed=len(
            {
                (*at, job_id)
                for at, share in zip(places, shares, strict=True)
                for job_id in still_disturbed(share.records)
                if (share.header.run_id, job_id) in asked
            }
        ),
    )


def _place(record: JobRecord) -> tuple[str, str, str]:
    """Return the run, the machine and the planned job of a record."""
    return record.run_id, record.label, record.job.original.job_id
