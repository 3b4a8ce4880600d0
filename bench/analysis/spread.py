"""How the times of a cell's steady steps are spread on one machine: quantiles of all its jobs."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from bench.analysis.pooling import MeasuredJob
from bench.analysis.warmup import steady_times_s


@dataclass(frozen=True)
class StepSpread:
    """Quantiles of the steady steps of `jobs` jobs, in seconds."""

    jobs: int
    steps: int
    p5_s: float
    p25_s: float
    median_s: float
    p75_s: float
    p95_s: float
    p99_s: float


def step_spread(jobs: Iterable[MeasuredJob]) -> StepSpread | None:
    """Return the quantiles of the steady steps of some jobs together; None without such a step."""
    measured = [job.measurement for job in jobs]
    times = [steady_times_s(one, [epoch.steps for epoch in one.epochs]) for one in measured]
    all_s = np.concatenate(times) if times else np.empty(0)
    if not all_s.size:
        return None
    found = np.quantile(all_s, (0.05, 0.25, 0.5, 0.75, 0.95, 0.99))
    return StepSpread(len(measured), int(all_s.size), *map(float, found))
