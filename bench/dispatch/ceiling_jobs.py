"""Jobs that only measure ceilings, for what is installed on a machine but trains in no job there.

A machine's ceilings are pooled over some axes, such as its libraries. Without these jobs, a run
would call the best library of its own jobs the best of the machine.
"""

from __future__ import annotations

import itertools
from collections.abc import Hashable, Iterator, Sequence

from bench.child.launch import ceiling_key
from bench.child.workload import Workload
from bench.dispatch.durations import LIMIT_FACTOR, UNKNOWN_S
from bench.dispatch.eligible import eligible, threads_of
from bench.record.facts import MachineFacts
from bench.spec.axes import Axis, Value
from bench.spec.job import JobSpec, make_job

#: Seconds that such a job takes on two cores: an import, then products and copies. Beside other
#: work, it took 14 to 18 s; products and copies alone took 3.4 to 9.2 s (November 2026).
CEILING_JOB_S = 12.0

#: Seconds after which such a job is ended: it is no job that may take long, so it hangs.
CEILING_LIMIT_S = LIMIT_FACTOR * CEILING_JOB_S

#: The largest part of a run that such jobs may take. In a short run, the answer matters more.
MOST_SHARE = 0.1


def ceiling_jobs(
    workload: Workload,
    jobs: Sequence[JobSpec],
    facts: MachineFacts,
    minutes: float | None = None,
) -> tuple[JobSpec, ...]:
    """Return the jobs that only measure ceilings on a machine with `facts`, which runs `jobs`.

    There is one for each value of the pooled axes that no job has, with each value of the other
    axes that set ceilings (such as a precision) and each number of threads of `jobs`. The
    result is empty if they would take more than MOST_SHARE of the run. The run takes `minutes` or,
    if these are None, as long as its jobs.
    """
    if not workload.measures_bare_ceilings:
        return ()
    axes = workload.description.axes
    found: dict[Hashable, JobSpec] = {}

    def key(job: JobSpec) -> Hashable:
        *values, _ = ceiling_key(job, axes)
        return *values, threads_of(job, facts)  # all usable CPUs may be a stated number too

    known = {key(job) for job in jobs}
    for job in _other_kinds(jobs, axes):
        if key(job) not in known:
            found.setdefault(key(job), job)
    able, _ = eligible(workload, tuple(found.values()), facts)
    run_s = sum(workload.estimate_s(job) or UNKNOWN_S for job in jobs)
    if minutes is not None:
        run_s = 60 * minutes
    return able if len(able) * CEILING_JOB_S <= MOST_SHARE * run_s else ()


def _other_kinds(jobs: Sequence[JobSpec], axes: Sequence[Axis]) -> Iterator[JobSpec]:
    """Yield jobs with every value of the pooled axes, for each kind of `jobs` that has ceilings."""
    pooled = [axis for axis in axes if axis.pools_ceiling]
    first: dict[Hashable, JobSpec] = {}
    for job in jobs:
        kept = tuple(job.axes[one.name] for one in axes if one.sets_ceiling and one not in pooled)
        first.setdefault((kept, job.threads), job)
    for job in first.values() if pooled else ():
        for values in itertools.product(*map(_available, pooled)):
            yield _bare(job, axes, {a.name: v for a, v in zip(pooled, values, strict=True)})


def _available(axis: Axis) -> tuple[Value, ...]:
    return axis.choices if axis.available is None else axis.available()


def _bare(job: JobSpec, axes: Sequence[Axis], values: dict[str, Value]) -> JobSpec:
    """Return the shortest job that has the ceilings of `job`, but for the `values`.

    Every axis that sets no ceilings has its default, with which a job runs wherever one does.
    """
    kept = {
        axis.name: job.axes[axis.name] for axis in axes if axis.sets_ceiling or axis.default is None
    }
    return make_job(
        axes,
        {**kept, **values},
        epochs=1,
        seed=job.seed,
        dataset=job.dataset,
        threads=job.threads,
    )
