"""A wanted precision in two stages: what a series still takes after its first sittings."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from statistics import fmean
from typing import Literal

from bench.analysis.contenders import contenders
from bench.analysis.cost import machine_price
from bench.analysis.machines import machines
from bench.analysis.pooling import measured_jobs
from bench.analysis.sequential import Stage, second_stage
from bench.record.run import Run, merged
from bench.spec.description import Outline

#: What keeps a series from its wanted precision.
Limit = Literal["minutes", "dollars"]


@dataclass(frozen=True)
class MachinePlan:
    """What one machine needs: half of its bracket `now`, as a log, and the second stage."""

    name: str
    now: float
    stage: Stage
    usd_per_hour: float | None


@dataclass(frozen=True)
class PrecisionPlan:
    """The second stage of a series whose `first` sittings are measured.

    `half` is half of the wanted bracket, as a log. A sitting takes about `sitting_s` and has `jobs`
    jobs on all machines together. The plan is fixed: it follows from the first stage alone.
    """

    half: float
    first: int
    sitting_s: float
    jobs: int
    machines: tuple[MachinePlan, ...]

    @property
    def sittings(self) -> int:
        """How many sittings each machine has in all: all machines sit together."""
        return max(self.first, *(machine.stage.sittings for machine in self.machines))

    @property
    def now(self) -> float:
        """Half of the widest bracket after the first stage, as a log."""
        return max(machine.now for machine in self.machines)

    def half_after(self, sittings: int) -> float:
        """Return half of the widest bracket after `sittings` in all, as a log."""
        return max(
            machine.stage.half * math.sqrt(machine.stage.sittings / sittings)
            for machine in self.machines
        )

    @property
    def unpriced(self) -> tuple[str, ...]:
        """The machines without a price."""
        return tuple(one.name for one in self.machines if one.usd_per_hour is None)

    @property
    def usd_per_hour(self) -> float | None:
        """What an hour of all machines costs; None if no price is known."""
        known = [one.usd_per_hour for one in self.machines if one.usd_per_hour is not None]
        return sum(known) if known else None


@dataclass(frozen=True)
class Reach:
    """How many sittings in all a series can have within its limits, and the limit that counts.

    `limit` is None if all sittings of the plan fit.
    """

    sittings: int
    limit: Limit | None = None


def precision_plan(runs: Sequence[Run], outline: Outline, half: float) -> PrecisionPlan | None:
    """Return the second stage for `runs`, the sittings of a first stage.

    `half` is half of the wanted bracket, as a log. It is about the mean step, or about the whole
    job if no step was measured. None: nothing was measured.
    """
    shares = merged(runs)
    measured = measured_jobs(shares)
    found = machines(shares, measured)
    prices = {
        job.machine_key: machine_price(job.share, job.record.machine).usd_per_hour
        for job in measured
    }
    plans = []
    for contender in contenders(measured, found, outline):
        effects = contender.effects.get("step") or contender.effects.get("total")
        if effects is not None:
            now = second_stage(effects, math.inf)
            plans.append(
                MachinePlan(
                    contender.name,
                    now.half,
                    second_stage(effects, half),
                    prices[contender.machine.key],
                )
            )
    if not plans:
        return None
    return PrecisionPlan(
        half=half,
        first=len(runs),
        sitting_s=fmean(map(_took_s, runs)),
        jobs=sum(len(share.jobs) for share in runs[-1].shares),
        machines=tuple(plans),
    )


def reachable(
    plan: PrecisionPlan, gap_s: float, left_s: float | None, left_usd: float | None
) -> Reach:
    """Return how many sittings fit into what is left of the limits; None is no limit.

    A machine costs money in the pauses too. If a price is unknown, a limit in dollars is not
    counted here; the run itself keeps it.
    """
    each_s = plan.sitting_s + gap_s
    fits: list[tuple[float, Limit]] = []
    if left_s is not None:
        fits.append((left_s // each_s, "minutes"))
    if left_usd is not None and plan.usd_per_hour and not plan.unpriced:
        fits.append((left_usd // (plan.usd_per_hour * each_s / 3600), "dollars"))
    most, limit = min(fits, default=(math.inf, None))
    wanted = plan.sittings - plan.first
    return Reach(plan.sittings) if most >= wanted else Reach(plan.first + int(most), limit)


def _took_s(run: Run) -> float:
    """Return the seconds from the beginning of a run to the end of its last record."""
    times = [datetime.fromisoformat(record.ended_at) for record in run.records]
    began = datetime.fromisoformat(run.header.started_at)
    return max(0.0, (max(times, default=began) - began).total_seconds())
