"""The table of energy and price: what a job takes, each figure with its source and its date."""

from __future__ import annotations

from typing import Any

from bench.analysis.cells import scaled
from bench.analysis.cost import GroupCost
from bench.analysis.results import Results
from bench.report.column import Column, Table
from bench.report.shared_columns import group_columns, group_row, warnings
from bench.report.words import notes, phrases, prices
from bench.spec.description import Outline

_FIGURES = (
    Column("n", "n", "number", "jobs pooled in the row", foldable=True),
    Column("usd_per_hour", "USD an hour", "number", unit="USD/h", better="lower", foldable=True),
    Column(
        "usd_per_1000_jobs",
        "USD per 1000 jobs",
        "number",
        "from the mean total of the jobs",
        unit="USD",
        better="lower",
    ),
    Column("price_source", "price from", foldable=True, width=120),
    Column("price_date", "price as of", foldable=True),
    Column(
        "price_age",
        "price age",
        meaning="on the day of the report; a price that is older than a year is marked",
        foldable=True,
    ),
    Column(
        "joules",
        "J a job",
        "number",
        "the energy of a job's training, a mean over jobs",
        unit="J",
        better="lower",
        foldable=True,
    ),
    Column("joules_per_epoch", "J an epoch", "number", unit="J", better="lower", foldable=True),
    Column("energy_sources", "energy from", foldable=True, width=60),
    Column(
        "energy_basis",
        "energy is",
        meaning="whether the energy was measured or estimated",
        foldable=True,
        width=40,
    ),
)


def cost_table(results: Results, day: str) -> Table:
    """Return the dollars and the joules of a job, one row per machine, cell and price.

    `day` is the day of the report, on which prices have their age.
    """
    costs = results.costs
    unpriced: dict[str, list[str]] = {}
    for name, reason in sorted({(c.group.machine, c.price.reason or "") for c in costs}):
        if reason:
            unpriced.setdefault(reason, []).append(name)
    without = any(cost.joules is None for cost in costs) and bool(results.no_energy)
    rows = tuple(_row(cost, results.outline, day) for cost in costs)
    known = any(cost.usd_per_job is not None or cost.joules is not None for cost in costs)
    return Table(
        name="cost",
        title="Energy and price",
        columns=(*group_columns(results), *_FIGURES),
        rows=rows,
        brief=rows if known else (),
        notes=(
            *warnings(results),
            *([notes.COST_NOTE] if known else []),
            *notes.no_prices(unpriced),
            *prices.warnings([cost.price for cost in costs], day),
            *([notes.no_energy(results.no_energy)] if without else []),
        ),
    )


def _row(cost: GroupCost, outline: Outline, day: str) -> dict[str, Any]:
    is_priced = cost.price.usd_per_hour is not None
    return {
        **group_row(cost.group, outline),
        "n": cost.n,
        "usd_per_hour": cost.price.usd_per_hour,
        "usd_per_1000_jobs": scaled(cost.usd_per_job, 1000),
        "price_source": cost.price.source or (phrases.NODE_PRICE if is_priced else None),
        "price_date": cost.price.date,
        "price_age": prices.age(cost.price.date, day) if is_priced else None,
        "joules": cost.joules,
        "joules_per_epoch": cost.joules_per_epoch,
        "energy_sources": list(cost.energy_sources) or None,
        "energy_basis": ", ".join(cost.energy_basis) or None,
    }
