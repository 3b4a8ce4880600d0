"""What a job costs: dollars at its machine's price, and the energy that the machine counted."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from bench.analysis.cells import Group, groups, mean, scaled
from bench.analysis.columns import Frame
from bench.analysis.pooling import MeasuredJob
from bench.record.conditions import ENERGY_SOURCES, EnergyReading
from bench.record.facts import MachineFacts
from bench.record.price import Price, listed_price, price_of, stated_price
from bench.record.share import Share
from bench.spec.description import Outline

#: A recorded price that differs by a smaller part from the list price is the list price, rounded.
ROUNDED = 1e-3

#: The columns of the frame of jobs that identify a record, and so its energy.
ENERGY_KEY = ("machine_key", "run_id", "job_id", "attempt")


@dataclass(frozen=True, slots=True)
class GroupCost:
    """What a job of a group costs at one price, and the energy of its training.

    Dollars and joules are means over jobs, because what many jobs cost is the sum of theirs.
    A price without a source is the one that a label of the cluster's node stated. The energy is
    summed over the sources named.
    """

    group: Group
    n: int
    price: Price
    usd_per_job: float | None
    joules: float | None
    joules_per_epoch: float | None
    energy_sources: tuple[str, ...]
    energy_basis: tuple[str, ...]


def group_costs(
    final: Frame, measured: Sequence[MeasuredJob], names: Mapping[str, str], outline: Outline
) -> Iterator[GroupCost]:
    """Yield the cost of each machine, cell and price.

    `final` holds the final rows of the frame of jobs.
    """
    price_of_job = prices_by_run(measured)
    prices = list(dict.fromkeys(price_of_job.values()))
    place = {price: number for number, price in enumerate(prices)}
    who = final.rows(("run_id", "machine_key"))
    energy = {
        (job.machine_key, job.record.run_id, job.record.job_id, job.record.attempt): energy_of(job)
        for job in measured
    }
    final = final.assign("price", [place[price_of_job[job]] for job in who])
    for group, rows in groups(final, outline, names, more=("price",)):
        jobs = [energy[job] for job in rows.rows(ENERGY_KEY)]
        yield _cost(group, rows, prices[group.more[0]], jobs)


def why_no_energy(measured: Sequence[MeasuredJob]) -> tuple[tuple[str, str], ...]:
    """Return the sources that gave no energy, each with its reason, in alphabetical order."""
    meters = {source.meter for source in ENERGY_SOURCES}
    reasons = {
        (source, reason)
        for job in measured
        if job.record.conditions is not None
        for source, reason in job.record.conditions.unknown.items()
        if source in meters
    }
    return tuple(sorted(reasons))


def prices_by_run(measured: Sequence[MeasuredJob]) -> dict[tuple[str, str], Price]:
    """Return the price of each run's machines, by run id and the machine's key.

    A run's rules price its own records alone. If two runs state one price of one source, the
    later date counts for both, so that their jobs are pooled.
    """
    last = {(job.record.run_id, job.machine_key): job for job in measured}
    found = {key: machine_price(job.share, job.record.machine) for key, job in last.items()}
    dates: dict[Price, str] = {}
    for price in found.values():
        undated = replace(price, date=None)
        dates[undated] = max(dates.get(undated, ""), price.date or "")
    return {
        job: replace(price, date=dates[replace(price, date=None)] or None)
        for job, price in found.items()
    }


def machine_price(share: Share, facts: MachineFacts) -> Price:
    """Return the price of a machine.

    A figure that was typed without a machine's name prices only the machine on which it was typed.
    If the recorded figure of a cluster's node is its list price, the run took it from the list, so
    the price has the list's source and date.
    """
    label, rules, entry = share.label, share.header.prices, share.entry
    if entry.own:
        return price_of(label, facts, rules)
    rules = tuple(rule for rule in rules if not rule.is_typed)
    stated = stated_price(label, facts, rules)
    listed = listed_price(facts.cloud_provider, facts.cloud_instance_type, facts.cloud_region)
    is_listed = listed is not None and _same(listed.usd_per_hour, entry.usd_per_hour)
    if stated or entry.usd_per_hour is None or is_listed:
        return price_of(label, facts, rules)
    if entry.usd_source:
        return Price(entry.usd_per_hour, entry.usd_source, entry.usd_date)
    return Price(entry.usd_per_hour, None, share.header.started_at[:10])


def _same(listed: float | None, recorded: float | None) -> bool:
    """Say whether two prices agree; lists and labels round them."""
    return (
        listed is not None
        and recorded is not None
        and math.isclose(listed, recorded, rel_tol=ROUNDED)
    )


def _cost(
    group: Group, rows: Frame, price: Price, energy: Sequence[Sequence[EnergyReading]]
) -> GroupCost:
    seconds, hourly = mean(rows["total_s"]), price.usd_per_hour
    readings = [counted for counted in energy if counted]
    joules = mean(sum(one.joules for one in job) for job in readings)
    named = [reading for job in readings for reading in job]
    return GroupCost(
        group=group,
        n=len(rows),
        price=price,
        usd_per_job=None if seconds is None or hourly is None else seconds / 3600 * hourly,
        joules=joules,
        joules_per_epoch=scaled(joules, 1 / group.cell.epochs),
        energy_sources=tuple(dict.fromkeys(reading.source for reading in named)),
        energy_basis=tuple(dict.fromkeys(reading.basis for reading in named)),
    )


def energy_of(job: MeasuredJob) -> tuple[EnergyReading, ...]:
    """Return the readings that are the job's.

    The energy of GPUs counts only if the job trained on a GPU. The battery counts only if there is
    no other counter, because it covers the same joules again.
    """
    conditions = job.record.conditions
    energy = () if conditions is None or conditions.whole is None else conditions.whole.energy
    on_gpu = job.measurement.device == "gpu"
    kept = tuple(one for one in energy if on_gpu or one.hardware != "GPU")
    return tuple(one for one in kept if one.hardware != "machine") or kept
