"""The table of capacity: how fast each machine does each job, beside the published machines."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from bench.analysis.capacity import GroupTimes
from bench.analysis.cells import heading_axes, scaled
from bench.analysis.reference import PublishedRun, Relative
from bench.analysis.results import GroupResult, Results
from bench.report.column import Column, Table
from bench.report.shared_columns import (
    bound_keys,
    bounded,
    group_columns,
    group_row,
    published_row,
    source_of,
    warnings,
)
from bench.report.tables.limits import limits_row
from bench.report.words import notes, phrases
from bench.spec.axes import ReferenceMachine
from bench.spec.description import Outline

_TIMES = (
    Column("n", "n", "number", "jobs pooled in the row"),
    Column(
        "total_s",
        "total s",
        "seconds",
        "the time that a user waits, from the start of the training to the end of its evaluation",
        unit="s",
        better="lower",
    ),
    Column("epoch_s", "epoch s", "number", "the median steady epoch", unit="s", better="lower"),
    Column(
        "step_mean_ms",
        "step mean ms",
        "number",
        "the seconds of the steady epochs over their steps, which is what a user pays",
        unit="ms",
        better="lower",
        bounds=bound_keys("step_mean", "ms"),
    ),
    Column("step_median_ms", "median ms", "number", "the median steady step", "ms", "lower"),
    Column(
        "step_p10_ms",
        "p10 ms",
        "number",
        "a tenth of the steady steps are at least as fast; this is the machine's capacity",
        unit="ms",
        better="lower",
    ),
)
_BASIS = Column(
    "relative_basis", "by", meaning="the published time that the speed is taken from", foldable=True
)
_READ_OFF = Column(
    "read_off",
    "read off",
    "number",
    "how many longer jobs were read off here too, beside the n jobs; they have no weight",
)
_DISTURBED = Column(
    "disturbed",
    "disturbed",
    "number",
    "how many of the n jobs were disturbed (see Conditions)",
    foldable=True,
)
_ASIDE = Column(
    "aside",
    "set aside",
    "number",
    "how many of the n jobs have no weight in the times, because they were disturbed and a quiet "
    "job of the same kind was measured",
)
_HELD = Column(
    "held_by_quota",
    "held by quota",
    "number",
    "how many of the n jobs the machine's CPU quota paused for a tenth of their time or more; "
    "the mean step includes these pauses, and the other steps may not",
)


def capacity_table(results: Results) -> Table:
    """Return one row per machine and cell, then the published runs."""
    measured = [_measured_row(result, results.outline) for result in results.groups]
    published = [_published_row(run, results) for run in results.published]
    machines = () if results.reference is None else results.reference.machines
    held = any(result.times.held_by_quota for result in results.groups)
    return Table(
        name="capacity",
        title="Compute capacity",
        columns=(
            *group_columns(results),
            *_TIMES,
            *map(_speed_column, machines),
            *([_BASIS] if machines else []),
            *([_READ_OFF] if any(result.times.read_off for result in results.groups) else []),
            _DISTURBED,
            *([_ASIDE] if any(result.times.aside for result in results.groups) else []),
            *([_HELD] if held else []),
        ),
        rows=(*measured, *published),
        notes=(
            *warnings(results),
            notes.CAPACITY_NOTE,
            *([notes.published_rows(results.reference)] if results.reference else []),
            *_why_no_speeds(measured),
        ),
    )


def _relatives_row(relatives: Sequence[Relative], outline: Outline) -> dict[str, Any]:
    """Return the speeds beside published machines, with their bases and why one is unknown.

    If the machines differ in one of these, all its texts are listed in the order of the machines.
    """
    if not relatives:
        return {}
    row: dict[str, Any] = {}
    for relative in relatives:
        row |= bounded(f"speed_vs_{relative.machine}", relative.speed)
    heading = heading_axes(outline)
    said: dict[str, list[str | None]] = {
        "basis": [one.basis for one in relatives],
        "reason": [phrases.relative_unknown(one, heading) for one in relatives],
    }
    return row | {
        f"relative_{key}": ", ".join(dict.fromkeys(text for text in texts if text)) or None
        for key, texts in said.items()
    }


def _measured_row(result: GroupResult, outline: Outline) -> dict[str, Any]:
    return {
        **group_row(result.group, outline),
        **_times_row(result.times),
        **limits_row(result.limits),
        **_relatives_row(result.relatives, outline),
    }


def _times_row(times: GroupTimes) -> dict[str, Any]:
    return {
        "n": times.n,
        "read_off": times.read_off,
        "disturbed": times.disturbed,
        "aside": times.aside,
        "held_by_quota": times.held_by_quota,
        **bounded("total", times.total, "s"),
        **bounded("epoch", times.epoch, "s"),
        **bounded("step_p10", times.step_p10, "ms", 1000),
        **bounded("step_median", times.step_median, "ms", 1000),
        "step_p95_ms": scaled(times.step_p95_s, 1000),
        **bounded("step_mean", times.step_mean, "ms", 1000),
        "first_step_s": times.first_step_s,
        "train_s": times.train_s,
    }


def _published_row(run: PublishedRun, results: Results) -> dict[str, Any]:
    reference, outline = results.reference, results.outline
    assert reference is not None, "a published run is of a reference"
    return {
        **published_row(
            run.run.label, run.run.machine, source_of(reference.year), run.cell, outline
        ),
        "n": 1,
        "total_s": None if run.total is None else run.total.value,
        **bounded("epoch", run.epoch, "s"),
        "step_mean_ms": 1000 * run.step_mean_s,
        **_relatives_row(run.relatives, outline),
    }


def _speed_column(machine: ReferenceMachine) -> Column:
    key = f"speed_vs_{machine.key}"
    return Column(
        key,
        f"vs {machine.name}",
        "number",
        f"how many times as fast as the {machine.name}",
        better="higher",
        bounds=bound_keys(key),
        suffix="x",
    )


def _why_no_speeds(measured: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return why speeds are unknown: each reason once, with its number of rows."""
    reasons = [row["relative_reason"] for row in measured if row.get("relative_reason")]
    return [notes.no_relative(Counter(reasons))] if reasons else []
