"""What a wanted precision takes, said before it is spent, and what can be reached instead."""

from __future__ import annotations

import math
from collections.abc import Mapping

from bench import units
from bench.analysis.precision import Limit, PrecisionPlan, Reach
from bench.report.words.lists import and_list
from bench.report.words.sureness import ANOTHER_DAY, dollars, share
from bench.text import counted

#: The option that sets each limit.
OPTIONS: Mapping[Limit, str] = {"minutes": "--max-minutes", "dollars": "--max-usd"}


def plan_lines(plan: PrecisionPlan, gap_s: float, reach: Reach) -> list[str]:
    """Return what the second stage takes and, if a limit is too low, what can be reached."""
    more = plan.sittings - plan.first
    names = and_list([machine.name for machine in plan.machines])
    lines = [
        f"after {plan.first} sittings the bracket of {names} is about {_half(plan.now)} "
        f"({ANOTHER_DAY})"
    ]
    if not more:
        return [*lines, f"{_half(plan.half)} is reached: no more sittings are needed"]
    each = " each" if len(plan.machines) > 1 else ""
    takes = f"about {counted(more, 'sitting')} more{each} ({_cost(plan, gap_s, more)})"
    if reach.limit is None:
        return [*lines, f"{_half(plan.half)} takes {takes}"]
    fit = reach.sittings - plan.first
    lines.append(
        f"{_half(plan.half)} cannot be reached within {OPTIONS[reach.limit]}: it takes {takes}"
    )
    if fit:
        lines.append(
            f"{counted(fit, 'sitting')} more can be measured within it ({_cost(plan, gap_s, fit)});"
            f" the bracket is then about {_half(plan.half_after(reach.sittings))}"
        )
    else:
        lines.append("no further sitting fits into it")
    return lines


def reached(plan: PrecisionPlan, sittings: int) -> str:
    """Return what a series reached, by the spread of its first stage as planned."""
    return (
        f"after {sittings} sittings the bracket is about {_half(plan.half_after(sittings))} "
        f"({ANOTHER_DAY}), as planned after the first {plan.first}"
    )


def _half(log: float) -> str:
    return f"+-{share(math.expm1(log))}"


def _cost(plan: PrecisionPlan, gap_s: float, sittings: int) -> str:
    """Return what some sittings take: jobs, time with the pauses, and dollars."""
    takes_s = sittings * (plan.sitting_s + gap_s)
    parts = [counted(sittings * plan.jobs, "job"), f"{units.duration(takes_s)} with the pauses"]
    if plan.usd_per_hour is not None:
        parts.append(f"{dollars(plan.usd_per_hour * takes_s / 3600)} USD")
    if plan.unpriced:
        parts.append(f"the price of {and_list(list(plan.unpriced))} is unknown")
    return ", ".join(parts)
