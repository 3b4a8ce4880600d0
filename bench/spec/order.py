"""The order in which jobs run: seeded, and another one on each machine and in each run."""

from __future__ import annotations

import random
from collections.abc import Iterable

from bench.spec.job import JobSpec


def shuffled(jobs: Iterable[JobSpec], order_seed: int | str) -> list[JobSpec]:
    """Return `jobs` in a seeded order, so that slow drift of a machine does not favour one kind.

    `random.Random.shuffle` is stable across Python versions for one seed; jobs are first sorted
    by id, so the order depends on the set of jobs alone.
    """
    ordered = sorted(jobs, key=lambda job: job.job_id)
    random.Random(order_seed).shuffle(ordered)
    return ordered


def run_order(jobs: Iterable[JobSpec], order_seed: int, machine: str, run_id: str) -> list[JobSpec]:
    """Return `jobs` in the order in which a machine, named by its label, runs them in a run.

    Each machine and each run has another order, so the effect of a job's place in the order (a
    machine that warms up, a cache that fills) averages out over sittings. A run that is continued
    has the same order again.
    """
    return shuffled(jobs, f"{order_seed}/{machine}/{run_id}")
