"""What a run only shows: its jobs, their descriptions, or what would run and how long."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from bench import units
from bench.app.commands import run_cluster
from bench.app.plan import Plan
from bench.cluster.prices import hourly
from bench.dispatch.durations import ESTIMATED_CPUS, slowdown
from bench.record.price import price_of
from bench.spec.request import RunRequest
from bench.text import counted


def job_lines(plan: Plan, request: RunRequest) -> Iterator[str]:
    """Yield the id of each job, and when it is evaluated before its end."""
    for job in plan.jobs:
        epochs = ", ".join(map(str, job.read_off))
        if job.evaluate == "every":
            yield f"{job.job_id} (evaluated after every epoch)"
        else:
            yield f"{job.job_id} (also evaluated after {epochs})" if epochs else job.job_id
    yield from _series_lines(plan, request)


def launch_lines(plan: Plan, request: RunRequest) -> Iterator[str]:
    """Yield the description of each job as JSON, as a bare child reads it."""
    measuring = plan.measuring(plan.jobs)
    for job in plan.jobs:
        launch = plan.launch(job, placed_by="bare", measure_ceilings=job.job_id in measuring)
        yield launch.model_dump_json(exclude_none=True)


def plan_lines(plan: Plan, request: RunRequest) -> Iterator[str]:
    """Yield what would run, and about how long it would take."""
    from bench.app.progress_words import opening_lines

    yield from opening_lines(plan, None)
    yield f"jobs are placed by {plan.dispatch}, in an order of each run's own:"
    for job in plan.jobs:
        yield f"  {job.job_id}  about {units.duration(plan.estimate_s(job))}"
    price = price_of(plan.label, plan.facts, plan.prices)
    if price.usd_per_hour is not None:
        yield f"this machine: {hourly(price)}"
    sittings = 1 if request.series is None else request.series.sittings
    yield from run_cluster.preview(plan, request.cluster, sittings)
    yield from _series_lines(plan, request)
    yield (
        f"{counted(len(plan.jobs), 'job')}, about {units.duration(_jobs_s(plan))} {_on(plan)}"
        f"{_filled(plan)}; results would go to {request.out}. Nothing was run."
    )


def _series_lines(plan: Plan, request: RunRequest) -> Iterator[str]:
    """Yield how many sittings there would be, and how long all of them would take."""
    if request.series is None:
        return
    count, gap_s, sitting_s = request.series.sittings, request.series.gap_s, _sitting_s(plan)
    waits_s = (count - 1) * gap_s
    if sitting_s is None:
        total = f"at least {units.duration(waits_s)}"
    else:
        total = f"about {units.duration(count * sitting_s + waits_s)}"
    if request.series.precision is not None:
        yield (
            f"then as many sittings more as +-{100 * request.series.precision:g}% takes: the plan "
            f"is printed after the first {count}"
        )
    jobs = "this job" if len(plan.jobs) == 1 else f"these {len(plan.jobs)} jobs"
    yield (f"{count} sittings of {jobs}, {units.duration(gap_s)} apart: {total} in all {_on(plan)}")


def _on(plan: Plan) -> str:
    """Return what the estimates are for: a machine of two cores, or this one if it has less."""
    cpus = ESTIMATED_CPUS / slowdown(plan.facts)
    if cpus == ESTIMATED_CPUS:
        return "on 2 cores"
    return "on 1 CPU" if cpus == 1 else f"on {cpus:.2g} CPUs"


def _filled(plan: Plan) -> str:
    """Return what becomes of the minutes of a run, if it has any."""
    return "" if plan.minutes is None else f", in a run of {plan.minutes:g} minutes"


def _sitting_s(plan: Plan) -> float | None:
    """Return about how long one sitting takes: its minutes, or else all its jobs."""
    return _jobs_s(plan) if plan.minutes is None else 60 * plan.minutes


def _jobs_s(plan: Plan) -> float | None:
    """Return about how long all jobs take here, with the ceilings; None if unknown."""
    estimates = [plan.estimate_s(job) for job in plan.jobs]
    known = [seconds for seconds in estimates if seconds is not None]
    return sum(known) + plan.ceilings_s if len(known) == len(estimates) else None


#: What each way of only showing prints.
SHOWN: Mapping[str, Callable[[Plan, RunRequest], Iterator[str]]] = {
    "jobs": job_lines,
    "launches": launch_lines,
    "plan": plan_lines,
}
