"""Which jobs a machine can run, and with how many threads, by the facts of the machine."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from bench.child.workload import Workload
from bench.record.facts import MachineFacts
from bench.record.lines import Skip
from bench.spec.job import JobSpec
from bench.text import counted


def eligible(
    workload: Workload, jobs: Sequence[JobSpec], facts: MachineFacts
) -> tuple[tuple[JobSpec, ...], tuple[Skip, ...]]:
    """Return the jobs that a machine with `facts` can run, and the other jobs with the reasons."""
    reasons = [(job, _too_many(job, facts) or workload.why_skipped(job, facts)) for job in jobs]
    able = tuple(job for job, reason in reasons if reason is None)
    skipped = (Skip(job=job, reason=reason) for job, reason in reasons if reason is not None)
    return able, tuple(skipped)


def usable_threads(facts: MachineFacts) -> int:
    """Return how many threads a machine has for a job: one per usable CPU, at least one."""
    return max(1, int(facts.usable_cpus or facts.logical_cores or 1))


def threads_of(job: JobSpec, facts: MachineFacts) -> int:
    """Return with how many threads `job` runs on a machine with `facts`."""
    return job.threads or usable_threads(facts)


def most_threads(jobs: Iterable[JobSpec], facts: MachineFacts) -> int:
    """Return the largest number of threads with which one of `jobs` runs on a machine."""
    return max((threads_of(job, facts) for job in jobs), default=usable_threads(facts))


def _too_many(job: JobSpec, facts: MachineFacts) -> str | None:
    """Return why a job asks for too many threads; None if it does not."""
    usable = usable_threads(facts)
    if job.threads is None or job.threads <= usable:
        return None
    cpus = counted(usable, "usable CPU")
    return f"{job.threads} threads need as many CPUs, but this machine has {cpus}"
