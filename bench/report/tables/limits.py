"""The table of what limits each job: its rate, its shares of ceilings, its regime."""

from __future__ import annotations

from collections import Counter
from typing import Any

from bench.analysis.cells import ceiling_axes, pooled_axes, scaled
from bench.analysis.limits import GroupLimits
from bench.analysis.results import Results
from bench.report.column import Column, Table
from bench.report.shared_columns import group_columns, group_row, warnings
from bench.report.words import notes, phrases
from bench.spec.description import Outline

_RATES = (
    Column(
        "step_p10_ms",
        "step p10 ms",
        "number",
        "a tenth of the steady steps are at least as fast",
        unit="ms",
        better="lower",
    ),
    Column(
        "step_flops",
        "work MFLOP",
        "number",
        "the arithmetic operations of one step, as the workload counts them",
        unit="FLOP",
        scale=1e-6,
    ),
    Column(
        "flops_per_s",
        "rate GFLOP/s",
        "number",
        "the work divided by the time of the p10 step",
        unit="FLOP/s",
        better="higher",
        scale=1e-9,
    ),
    Column(
        "ceiling_flops_per_s",
        "ceiling GFLOP/s",
        "number",
        "the best rate at which the machine multiplied square matrices",
        unit="FLOP/s",
        better="higher",
        scale=1e-9,
    ),
    Column(
        "ceiling_share",
        "of ceiling",
        "percent",
        "the rate divided by the ceiling",
        better="higher",
    ),
)
_OWN_SHARE = Column(
    "own_ceiling_share",
    "of own ceiling",
    "percent",
    "the rate divided by the best rate at which jobs of this kind multiplied square matrices",
    better="higher",
)
_BY = Column(
    "ceiling_by", "ceiling by", meaning="the kind of job that reached the ceiling", foldable=True
)
_MEMORY = (
    Column(
        "memory_share",
        "of memory rate",
        "percent",
        "the time to copy the bytes that a step moves, divided by the time of the p10 step",
        better="higher",
    ),
)
_OWN_MEMORY_SHARE = Column(
    "own_memory_share",
    "of own memory rate",
    "percent",
    "the same, with the best copy rate of jobs of this kind",
    better="higher",
)
_MEMORY_BY = Column(
    "memory_by",
    "memory rate by",
    meaning="the kind of job that copied at the memory rate",
    foldable=True,
)
_REGIME = (
    Column(
        "overhead_ms",
        "fixed ms",
        "number",
        "the part of a step that does not grow with the batch, from a line through all batch sizes",
        unit="ms",
        better="lower",
    ),
    Column(
        "regime_text",
        "regime",
        meaning="what takes the largest part of the step; near the limit if the overhead is too "
        "close to a half to be sure",
    ),
    Column(
        "regime_basis",
        "by",
        meaning="what decides the regime: the times of several batch sizes (batch sweep), or the "
        "ceilings alone (roofline); in a roofline, time that neither ceiling explains is overhead",
        foldable=True,
    ),
)


def limits_table(results: Results) -> Table:
    """Return one row per machine and cell.

    If ceilings are pooled over an axis, the shares of the own ceilings stand beside the machine's.
    """
    rows, pooled = [], pooled_axes(results.outline)
    for result in results.groups:
        p10 = result.times.step_p10
        rows.append(
            {
                **group_row(result.group, results.outline),
                "step_p10_ms": None if p10 is None else 1000 * p10.value,
                **limits_row(result.limits),
            }
        )
    reasons = Counter(row["limits_reason"] for row in rows if row["limits_reason"])
    return Table(
        name="limits",
        title="What limits it",
        columns=(
            *group_columns(results),
            *_RATES,
            *([_OWN_SHARE, _BY] if pooled else []),
            *_MEMORY,
            *([_OWN_MEMORY_SHARE, _MEMORY_BY] if pooled else []),
            *_REGIME,
        ),
        rows=tuple(rows),
        notes=(
            *warnings(results),
            notes.LIMITS_NOTE,
            *([_pooling(results.outline)] if pooled else []),
            *([notes.optimistic(results.optimistic)] if results.optimistic else []),
            *([notes.no_limits(reasons)] if reasons else []),
        ),
    )


def _pooling(outline: Outline) -> str:
    """Return over which axes the machines' ceilings are pooled, and over which they are not."""
    return notes.pooled_ceilings(
        *([axis.title for axis in axes(outline)] for axes in (pooled_axes, ceiling_axes))
    )


def limits_row(found: GroupLimits) -> dict[str, Any]:
    """Return the part of a row that says what limits a group."""
    limits, compute, memory = found.limits, found.compute, found.memory
    return {
        "step_flops": found.flops,
        "step_bytes": found.moved_bytes,
        "flops_per_s": limits and limits.flops_per_s,
        "ceiling_flops_per_s": compute and compute.per_s,
        "ceiling_by": compute and phrases.reached_by(compute),
        "ceiling_share": limits and limits.ceiling_share,
        "own_ceiling_flops_per_s": compute and compute.own,
        "own_ceiling_share": limits and compute and compute.own_share(limits.ceiling_share),
        "ceiling_bytes_per_s": memory and memory.per_s,
        "memory_by": memory and phrases.reached_by(memory),
        "memory_share": limits and limits.memory_share,
        "own_ceiling_bytes_per_s": memory and memory.own,
        "own_memory_share": limits and memory and memory.own_share(limits.memory_share),
        "overhead_ms": scaled(limits.overhead_s, 1000) if limits else None,
        "regime": limits and limits.regime,
        "regime_near": limits and limits.near,
        "regime_text": limits and phrases.regime(limits),
        "regime_basis": limits and limits.basis,
        "limits_reason": phrases.LIMITS[found.unknown] if found.unknown else None,
    }
