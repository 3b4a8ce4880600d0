"""The table of energy and price: what a job takes, each figure with its source and its date."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from bench.machines import Machine
from bench.price import Price, PriceRule, price_of
from bench.report.tables import Table, number, text
from mnist_bench.annex.base import GROUP_COLUMNS, JOB, MACHINE, Evidence, groups, median, scaled

#: Sources of conditions that could have given energy; their reasons explain an n/a.
ENERGY_SOURCES = ("RAPL", "GPU", "battery")

_NOTE = (
    "Dollars a job are its total time at the machine's price an hour, nothing else (no idle time, "
    "disks or traffic). Energy is that of the training, medians over jobs, summed over the sources "
    "named; each covers its whole hardware, other processes included."
)


def cost_table(evidence: Evidence) -> Table:
    """Return one row per machine and job group: price, dollars a job, joules a job."""
    rules = [rule for run in evidence.runs for rule in run.header.prices]
    prices = {machine.key: _price(machine, rules) for machine in evidence.machines}
    final = evidence.jobs[evidence.jobs["is_final"].astype(bool)]
    rows = [
        {**head, **_dollars(pooled, prices[head["machine_key"]]), **_joules(head["epochs"], pooled)}
        for head, pooled in groups(final, evidence.names)
    ]
    reasons = {
        f"{machine.name}: {prices[machine.key].reason}"
        for machine in evidence.machines
        if prices[machine.key].reason
    }
    return Table(
        name="cost",
        title="Energy and price",
        columns=(
            MACHINE,
            JOB,
            *GROUP_COLUMNS,
            number("n", "n", foldable=True),
            number("usd_per_hour", "USD an hour", foldable=True),
            number("usd_per_1000_jobs", "USD per 1000 jobs"),
            text("price_source", "price from", foldable=True, width=60),
            text("price_date", "price as of", foldable=True),
            number("joules", "J a job", foldable=True),
            number("joules_per_epoch", "J an epoch", foldable=True),
            text("energy_sources", "energy from", foldable=True, width=60),
            text("energy_basis", "energy is", foldable=True, width=40),
        ),
        rows=tuple(rows),
        note=evidence.note(
            _NOTE,
            *(f"No price: {reason}." for reason in sorted(reasons)),
            *_why_no_energy(evidence, rows),
        ),
    )


def _price(machine: Machine, rules: Sequence[PriceRule]) -> Price:
    return price_of(machine.label, machine.facts, rules)


def _dollars(rows: pd.DataFrame, price: Price) -> dict[str, Any]:
    seconds, hourly = median(rows["total_s"]), price.usd_per_hour
    known = seconds is not None and hourly is not None
    return {
        "n": len(rows),
        "usd_per_hour": hourly,
        "usd_per_1000_jobs": 1000 * seconds / 3600 * hourly if known else None,
        "price_source": price.source,
        "price_date": price.date,
    }


def _joules(epochs: int, rows: pd.DataFrame) -> dict[str, Any]:
    """Return the median energy of a group's jobs; counters of hardware before the battery."""
    seen = (energy for energy in rows["energy"] if isinstance(energy, list | tuple))
    readings = [_counted(energy) for energy in seen if energy]
    joules = median(pd.Series([sum(entry["joules"] for entry in job) for job in readings]))
    named = [entry for job in readings for entry in job]
    return {
        "joules": joules,
        "joules_per_epoch": scaled(joules, 1 / epochs),
        "energy_sources": list(dict.fromkeys(entry["source"] for entry in named)) or None,
        "energy_basis": ", ".join(dict.fromkeys(entry["basis"] for entry in named)) or None,
    }


def _counted(energy: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Leave the battery out beside counters of hardware: it covers the same joules again."""
    hardware = [entry for entry in energy if entry["source"] != "battery"]
    return hardware or list(energy)


def _why_no_energy(evidence: Evidence, rows: Sequence[Mapping[str, Any]]) -> list[str]:
    if all(row["joules"] is not None for row in rows):
        return []
    reasons = {
        f"{name}: {reason.rstrip('.')}"
        for run in evidence.runs
        for record in run.measured
        for name, reason in (record.conditions.unknown if record.conditions else {}).items()
        if name in ENERGY_SOURCES
    }
    return [f"No energy: {'; '.join(sorted(reasons))}."] if reasons else []
