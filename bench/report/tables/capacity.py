"""The tables that answer the question: capacity of each machine, and each against the others."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from bench.analysis.intervals import Interval
from bench.analysis.pairs import PairedSpeed, faster_first, summary
from bench.report.column import Column, Row, Table, number, ranged, text
from bench.report.evidence import (
    GROUP_COLUMNS,
    JOB,
    MACHINE,
    MEASURED,
    Evidence,
    flagged,
    groups,
    median,
    scaled,
)
from bench.report.tables.limits import key_of
from bench.report.tables.published import REFERENCES, Relative, capacity_rows, relative
from bench.units import seconds

_CAPACITY_NOTE = (
    "Brackets hold 95 % intervals over n jobs (Student's t on log times); one job gives none. A "
    "machine's capacity is the p10 of its steady steps, what a user gets is the median. Steady "
    "leaves out epoch 1; where that is the only one, it leaves out its first step, and a median "
    "step stands in for it in the epoch's seconds. vs: how many times as fast as the published "
    "machine, by = total: its exact total time of the same job, by = epoch: its epoch seconds, "
    "which were rounded to whole seconds, so that the bracket holds +-0.5 s besides our own "
    "interval. Each published run was made once: its own spread is unknown and in no bracket. Rows "
    "named 2020 are the published ones, rounded as they were printed; mean ms is an epoch over its "
    "steps, which is what was printed. tables/capacity.csv holds the bounds of the totals, the p95 "
    "and the first step (trace and compile) too. Disturbed: so many of the n jobs (Conditions)."
)
_HELD_NOTE = (
    "Held by quota: so many of the n jobs their machine's CPU quota paused for a tenth of their "
    "time or more; what such a machine gives is the mean, and the p10 is of steps between pauses."
)
_COMPARISON_NOTE = (
    "Speed is how many times as fast the first machine is as the second: the ratio of step times "
    "over the same seeded jobs, paired job by job, with its 95 % interval (Student's t on log "
    "ratios). By: the p10 step; with each model that a machine's own CPU quota held up, the mean "
    "step, since steps are fast between its pauses and no quantile need show these. The interval "
    "covers spread between the jobs of these runs, not between days. Same start: initial weights "
    "and batch order are identical in every job. Between machines final weights may differ in the "
    "last bits; the accuracy gap is the largest in any job."
)


def capacity_table(
    evidence: Evidence, document: Mapping[str, Any], limits: Mapping[tuple[Any, ...], Row]
) -> Table:
    """Return one row per machine and job group, then the published runs.

    `limits` is what `group_limits` returned; each measured row holds its group's.
    """
    measured = [
        {**head, **_times(rows), **limits[key_of(head)]}
        for head, rows in groups(evidence.jobs, evidence.names)
    ]
    rows = [_with_speeds(row, document) for row in (*measured, *capacity_rows(document))]
    held = any(row["held_by_quota"] for row in measured)
    return Table(
        name="capacity",
        title="Compute capacity",
        columns=(
            MACHINE,
            JOB,
            *GROUP_COLUMNS,
            number("n", "n"),
            number("total_s", "total s", seconds),
            number("epoch_s", "epoch s"),
            ranged("step_p10_ms", "step p10 ms", "step_p10_low_ms", "step_p10_high_ms"),
            number("step_median_ms", "median ms"),
            number("step_mean_ms", "mean ms"),
            *(_speed_column(key, name) for _, key, name in REFERENCES),
            text("relative_basis", "by"),
            number("disturbed", "disturbed"),
            *([number("held_by_quota", "held by quota")] if held else []),
        ),
        rows=tuple(rows),
        note=evidence.note(_CAPACITY_NOTE, _HELD_NOTE if held else "", _reasons(rows)),
    )


def comparison_table(evidence: Evidence, sameness: Sequence[str] = ()) -> Table:
    """Return one row per pair of machines and model, the faster first; none with one machine.

    `sameness` says what is known of equal results; it goes into the note.
    """
    return Table(
        name="comparison",
        title="Machines against each other",
        columns=(
            text("machine", "machine", width=28),
            text("against", "against", width=28),
            text("model", "model"),
            text("dataset", "data", foldable=True),
            number("n", "jobs"),
            ranged("speed_p10", "speed, p10 step", "speed_p10_low", "speed_p10_high", "x"),
            ranged(
                "speed_median", "speed, median step", "speed_median_low", "speed_median_high", "x"
            ),
            ranged("speed_mean", "speed, mean step", "speed_mean_low", "speed_mean_high", "x"),
            text("conclusion", "finding"),
            text("basis", "by"),
            text("starts_alike", "same start", foldable=True),
            number("test_accuracy_gap", "test accuracy gap"),
        ),
        rows=tuple(_pair_row(faster_first(pair)) for pair in evidence.pairs),
        note=evidence.note(
            _COMPARISON_NOTE if evidence.pairs else _why_no_pairs(evidence), *sameness
        ),
    )


def _times(rows: pd.DataFrame) -> dict[str, Any]:
    """Return the pooled times of one group: geometric means over jobs with their bounds."""
    total, epoch = summary(rows["total_s"]), summary(rows["epoch_s"])
    p10, middle = summary(rows["step_p10_s"]), summary(rows["step_median_s"])
    mean = summary(rows["step_mean_s"])
    return {
        "n": len(rows),
        "disturbed": flagged(rows),
        "held_by_quota": int(rows["held_by_quota"].sum()),
        **_bounded("total", total, "s"),
        **_bounded("epoch", epoch, "s"),
        **_bounded("step_p10", p10, "ms", 1000),
        **_bounded("step_median", middle, "ms", 1000),
        "step_p95_ms": scaled(median(rows["step_p95_s"]), 1000),
        "step_mean_ms": scaled(mean and mean.estimate, 1000),
        "first_step_s": median(rows["first_step_s"]),
        "train_s": median(rows["train_s"]),
    }


def _bounded(name: str, found: Interval | None, unit: str, factor: float = 1) -> dict[str, Any]:
    values = (None, None, None) if found is None else (found.estimate, found.low, found.high)
    keys = (f"{name}_{unit}", f"{name}_low_{unit}", f"{name}_high_{unit}")
    return {key: scaled(value, factor) for key, value in zip(keys, values, strict=True)}


def _with_speeds(row: Row, document: Mapping[str, Any]) -> dict[str, Any]:
    found = {key: relative(row, name, document["runs"]) for name, key, _ in REFERENCES}
    speeds = {}
    for key, speed in found.items():
        speeds[f"speed_vs_{key}"] = speed.speed
        speeds[f"speed_vs_{key}_low"] = speed.low
        speeds[f"speed_vs_{key}_high"] = speed.high
    return {**row, **speeds, **_said(list(found.values()))}


def _said(speeds: Sequence[Relative]) -> dict[str, Any]:
    """Return what the speeds rest on; where they differ, each is named in the references' order."""
    return {
        f"relative_{key}": ", ".join(dict.fromkeys(value for value in values if value)) or None
        for key, values in (
            ("basis", [speed.basis for speed in speeds]),
            ("interval_covers", [speed.covers for speed in speeds]),
            ("reason", [speed.reason for speed in speeds]),
        )
    }


def _speed_column(key: str, name: str) -> Column:
    speed = f"speed_vs_{key}"
    return ranged(speed, f"vs {name}", f"{speed}_low", f"{speed}_high", "x")


def _reasons(rows: Sequence[Row]) -> str:
    """Return why speeds are n/a, each reason once with the number of measured rows it holds for."""
    counts = Counter(
        row["relative_reason"]
        for row in rows
        if row["relative_reason"] and row["source"] == MEASURED
    )
    if not counts:
        return ""
    parts = (f"{reason} ({n} {'row' if n == 1 else 'rows'})" for reason, n in counts.items())
    return f"A vs that is n/a: {'; '.join(parts)}."


def _pair_row(pair: PairedSpeed) -> dict[str, Any]:
    row: dict[str, Any] = {
        "machine": pair.first,
        "against": pair.second,
        "model": pair.model,
        "dataset": pair.dataset,
        "n": pair.n,
    }
    for name, speed in pair.speeds().items():
        row[f"speed_{name}"] = None if speed is None else speed.estimate
        row[f"speed_{name}_low"] = None if speed is None else speed.low
        row[f"speed_{name}_high"] = None if speed is None else speed.high
    return {
        **row,
        "conclusion": pair.conclusion,
        "basis": pair.basis,
        "starts_alike": pair.starts_alike,
        "final_weights_identical_jobs": pair.weights_alike,
        "test_accuracy_gap": pair.accuracy_difference,
    }


def _why_no_pairs(evidence: Evidence) -> str:
    measured = [machine for machine in evidence.machines if machine.jobs]
    if len(measured) < 2:
        return "Fewer than two machines were measured."
    return "The machines measured no job in common on the same data, so nothing can be compared."
