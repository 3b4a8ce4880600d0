"""The machines that are compared: the times of each by cell and sitting, fitted."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from bench.analysis.cells import Cell, in_order
from bench.analysis.design import Design, design_of
from bench.analysis.effects import Effects, Fit, fit
from bench.analysis.machines import Machine
from bench.analysis.pooling import MeasuredJob
from bench.analysis.priors import TypePriors, table_prior
from bench.analysis.sittings import RecordKey, Sitting, key_of, sittings
from bench.record.facts import MachineFacts
from bench.record.repeats import is_disturbed
from bench.spec.description import Outline

#: What is compared: the mean step (the seconds of the steady epochs over their steps), which is
#: what a user pays, the whole job, the fast tenth of the steady steps, and the median one.
Quantity = Literal["step", "total", "p10", "median"]

#: The column of each quantity in the frame of jobs.
COLUMNS: Mapping[Quantity, str] = {
    "step": "step_mean_s",
    "total": "total_s",
    "p10": "step_p10_s",
    "median": "step_median_s",
}

#: Gives the sitting of each job, or a larger unit in its place.
Units = Callable[[Sequence[MeasuredJob]], Mapping[RecordKey, Sitting]]

#: Says whether a job counts, given its machine's key and its cell.
DoesCount = Callable[[str, Cell], bool]


@dataclass(frozen=True, slots=True)
class Row:
    """One job as the fit sees it."""

    cell: Cell
    sitting: Sitting
    times: Mapping[Quantity, float]
    disturbed: bool


@dataclass(frozen=True)
class Contender:
    """One machine in a comparison.

    `effects` holds the fit of each quantity that was measured. `sittings` are those of the jobs
    that count, and `sittings_aside` is the number of the others. `aside` is the number of disturbed
    jobs that count for nothing, because a quiet job of the same cell was measured. `disturbed` is
    the number of disturbed jobs that do count. `rows` are the jobs that count, as fits see them.
    """

    machine: Machine
    effects: Mapping[Quantity, Effects]
    sittings: tuple[Sitting, ...]
    aside: int
    disturbed: int
    sittings_aside: int = 0
    rows: tuple[Row, ...] = field(default=(), repr=False, compare=False)

    @property
    def name(self) -> str:
        """The machine's name."""
        return self.machine.name

    def fits(self, quantity: Quantity = "step") -> Effects | None:
        """Return the fit of a quantity, None if no job gave it."""
        return self.effects.get(quantity)


def contenders(
    measured: Sequence[MeasuredJob],
    machines: Sequence[Machine],
    outline: Outline,
    *,
    counts: DoesCount = lambda key, cell: True,
    donors: Sequence[Contender] | None = None,
    units: Units = sittings,
) -> tuple[Contender, ...]:
    """Return the machines that measured a job that counts, in the order of `machines`.

    A job counts by its final evaluation. The `donors` inform the priors of machines of their types;
    without them, the machines inform those of each other. `units` gives the sitting of each job.
    """
    when = units(measured)
    found = [(job.machine_key, _row(job, when[key_of(job)], outline)) for job in measured]
    place = {
        cell: number
        for number, cell in enumerate(in_order({row.cell for _, row in found}, outline))
    }
    rows: dict[str, list[Row]] = {}
    for key, row in sorted(found, key=lambda one: place[one[1].cell]):
        if counts(key, row.cell):
            rows.setdefault(key, []).append(row)
    return _fitted(rows, machines, donors)


def jobs_that_count(
    measured: Sequence[MeasuredJob], outline: Outline, counts: DoesCount = lambda key, cell: True
) -> tuple[MeasuredJob, ...]:
    """Return the jobs of one machine that count, in their order: the ones that its fit rests on."""
    when = sittings(measured)
    found = [(_row(job, when[key_of(job)], outline), job) for job in measured]
    counted = [(row, job) for row, job in found if counts(job.machine_key, row.cell)]
    kept = {id(row) for row in _that_count([row for row, _ in counted])}
    return tuple(job for row, job in counted if id(row) in kept)


def _fitted(
    rows: Mapping[str, Sequence[Row]],
    machines: Sequence[Machine],
    donors: Sequence[Contender] | None,
) -> tuple[Contender, ...]:
    kept = {key: _that_count(found) for key, found in rows.items()}
    fits = _fits(kept, {machine.key: machine.facts for machine in machines}, donors)
    return tuple(
        Contender(
            machine=machine,
            effects=fits[machine.key],
            sittings=tuple(dict.fromkeys(row.sitting for row in kept[machine.key])),
            aside=len(rows[machine.key]) - len(kept[machine.key]),
            disturbed=sum(row.disturbed for row in kept[machine.key]),
            sittings_aside=_count(rows[machine.key]) - _count(kept[machine.key]),
            rows=tuple(kept[machine.key]),
        )
        for machine in machines
        if fits.get(machine.key)
    )


def _count(rows: Sequence[Row]) -> int:
    return len({row.sitting for row in rows})


def _row(job: MeasuredJob, sitting: Sitting, outline: Outline) -> Row:
    figures = {**job.steady, "total_s": job.measurement.final.total_s}
    return Row(
        cell=job.cell(outline),
        sitting=sitting,
        times={
            quantity: time_s
            for quantity, column in COLUMNS.items()
            if (time_s := figures[column]) is not None and time_s > 0
        },
        disturbed=is_disturbed(job.record),
    )


def _that_count(rows: Sequence[Row]) -> list[Row]:
    """Return the jobs that count: a disturbed one only if its cell has no quiet job.

    Jobs are chosen by their flag and never by their time, which would be biased.
    """
    quiet = {row.cell for row in rows if not row.disturbed}
    return [row for row in rows if not row.disturbed or row.cell not in quiet]


def _fits(
    rows: Mapping[str, Sequence[Row]],
    facts: Mapping[str, MachineFacts],
    donors: Sequence[Contender] | None,
) -> dict[str, dict[Quantity, Effects]]:
    """Return the fits of each machine; sittings of machines of its type inform its prior."""
    found = {key: fits_of(own) for key, own in rows.items()}
    table = {key: table_prior(facts[key]) for key in rows}
    fits: dict[str, dict[Quantity, Effects]] = {key: {} for key in rows}
    for quantity in COLUMNS:
        first = {
            key: fitted[quantity].moderated(table[key])
            for key, fitted in found.items()
            if quantity in fitted
        }
        others = [(facts[key], effects) for key, effects in first.items()]
        if donors is not None:
            known = ((one.machine.facts, one.fits(quantity)) for one in donors)
            others = [(donor, effects) for donor, effects in known if effects is not None]
        alike = TypePriors(others)
        for key, effects in first.items():
            prior = alike.of(facts[key], effects.count)
            fits[key][quantity] = (
                effects if prior is None else found[key][quantity].moderated(prior)
            )
    return fits


def fits_of(
    rows: Sequence[Row], quantities: Iterable[Quantity] = tuple(COLUMNS)
) -> dict[Quantity, Fit]:
    """Return the fit of each quantity of a machine; quantities of the same jobs share a design."""
    designs: dict[tuple[int, ...], Design] = {}
    found: dict[Quantity, Fit] = {}
    for quantity in quantities:
        timed = tuple(place for place, row in enumerate(rows) if quantity in row.times)
        if timed:
            if timed not in designs:
                designs[timed] = design_of([(rows[one].cell, rows[one].sitting) for one in timed])
            found[quantity] = fit(designs[timed], [rows[one].times[quantity] for one in timed])
    return found
