"""Which workload some runs measured: a report is of one workload, whose axes its jobs hold."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from bench.errors import RequestError
from bench.record.run import Run
from bench.spec.axes import Reference
from bench.spec.description import Outline
from bench.spec.job import JobSpec


def workload_of(
    runs: Sequence[Run], outline: Outline, reference: Reference | None
) -> tuple[Outline, Reference | None]:
    """Return the workload that `runs` measured, with its reference.

    `outline` and `reference` are the program's own. The outline describes each run whose journal
    holds none; the reference is used if the runs are of that workload. Raises RequestError if the
    runs are of unlike workloads, or if a job's axes are not the workload's.
    """
    outlines = {(run.header.workload or outline).name: run for run in runs}
    if len(outlines) > 1:
        names = sorted(outlines)
        raise RequestError(
            "the runs are of unlike workloads, which no report can compare",
            seen=" and ".join(f"{name} ({outlines[name].path.name})" for name in names),
            next_step="name the journals of one workload",
        )
    kept = [run for run in runs if run.header.workload is not None]
    newest = max(kept, key=lambda run: run.header.started_at, default=None)
    own = _completed((newest and newest.header.workload) or outline, outline)
    for run in runs:
        _check_axes(run, own)
    return own, reference if own.name == outline.name else None


def _completed(kept: Outline, own: Outline) -> Outline:
    """Return `kept`, a journal's outline, with what an older journal does not hold, from `own`.

    These are the targets of metrics, and the axes over which ceilings are pooled. Both say what is
    asked of the figures and change none of them.
    """
    if kept.name != own.name:
        return kept
    targets = {metric.name: metric.targets for metric in own.metrics}
    pooling = {axis.name for axis in own.axes if axis.pools_ceiling}
    axes = tuple(
        replace(axis, pools_ceiling=axis.pools_ceiling or axis.name in pooling)
        if axis.sets_ceiling
        else axis
        for axis in kept.axes
    )
    metrics = tuple(
        metric if metric.targets else replace(metric, targets=targets.get(metric.name, ()))
        for metric in kept.metrics
    )
    return kept.model_copy(update={"metrics": metrics, "axes": axes})


def why_foreign(run: Run, outline: Outline) -> str | None:
    """Return why `run` is not a run of the workload that `outline` describes; None if it is."""
    measured = (run.header.workload or outline).name
    if measured != outline.name:
        return f"it measured the workload {measured}"
    return _axes_problem(run, outline)


def _check_axes(run: Run, outline: Outline) -> None:
    """Raise RequestError if a job of `run` holds axes that are not those of `outline`."""
    problem = _axes_problem(run, outline)
    if problem is not None:
        raise RequestError(
            f"{run.path.name} is not a journal of the workload {outline.name}",
            seen=problem,
            next_step="name with --workload the workload that the journal measured",
        )


def _axes_problem(run: Run, outline: Outline) -> str | None:
    for job in (*run.header.jobs, *(record.job for record in run.records)):
        problem = next(_problems(job, outline), None)
        if problem is not None:
            return f"{problem} in the job {job.job_id}"
    return None


def _problems(job: JobSpec, outline: Outline) -> Iterator[str]:
    """Yield what is wrong with a job's axes: unknown to the workload, or absent from the job."""
    known = {axis.name for axis in outline.axes}
    for name in job.axes:
        if name not in known:
            yield f"the axis {name!r}, which {outline.name} does not have,"
    for axis in outline.axes:
        if axis.default is None and axis.name not in job.axes:
            yield f"no value of the axis {axis.name!r}"
