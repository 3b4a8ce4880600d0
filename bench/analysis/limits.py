"""What limits a step: the work in it, the machine's ceilings, and its fixed cost by a batch sweep.

Source: Williams, Waterman and Patterson, Roofline (2009), with a fixed cost added.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np

Regime = Literal["overhead-bound", "memory-bound", "compute-bound"]

#: A step is overhead-bound where more than this share of it is neither arithmetic nor memory.
OVERHEAD_SHARE = 0.5


@dataclass(frozen=True)
class Limits:
    """What limits one kind of step on one machine; a share is None where it cannot be known.

    `basis` names what decided: `batch sweep` or `roofline`.
    """

    flops_per_s: float
    ceiling_share: float
    memory_share: float
    overhead_s: float | None
    regime: Regime
    basis: Literal["batch sweep", "roofline"]


def fixed_cost_s(step_s_by_batch: Mapping[int, float]) -> float | None:
    """Return the seconds of a step that do not grow with its batch; None of fewer than two sizes.

    A line `fixed + each * batch` with both parts at least 0, fitted to the logarithms' first order
    (errors relative to the step), so that the smallest batches count as much as the largest.
    """
    if len(step_s_by_batch) < 2:
        return None
    from scipy.optimize import nnls  # 0.3 s that the command line's --help need not pay

    batches = np.asarray(list(step_s_by_batch), dtype=float)
    times_s = np.asarray(list(step_s_by_batch.values()), dtype=float)
    parts = np.stack([np.ones_like(batches), batches], axis=1) / times_s[:, None]
    (fixed_s, _), _ = nnls(parts, np.ones_like(times_s))
    return float(fixed_s)


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
    sweep decides on overhead: the fixed part of the fitted line, where it is more than half of the
    step. With one size, a step of which neither ceiling explains half is overhead-bound. Otherwise
    the larger of the two ideal times, arithmetic and memory, names the regime.
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
    )
