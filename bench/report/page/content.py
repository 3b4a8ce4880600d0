"""What the page's script works with: fits, records, prices and targets as plain JSON values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from bench.analysis.cells import Cell, axis_value
from bench.analysis.intervals import Interval
from bench.analysis.pooling import MeasuredJob
from bench.analysis.ratios import MARGIN
from bench.analysis.results import Results
from bench.analysis.sittings import Sitting, key_of, sittings
from bench.analysis.student import two_sided
from bench.analysis.time_to_target import TimeToTarget, latest_prices
from bench.report.rows import plain
from bench.report.shared_columns import job_text
from bench.report.words.phrasebook import Phrasebook
from bench.report.words.prices import dated
from bench.report.words.reach import recipe
from bench.spec.axes import Axis, Value
from bench.spec.description import Outline

#: Machines that the page compares; the tables and the files hold all of them.
MOST_MACHINES = 60

#: Records that the page lists; summary.json and the journals hold all of them.
MOST_RECORDS = 20_000

#: The factors of a standard error are tabulated over 1 / df in steps of this size, up to `LARGEST`.
#: The script interpolates their logs, which errs by less than 0.01 %.
STEP, LARGEST = 0.01, 2.0

#: Significant digits of the numbers that the script computes with.
DIGITS = 9


def content(results: Results, day: str, book: Phrasebook, own: Phrasebook) -> dict[str, Any]:
    """Return all that the page's script needs, as values that JSON can hold.

    Machines, jobs and axes are numbered, and records name them by their numbers. A pair of machines
    is compared from the fits, by the formula of `bench.analysis.ratios.ratio`, so that the reader
    may choose the baseline and the jobs. `day` is the day of the report.
    `book` has the words of the page in its language, and `own` those of the workload.
    """
    chosen = _machines(results, day, book)
    numbers = {machine["key"]: number for number, machine in enumerate(chosen)}
    jobs = [job for job in results.measured if job.machine_key in numbers][:MOST_RECORDS]
    of_jobs = [job.cell(results.outline) for job in jobs]
    cells = list(dict.fromkeys(of_jobs))
    place = {cell: number for number, cell in enumerate(cells)}
    axes = toggled_axes(results)
    document = {
        "title": own.said(results.outline.title),
        "words": dict(book.phrases),
        "machines": [{k: v for k, v in one.items() if k != "key"} for one in chosen],
        "left_out": max(0, len(results.measured_machines) - len(chosen)),
        "axes": [
            {"name": axis.name, "title": own.said(axis.title), "values": values}
            for axis, values in axes
        ],
        "cells": [
            {"text": _cell_text(cell, results.outline), "axes": axis_numbers(cell, axes)}
            for cell in cells
        ],
        "fits": _fits(results, numbers, place),
        **_records(jobs, numbers, [place[cell] for cell in of_jobs]),
        **_targets(results, numbers, axes, own),
        "margin": MARGIN,
        "quantiles": {"step": STEP, "factors": _factors()},
    }
    return dict(rounded(plain(document)))


def toggled_axes(results: Results) -> tuple[tuple[Axis, list[Value]], ...]:
    """Return the axes in which the measured jobs differ, each with its values in order."""
    found = []
    jobs = {job.record.job for job in results.measured}
    for axis in results.outline.axes:
        seen = {axis_value(job, axis) for job in jobs} - {None}
        if len(seen) > 1:
            found.append((axis, sorted((one for one in seen if one is not None), key=_sort_key)))
    return tuple(found)


def axis_numbers(
    known: Cell | Mapping[str, Any], axes: Sequence[tuple[Axis, list[Value]]]
) -> list[int | None]:
    """Return the number of the value of each axis; None if the cell or the row has no such value.

    A row is a mapping of the keys of `Naming` to values.
    """
    numbers = []
    for axis, values in axes:
        value = known.value(axis.name) if isinstance(known, Cell) else known.get(axis.name)
        numbers.append(values.index(value) if value in values else None)
    return numbers


def rounded(value: Any, digits: int = DIGITS) -> Any:
    """Return `value` with all its floats cut to so many significant digits."""
    if isinstance(value, Mapping):
        return {key: rounded(item, digits) for key, item in value.items()}
    if isinstance(value, list):
        return [rounded(item, digits) for item in value]
    return float(f"{value:.{digits}g}") if isinstance(value, float) else value


def _sort_key(value: Value) -> tuple[bool, Any]:
    return isinstance(value, str), value


def _machines(results: Results, day: str, book: Phrasebook) -> list[dict[str, Any]]:
    """Return the machines of the page with their prices, in the order of the ranking."""
    ranked = [name for ranking in results.rankings for name in ranking.names]
    place = {name: number for number, name in enumerate(ranked)}
    prices = latest_prices(results.measured)
    found = sorted(results.measured_machines, key=lambda one: place.get(one.name, len(place)))
    return [
        {
            "key": machine.key,
            "name": machine.name,
            "usd_per_hour": prices[machine.key].usd_per_hour,
            "price_source": prices[machine.key].source,
            "price_date": book.said(dated(prices[machine.key], day)),
            "price_reason": book.said(prices[machine.key].reason or "") or None,
        }
        for machine in found[:MOST_MACHINES]
    ]


def _cell_text(cell: Cell, outline: Outline) -> str:
    """Return the name of a job with every axis that is not at its default."""
    more = [
        axis.mark.format(value)
        for axis in outline.axes
        if axis.mark
        and not axis.always_marked
        and (value := cell.value(axis.name)) is not None
        and value != axis.default
    ]
    return " ".join([job_text(cell, outline), *more])


def _fits(
    results: Results, numbers: Mapping[str, int], place: Mapping[Cell, int]
) -> list[dict[str, Any] | None]:
    """Return the fit of the mean steps of each machine; None if there is none.

    `place` is the number of each cell. A cell is a list: mean and variance of log seconds, degrees
    of freedom, jobs, block, and the block's sittings, as in `CellEffect`.
    """
    found: list[dict[str, Any] | None] = [None] * len(numbers)
    for one in results.contenders:
        effects = one.fits()
        if effects is None or one.machine.key not in numbers:
            continue
        found[numbers[one.machine.key]] = {
            "variance": effects.sitting_variance,
            "df": effects.sitting_df,
            "within": effects.within,
            "cells": {
                str(place[cell]): [
                    *(effect.mean, effect.variance, effect.df),
                    *(effect.jobs, effect.block, effect.sittings),
                ]
                for cell, effect in effects.cells.items()
                if cell in place
            },
            "count": len(effects.cells),
        }
    return found


def _records(
    jobs: Sequence[MeasuredJob], numbers: Mapping[str, int], cells: Sequence[int]
) -> dict[str, Any]:
    """Return the records by column, and the sittings and journals that they name.

    `cells` holds the number of each job's cell.
    """
    when = sittings(jobs)
    known: dict[Sitting, int] = {}
    journals: dict[str, int] = {}
    rows = []
    for job, cell in zip(jobs, cells, strict=True):
        record = job.record
        whole = None if record.conditions is None else record.conditions.whole
        rows.append(
            {
                "machine": numbers[job.machine_key],
                "cell": cell,
                "sitting": known.setdefault(when[key_of(job)], len(known)),
                "seed": record.job.seed,
                "step_s": job.steady["step_mean_s"],
                "total_s": job.measurement.final.total_s,
                "flag": None if whole is None else whole.flag,
                "journal": journals.setdefault(job.share.path.name, len(journals)),
                "job_id": record.job_id,
            }
        )
    columns = list(rows[0]) if rows else []
    return {
        "records": {name: [row[name] for row in rows] for name in columns},
        "journals": list(journals),
        "sittings": [{"began_at": one.began_at, "part": one.part} for one in known],
    }


def _targets(
    results: Results,
    numbers: Mapping[str, int],
    axes: Sequence[tuple[Axis, list[Value]]],
    own: Phrasebook,
) -> dict[str, Any]:
    """Return what trainings to a target take.

    `seconds` are the time that a user waits, `paid_s` the seconds that are paid for: those of the
    mean seed. The script works out what whole jobs take from the records.
    """
    metric = results.outline.scored
    return {
        "target_of": "" if metric is None else own.said(metric.title),
        "targets": [
            {
                "machine": numbers[one.machine_key],
                "job": recipe(one.reached.recipe, results.outline),
                "axes": axis_numbers(one.reached.recipe, axes),
                "target": one.reached.target,
                "seconds": _bounds(one.seconds),
                "paid_s": _bounds(_paid_seconds(one)),
            }
            for one in results.targets
            if one.machine_key in numbers and one.seconds is not None
        ],
    }


def _paid_seconds(found: TimeToTarget) -> Interval | None:
    mean = found.reached.mean
    return found.seconds if mean is None else found.pace.interval(*mean)


def _bounds(found: Interval | None) -> list[float | None]:
    return [None] * 3 if found is None else [found.estimate, found.low, found.high]


def _factors() -> list[float]:
    """Return the factors of a 95 % interval for 1 / df = 0, `STEP`, ... `LARGEST`."""
    steps = round(LARGEST / STEP)
    return [two_sided(1 / (number * STEP) if number else 1e9) for number in range(steps + 1)]
