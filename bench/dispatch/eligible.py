"""Which jobs a machine can run, by what the workload says of its facts."""

from __future__ import annotations

from collections.abc import Sequence

from bench.child.workload import Workload
from bench.record.facts import MachineFacts
from bench.record.lines import Skip
from bench.spec.job import JobSpec


def eligible(
    workload: Workload, jobs: Sequence[JobSpec], facts: MachineFacts
) -> tuple[tuple[JobSpec, ...], tuple[Skip, ...]]:
    """Return the jobs that a machine with `facts` can run, and the other jobs with the reasons."""
    reasons = [(job, workload.why_skipped(job, facts)) for job in jobs]
    able = tuple(job for job, reason in reasons if reason is None)
    skipped = (Skip(job=job, reason=reason) for job, reason in reasons if reason is not None)
    return able, tuple(skipped)
