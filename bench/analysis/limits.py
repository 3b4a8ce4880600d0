"""What limits a step: its work, the machine's ceilings, and its fixed cost from a batch sweep.

Source: Williams, Waterman and Patterson, Roofline (2009), with a fixed cost added.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from bench.analysis.ceilings import Ceiling, MachineCeilings, machine_ceilings
from bench.analysis.cells import AXIS, Group, batch_axis, cell_columns
from bench.analysis.columns import Frame
from bench.analysis.estimates import Estimate
from bench.analysis.intervals import geometric_mean
from bench.analysis.pooling import MeasuredJob
from bench.spec.description import Outline

Regime = Literal["overhead-bound", "memory-bound", "compute-bound"]

#: A step is overhead-bound if more than this share of it is neither arithmetic nor memory.
OVERHEAD_SHARE = 0.5

#: Within this distance from `OVERHEAD_SHARE` the regime is uncertain: the p10 step and the best
#: ceiling of a few jobs vary by about a tenth each.
NEAR = 0.1


#: Why the limits of a group of jobs are unknown.
LimitsUnknown = Literal["held by quota", "work not counted", "no ceilings"]


@dataclass(frozen=True, slots=True)
class Limits:
    """What limits one kind of step on one machine; `basis` names what decided.

    `near` is true if the overhead is near the share that decides, so that the regime is uncertain.
    """

    flops_per_s: float
    ceiling_share: float
    memory_share: float
    overhead_s: float | None
    regime: Regime
    basis: Literal["batch sweep", "roofline"]
    near: bool = False


def fixed_cost_s(step_s_by_batch: Mapping[int, float]) -> float | None:
    """Return the seconds of a step that do not grow with its batch; None if one size was measured.

    They are `fixed` in the line `fixed + each * batch`, whose parts are at least 0. The fit
    minimises errors relative to the step, so the smallest batches count as much as the largest.
    """
    if len(step_s_by_batch) < 2:
        return None
    ones = [(1 / time_s, batch / time_s) for batch, time_s in step_s_by_batch.items()]
    of_fixed, of_each = (math.fsum(parts) for parts in zip(*ones, strict=True))
    fixed_squares = math.fsum(fixed * fixed for fixed, _ in ones)
    each_squares = math.fsum(each * each for _, each in ones)
    both = math.fsum(fixed * each for fixed, each in ones)
    determinant = fixed_squares * each_squares - both * both
    fixed_s = (of_fixed * each_squares - of_each * both) / determinant
    each_s = (of_each * fixed_squares - of_fixed * both) / determinant
    if each_s < 0:  # larger batches were faster: all of the step is fixed
        return of_fixed / fixed_squares
    return max(fixed_s, 0.0)


def limits(
    step_s: float,
    flops: int,
    moved_bytes: int,
    ceiling_flops_per_s: float,
    ceiling_bytes_per_s: float,
    sweep_s: Mapping[int, float],
) -> Limits:
    """Return what limits a step of `step_s` seconds that does `flops` and moves `moved_bytes`.

    `sweep_s` holds the step's seconds by batch size, its own among them. With two sizes or more the
    sweep decides on overhead: a step is overhead-bound if the fixed part of the fitted line is more
    than half of it. With one size, a step is overhead-bound if neither ceiling explains half of it.
    Otherwise the larger of the two ideal times, arithmetic and memory, names the regime.
    """
    compute_s, memory_s = flops / ceiling_flops_per_s, moved_bytes / ceiling_bytes_per_s
    fixed_s = fixed_cost_s(sweep_s)
    idle_s = step_s - max(compute_s, memory_s) if fixed_s is None else fixed_s
    larger: Regime = "compute-bound" if compute_s >= memory_s else "memory-bound"
    return Limits(
        flops_per_s=flops / step_s,
        ceiling_share=compute_s / step_s,
        memory_share=memory_s / step_s,
        overhead_s=fixed_s,
        regime="overhead-bound" if idle_s > OVERHEAD_SHARE * step_s else larger,
        basis="roofline" if fixed_s is None else "batch sweep",
        near=abs(idle_s / step_s - OVERHEAD_SHARE) < NEAR,
    )


@dataclass(frozen=True, slots=True)
class GroupLimits:
    """What limits a group's step: its work, the machine's ceilings, and the regime.

    `compute` and `memory` are the ceilings of arithmetic and of memory. If the limits are unknown,
    `unknown` says why and every figure is None.
    """

    flops: int | None = None
    moved_bytes: int | None = None
    compute: Ceiling | None = None
    memory: Ceiling | None = None
    limits: Limits | None = None
    unknown: LimitsUnknown | None = None


@dataclass(frozen=True)
class Roofline:
    """The ceilings and batch sweeps of every machine of some runs.

    `sweeps` are keyed by everything that a sweep holds fixed.
    """

    ceilings: MachineCeilings
    sweeps: Mapping[tuple[Any, ...], Mapping[int, float]] = field(default_factory=dict)

    def of(self, group: Group, rows: Frame, step: Estimate | None) -> GroupLimits:
        """Return what limits a group, given its rows and its p10 step."""
        if any(rows["held_by_quota"]):
            return GroupLimits(unknown="held by quota")
        columns = _work_columns(self.ceilings.outline)
        flops, moved, working_set, device, *swept = next(iter(rows.rows(columns)))
        if step is None or flops is None:
            return GroupLimits(unknown="work not counted")
        ceilings = self.ceilings.of(group, device, working_set)
        if ceilings is None:
            return GroupLimits(unknown="no ceilings")
        compute, memory = ceilings
        sweep_s = self.sweeps.get(tuple(swept), {})
        return GroupLimits(
            flops=flops,
            moved_bytes=moved,
            compute=compute,
            memory=memory,
            limits=limits(step.value, flops, moved, compute.per_s, memory.per_s, sweep_s),
        )


def roofline(measured: Sequence[MeasuredJob], frame: Frame, outline: Outline) -> Roofline:
    """Return the best ceilings of each machine over all its jobs, and the batch sweeps.

    `frame` is the frame of `bench.analysis.frames.jobs_frame`.
    """
    return Roofline(machine_ceilings(measured, outline), _sweeps(frame, outline))


def _sweep_columns(outline: Outline) -> list[str]:
    """Return what a batch sweep holds fixed: the machine, and its cell without batch and epochs."""
    batch = batch_axis(outline)
    varied = {"epochs", None if batch is None else AXIS + batch.name}
    return ["machine_key", *(name for name in cell_columns(outline) if name not in varied)]


def _work_columns(outline: Outline) -> list[str]:
    """Return the columns of a step's work, its device, and what its batch sweep holds fixed."""
    return ["step_flops", "step_bytes", "working_set_bytes", "device", *_sweep_columns(outline)]


def _sweeps(frame: Frame, outline: Outline) -> dict[tuple[Any, ...], dict[int, float]]:
    """Return p10 step seconds by batch size for each set of jobs that differ in nothing else."""
    batch = batch_axis(outline)
    if batch is None:
        return {}
    columns = (AXIS + batch.name, "step_p10_s", *_sweep_columns(outline))
    steps: dict[tuple[Any, ...], dict[int, list[float]]] = {}
    for size, step_s, *cell in frame.finals.rows(columns):
        by_size = steps.setdefault(tuple(cell), {})
        by_size.setdefault(size, []).append(step_s)
    return {
        cell: {
            size: mean
            for size, values in sorted(by_size.items())
            if (mean := geometric_mean(values)) is not None
        }
        for cell, by_size in steps.items()
    }
