"""Where the time of a job goes, from the start of its process to its end."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, fields

from bench.analysis.cells import median
from bench.analysis.pooling import MeasuredJob
from bench.clock import seconds_between


@dataclass(frozen=True)
class Phases:
    """The seconds of each phase of a job; None if the records do not tell.

    `set_up_s` reads the data and builds what is trained: it lies between the imports and the first
    step. `first_step_s` traces and compiles. `steps_s` are all other steps. `rest_s` is what no
    other phase covers: the start and the end of the process, and the digests of data and weights.
    Ceilings and confusion matrices are measured for the report and not for the job, so no phase
    covers them.
    """

    import_s: float | None
    set_up_s: float | None
    first_step_s: float | None
    steps_s: float | None
    evaluation_s: float | None
    rest_s: float | None


def job_phases(job: MeasuredJob) -> Phases:
    """Return the phases of one job."""
    measured, record = job.measurement, job.record
    first_step_s = measured.epochs[0].step_first_s if measured.epochs else 0.0
    import_s = measured.import_s or None
    set_up_s = None
    if measured.first_step_at_s is not None:
        set_up_s = max(0.0, measured.first_step_at_s - measured.import_s - first_step_s)
    steps_s = max(0.0, measured.train_s - first_step_s)
    evaluation_s = sum(one.evaluate_s for one in measured.evaluations)
    ceilings_s = measured.ceilings.took_s if measured.ceilings else 0.0
    after_s = ceilings_s + measured.confusion_s
    known_s = sum(filter(None, (import_s, set_up_s, first_step_s, steps_s, evaluation_s)))
    rest_s = seconds_between(record.started_at, record.ended_at) - after_s - known_s
    return Phases(import_s, set_up_s, first_step_s, steps_s, evaluation_s, max(0.0, rest_s))


def phases(jobs: Iterable[MeasuredJob]) -> Phases:
    """Return the median of each phase over some jobs."""
    found = [job_phases(job) for job in jobs]
    return Phases(
        **{one.name: median(getattr(job, one.name) for job in found) for one in fields(Phases)}
    )
