"""The table of machines against each other: paired speeds, the faster machine first."""

from __future__ import annotations

from typing import Any

from bench.analysis.cells import separating_axes
from bench.analysis.pairs import PairedSpeed
from bench.analysis.results import Results
from bench.report.column import Column, Table
from bench.report.shared_columns import (
    MACHINE,
    Naming,
    bound_keys,
    bounded,
    dataset_columns,
    warnings,
)
from bench.report.words import notes, phrases
from bench.spec.description import Outline

_STARTS = Column(
    "starts_alike",
    "same start",
    meaning="whether the initial weights and the batch order are identical in every job",
    foldable=True,
)


def comparison_table(results: Results) -> Table:
    """Return one row for each pair of machines and kind of job."""
    return Table(
        name="comparison",
        title="Machines against each other",
        columns=_columns(results),
        rows=tuple(_row(pair.faster_first, results.outline) for pair in results.pairs),
        notes=(
            *warnings(results),
            notes.COMPARISON_NOTE if results.pairs else _why_no_pairs(results),
            *notes.sameness(results.sameness),
        ),
    )


def _columns(results: Results) -> tuple[Column, ...]:
    naming, scored = Naming(results.outline), results.outline.scored
    kinds = [
        Column(naming.axis(axis.name), axis.title, meaning=axis.meaning)
        for axis in separating_axes(results.outline)
    ]
    return (
        MACHINE,
        Column("against", "against", width=28),
        *kinds,
        *dataset_columns(results),
        Column("n", "jobs", "number", "jobs that both machines measured"),
        _speed("p10", "the ratio of the p10 steps"),
        _speed("median", "the ratio of the median steps"),
        _speed("mean", "the ratio of the mean steps"),
        Column("conclusion", "finding", meaning="what the interval shows about the first machine"),
        Column("basis", "by", meaning="the step that the finding rests on"),
        *([_STARTS] if any(pair.starts_alike is not None for pair in results.pairs) else []),
        *(
            [
                Column(
                    f"{scored.name}_gap",
                    f"{scored.title} gap",
                    "number",
                    f"the largest difference in {scored.title} in any job",
                    unit=scored.unit,
                )
            ]
            if scored
            else []
        ),
    )


def _speed(name: str, meaning: str) -> Column:
    key = f"speed_{name}"
    return Column(
        key,
        f"speed, {name} step",
        "number",
        f"how many times as fast the first machine is as the second: {meaning}",
        better="higher",
        bounds=bound_keys(key),
        suffix="x",
    )


def _row(pair: PairedSpeed, outline: Outline) -> dict[str, Any]:
    naming, axes, scored = Naming(outline), separating_axes(outline), outline.scored
    return {
        "machine": pair.first,
        "against": pair.second,
        **{naming.axis(a.name): v for a, v in zip(axes, pair.kind.values, strict=True)},
        "dataset": pair.kind.dataset,
        "n": pair.n,
        **bounded("speed_p10", pair.p10),
        **bounded("speed_median", pair.median),
        **bounded("speed_mean", pair.mean),
        **bounded("speed_total", pair.total),
        "conclusion": phrases.FINDINGS[pair.finding],
        "basis": pair.basis,
        "starts_alike": pair.starts_alike,
        "final_weights_identical_jobs": pair.weights_alike,
        **({f"{scored.name}_gap": pair.score_gap} if scored else {}),
    }


def _why_no_pairs(results: Results) -> str:
    few = len(results.measured_machines) < 2
    return notes.ONE_MEASURED if few else notes.NONE_IN_COMMON
