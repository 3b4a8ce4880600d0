"""The table of energy and price: what a job takes, each figure with its source and its date."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import pandas as pd

from bench.analysis.pairs import GROUP
from bench.analysis.pooling import machine_key
from bench.record.facts import MachineFacts
from bench.record.price import Price, listed_price, price_of, stated_price
from bench.record.run import Run
from bench.report.column import Table, number, text
from bench.report.evidence import GROUP_COLUMNS, JOB, MACHINE, Evidence, groups, median, scaled

#: Sources of conditions that could have given energy; their reasons explain an n/a.
ENERGY_SOURCES = ("RAPL", "GPU", "battery")

#: Where a figure comes from that the run recorded of a cluster's node.
NODE_SOURCE = "the cluster's label bench-usd-per-hour"

_NOTE = (
    "Dollars a job are its total time at the machine's price an hour, nothing else (no idle time, "
    "disks or traffic). Energy is that of the training, medians over jobs, summed over the sources "
    "named; each covers its whole hardware, other processes included."
)


def cost_table(evidence: Evidence) -> Table:
    """Return one row per machine, job group and price: dollars a job, joules a job."""
    final = evidence.jobs[evidence.jobs["is_final"].astype(bool)]
    price_of_job = _prices(evidence)
    prices = list(dict.fromkeys(price_of_job.values()))
    who = zip(final["run_id"], final["machine_key"], strict=True)
    final = final.assign(price=[prices.index(price_of_job[job]) for job in who])
    rows, reasons = [], set()
    for head, pooled in groups(final, evidence.names, (*GROUP, "price")):
        price = prices[head.pop("price")]
        rows.append({**head, **_dollars(pooled, price), **_joules(head["epochs"], pooled)})
        if price.reason:
            reasons.add(f"{head['machine']}: {price.reason}")
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
            text("price_source", "price from", foldable=True, width=120),
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


def _prices(evidence: Evidence) -> dict[tuple[str, str], Price]:
    """Return the price of each run's machines, by run id and the machine's key.

    A run's rules price its own records alone. Where two runs state one price of one source, the
    later date counts for both, so that their jobs are pooled.
    """
    found = {
        (record.run_id, machine_key(record)): _price(run, record.machine)
        for run in evidence.runs
        for record in run.measured
    }
    dates: dict[Price, str] = {}
    for price in found.values():
        undated = replace(price, date=None)
        dates[undated] = max(dates.get(undated, ""), price.date or "")
    return {
        job: replace(price, date=dates[replace(price, date=None)] or None)
        for job, price in found.items()
    }


def _price(part: Run, facts: MachineFacts) -> Price:
    """Return the price of a part's machine; a cluster's node has none of the bare figures.

    A node's recorded figure that equals its list price is the table's: the run took it there.
    """
    label, rules, entry = part.header.label, part.header.prices, part.entry
    if entry is None:
        return price_of(label, facts, rules)
    rules = [rule for rule in rules if not rule.is_typed]
    stated = stated_price(label, facts, rules)
    listed = listed_price(facts.cloud_provider, facts.cloud_instance_type)
    if stated or entry.usd_per_hour is None or _same(listed, entry.usd_per_hour):
        return price_of(label, facts, rules)
    if entry.usd_source:
        return Price(entry.usd_per_hour, entry.usd_source, entry.usd_date)
    return Price(entry.usd_per_hour, NODE_SOURCE, part.header.started_at[:10])


def _same(listed: Price | None, usd_per_hour: float) -> bool:
    return listed is not None and listed.usd_per_hour == usd_per_hour


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
    pairs = zip(rows["energy"], rows["device"], strict=True)
    counted = (
        _counted(energy, device) for energy, device in pairs if isinstance(energy, list | tuple)
    )
    readings = [energy for energy in counted if energy]
    joules = median(pd.Series([sum(entry["joules"] for entry in job) for job in readings]))
    named = [entry for job in readings for entry in job]
    return {
        "joules": joules,
        "joules_per_epoch": scaled(joules, 1 / epochs),
        "energy_sources": list(dict.fromkeys(entry["source"] for entry in named)) or None,
        "energy_basis": ", ".join(dict.fromkeys(entry["basis"] for entry in named)) or None,
    }


def _counted(energy: Sequence[Mapping[str, Any]], device: str) -> list[Mapping[str, Any]]:
    """Return the readings that are the job's.

    Without the GPUs of a job that trained on a CPU, and without the battery beside counters of
    hardware: it covers the same joules again.
    """
    on = [e for e in energy if device == "gpu" or not e["source"].startswith("NVML")]
    return [entry for entry in on if entry["source"] != "battery"] or on


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
