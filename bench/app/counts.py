"""How many jobs of some runs were measured, failed and were skipped: each job once a machine."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bench.record.run import Run


@dataclass(frozen=True)
class Counts:
    """Jobs by what became of them. A job that was tried again counts by its best outcome."""

    planned: int
    measured: int
    failed: int
    skipped: int
    machines: int
    complete: bool

    @property
    def exit_code(self) -> int:
        """0 if every planned job was measured on every machine that was asked for, else 1."""
        return 0 if self.complete and self.measured == self.planned else 1


def counts_of(runs: Sequence[Run]) -> Counts:
    """Return the counts of `runs` together. A run with an unavailable machine is not complete."""
    shares = [share for run in runs for share in run.shares]
    places = [(share.header.run_id, share.label) for share in shares]
    planned = {
        (*at, job.job_id) for at, share in zip(places, shares, strict=True) for job in share.jobs
    }
    recorded = {(run.header.run_id, one.label, one.job_id) for run in runs for one in run.records}
    measured = {(run.header.run_id, one.label, one.job_id) for run in runs for one in run.measured}
    return Counts(
        planned=len(planned | recorded),
        measured=len(measured),
        failed=len(recorded - measured),
        skipped=sum(len(share.skipped) for share in shares),
        machines=len(set(places)),
        complete=all(run.complete and not run.unavailable for run in runs),
    )
