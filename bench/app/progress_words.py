"""What the progress of a run says: before the first job, of a running job, and of a record."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from bench import units
from bench.dispatch.ceiling_jobs import CEILING_JOB_S
from bench.record.lines import JobRecord
from bench.record.repeats import is_disturbed
from bench.record.run import Run
from bench.report.words.lists import and_list, or_list
from bench.report.words.phrasebook import ENGLISH, Phrasebook
from bench.spec.axes import Metric
from bench.spec.description import Outline
from bench.spec.job import JobSpec
from bench.text import counted, printable

if TYPE_CHECKING:
    from bench.app.plan import Plan


def opening_lines(plan: Plan, continued: Run | None) -> list[str]:
    """Return what a user should know before the first job."""
    threads = or_list([str(number) for number in plan.threads])
    jobs = counted(len(plan.jobs), "job")
    lines = [
        f"grid {plan.grid}: {jobs} on {plan.label}, {threads} threads a job",
        *([] if plan.minutes is None else [_minutes_words(plan.minutes)]),
        f"data: {plan.dataset.name} ({plan.dataset.source})",
    ]
    if plan.dataset.note:
        lines.append(f"note: {plan.dataset.note}")
    if plan.dataset.tried:
        lines.append(f"tried: {plan.dataset.tried}")
    if due := _ceilings_due(plan, continued):
        names = and_list([ceilings_name(job, plan.workload.description.outline) for job in due])
        takes = units.duration(CEILING_JOB_S * len(due))
        lines.append(f"{names} are measured last, in about {takes}")
    for reason, times in Counter(skip.reason for skip in plan.skipped).items():
        lines.append(f"skipped: {counted(times, 'job')}: {reason}")
    if continued:
        own = continued.own
        done = len(own.jobs) - len(own.missing) if own else 0
        what = f"{counted(done, 'job')} {'has' if done == 1 else 'have'} a record"
        if continued.all_measured and not continued.is_cluster_due:
            what = "every job has a record, and only the report is missing"
        lines.append(f"going on with {continued.path.name}: {what} (--fresh starts anew)")
    return lines


def _ceilings_due(plan: Plan, continued: Run | None) -> list[JobSpec]:
    """Return the jobs that only measure ceilings and will run; none if only a report is due."""
    if continued and continued.all_measured:
        return []
    done = continued.own.bare_done if continued and continued.own else frozenset()
    return [job for job in plan.ceiling_jobs if job.job_id not in done]


def _minutes_words(minutes: float) -> str:
    """Return what `--minutes` makes of the run."""
    return (
        f"{minutes:g} minutes: one job of each kind first, then the grid as far as it fits, then "
        "replicates"
    )


def outcome_words(record: JobRecord, scored: Metric | None) -> str:
    """Return one phrase for a record: its key figures, or why it failed.

    `scored` is the workload's metric that is shown; without one, only times are shown.
    """
    if record.failure:
        return f"FAILED ({record.failure.reason}): {printable(record.failure.summary)}"
    measurement = record.measurement
    assert measurement is not None
    final, last = measurement.final, measurement.epochs[-1]
    step_ms = None if last.step_median_s is None else last.step_median_s * 1000
    figures = [
        f"{units.seconds(final.total_s)} s",
        f"{units.seconds(last.wall_s)} s/epoch",
        f"{units.significant(step_ms)} ms/step",
    ]
    if scored is not None and scored.name in final.metrics:
        figures.append(_figure(scored, final.metrics[scored.name]))
    if is_disturbed(record) and record.conditions and record.conditions.whole:
        causes = " and ".join(record.conditions.whole.cause_names)
        figures.append(f"disturbed by {causes}" if causes else "disturbed")
    return ", ".join(figures)


def ceilings_name(job: JobSpec, outline: Outline, book: Phrasebook = ENGLISH) -> str:
    """Return what a job measures that only measures ceilings, in the language of `book`."""
    known = [job.axes.get(axis.name) for axis in outline.axes if axis.sets_ceiling]
    threads = [] if job.threads is None else [f"{job.threads} threads"]
    return book.said(f"the ceilings of {' '.join([*map(str, known), *threads])}")


def ceilings_words(record: JobRecord, outline: Outline) -> str:
    """Return one phrase for the record of such a job: the rates, or why there are none.

    The device stands there because a library may know no GPU on a machine that has one.
    """
    name = ceilings_name(record.job, outline)
    if record.failure:
        reason, first = record.failure.reason, printable(record.failure.summary)
        return f"note: {name} were not measured ({reason}): {first}"
    assert record.ceilings is not None, "it did not fail"
    found = record.ceilings.ceilings
    flops, copied = found.flops_per_s / 1e9, found.copy_rates[-1].bytes_per_s / 1e9
    rates = f"{units.significant(flops)} GFLOP/s, {units.significant(copied)} GB/s"
    return f"{name}: {rates} ({record.ceilings.device})"


def ceilings_left_out(count: int) -> str:
    """Return that the time of a run was too short for some jobs that only measure ceilings."""
    what = counted(count, "job for ceilings is", "jobs for ceilings are")
    return f"the time is over: {what} left out"


def epoch_words(detail: Mapping[str, Any], outline: Outline, book: Phrasebook = ENGLISH) -> str:
    """Return one phrase for what a running job told last, in the language of `book`.

    A workload may tell anything.
    """
    if detail.get("event") != "epoch":
        return book.said("first epoch")
    try:
        told, wall = detail["metrics"], units.seconds(detail["wall_s"])
        shown = [one for one in outline.epoch_metrics if one.name in told]
        figures = [_figure(one, told[one.name], book) for one in shown]
        place = book.said(f"epoch {detail['epoch']} of {detail['epochs']}")
        return ", ".join([place, f"{wall} s", *figures])
    except (ArithmeticError, LookupError, TypeError, ValueError):
        return book.said("running")


def _figure(metric: Metric, value: float | None, book: Phrasebook = ENGLISH) -> str:
    unit = f" {metric.unit}" if metric.unit else ""
    return f"{book.said(metric.title)} {metric.shown(value)}{unit}"
