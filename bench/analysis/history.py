"""A machine over its sittings: how fast it was in each, when its speed changed, and its setups."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bench.analysis.cells import Cell
from bench.analysis.comparison import Comparison, compare
from bench.analysis.contenders import Contender, Quantity
from bench.analysis.differences import Difference, differences, setup_of
from bench.analysis.effects import Effects
from bench.analysis.entrants import Entrant, Side, entrants
from bench.analysis.intervals import Interval
from bench.analysis.pooling import MeasuredJob
from bench.analysis.ranks import holm
from bench.analysis.ratios import MARGIN, Ratio, common_cells
from bench.analysis.sittings import Sitting, key_of, sittings
from bench.analysis.student import satterthwaite
from bench.errors import MEASURE_FIRST, RequestError
from bench.spec.axes import Calibrations
from bench.spec.description import Outline


@dataclass(frozen=True)
class PastSitting:
    """One sitting of a machine, by its `number` in order of time.

    `speed` is relative to the machine's mean over its sittings, and its bounds hold the noise
    between jobs alone. `seconds` is the geometric mean over the kinds of job that every sitting
    measured. Both are None if no job of the sitting counts, because all of them trained wrong or
    gave no such figure. Of `watched` jobs, `disturbed` were disturbed.
    """

    number: int
    sitting: Sitting
    jobs: tuple[MeasuredJob, ...]
    speed: Interval | None
    seconds: float | None
    watched: int
    disturbed: int


@dataclass(frozen=True)
class Change:
    """A change of speed from one sitting to the next one, and what else changed, telling first.

    `ratio` says how many times as fast the later sitting is, in these very sittings.
    """

    before: PastSitting
    after: PastSitting
    ratio: Ratio
    differences: tuple[Difference, ...]


@dataclass(frozen=True)
class SetupChange:
    """A change of what a machine is: facts, versions or settings, with the speed on both sides.

    `first` and `second` are the sittings before it and after it, up to the next such change.
    `found` compares them for another day; None if they share no kind of job.
    """

    first: tuple[PastSitting, ...]
    second: tuple[PastSitting, ...]
    differences: tuple[Difference, ...]
    found: Comparison | None


@dataclass(frozen=True)
class History:
    """A machine over its sittings. `changes` are sure among all pairs (Holm) and above `margin`."""

    name: str
    by: Quantity
    margin: float
    sittings: tuple[PastSitting, ...]
    changes: tuple[Change, ...]
    setups: tuple[SetupChange, ...]


def history(
    side: Side,
    outline: Outline,
    by: Quantity = "step",
    *,
    margin: float = MARGIN,
    donors: Sequence[Contender] = (),
    calibrations: Calibrations | None = None,
) -> History:
    """Return the history of a side that is one host. Raises RequestError if it has no job."""
    split = _by_sitting(side.jobs)
    parts = {
        sitting: _entrant(str(number), jobs, outline, donors, calibrations)
        for number, (sitting, jobs) in enumerate(split.items(), 1)
    }
    timed = {key: one for key, one in parts.items() if one is not None and by in _effects(one)}
    whole = _whole(side.name, [split[key] for key in timed], outline, donors, calibrations)
    fit = None if whole is None else _effects(whole).get(by)
    shared = common_cells(*(_effects(one)[by] for one in timed.values())) if timed else ()
    past = {
        sitting: _past(
            number,
            sitting,
            jobs,
            _effects(timed[sitting])[by] if sitting in timed else None,
            fit,
            shared,
        )
        for number, (sitting, jobs) in enumerate(split.items(), 1)
    }
    order = [(past[key], _effects(one)[by]) for key, one in timed.items()]
    return History(
        name=side.name,
        by=by,
        margin=margin,
        sittings=tuple(past.values()),
        changes=() if fit is None else _changes(order, fit, margin),
        setups=_setups([past[key] for key in timed], outline, by, margin, donors, calibrations),
    )


def _by_sitting(jobs: Sequence[MeasuredJob]) -> dict[Sitting, list[MeasuredJob]]:
    """Return the jobs of each sitting, in order of time. Raises RequestError without a job."""
    if not jobs:
        raise RequestError("there is no measured job", next_step=MEASURE_FIRST)
    when = sittings(jobs)
    found: dict[Sitting, list[MeasuredJob]] = {}
    for job in jobs:
        found.setdefault(when[key_of(job)], []).append(job)
    return {sitting: found[sitting] for sitting in sorted(found, key=lambda one: one.began_at)}


def _effects(one: Entrant) -> Mapping[Quantity, Effects]:
    return one.contender.effects


def _entrant(
    name: str,
    jobs: Sequence[MeasuredJob],
    outline: Outline,
    donors: Sequence[Contender],
    calibrations: Calibrations | None,
) -> Entrant | None:
    """Return jobs as a side of a comparison; None if all of them trained wrong."""
    side = Side(name, tuple(jobs))
    try:
        return entrants([side], outline, donors=donors, calibrations=calibrations)[0]
    except RequestError:
        return None


def _whole(
    name: str,
    jobs: Sequence[Sequence[MeasuredJob]],
    outline: Outline,
    donors: Sequence[Contender],
    calibrations: Calibrations | None,
) -> Entrant | None:
    """Return all sittings that count as one side, None if none of them does."""
    together = [job for members in jobs for job in members]
    return _entrant(name, together, outline, donors, calibrations) if together else None


def _past(
    number: int,
    sitting: Sitting,
    jobs: Sequence[MeasuredJob],
    fit: Effects | None,
    whole: Effects | None,
    shared: Sequence[Cell],
) -> PastSitting:
    flags = [
        job.record.conditions.whole.flag
        for job in jobs
        if job.record.conditions is not None and job.record.conditions.whole is not None
    ]
    cells = common_cells(fit, whole) if fit is not None and whole is not None else ()
    speed = None
    if fit is not None and whole is not None and cells:
        speed = _within(fit, whole, cells, whole, itself=True).interval()
    means = [] if fit is None else [fit.cells[cell].mean for cell in shared]
    return PastSitting(
        number=number,
        sitting=sitting,
        jobs=tuple(jobs),
        speed=speed,
        seconds=math.exp(math.fsum(means) / len(means)) if means else None,
        watched=sum(flag != "unknown" for flag in flags),
        disturbed=flags.count("disturbed"),
    )


def _within(
    first: Effects,
    second: Effects,
    cells: Sequence[Cell],
    noise: Effects,
    *,
    itself: bool = False,
) -> Ratio:
    """Return how many times as fast `first` is as `second`, with the noise between jobs alone.

    `noise` gives the variance of a job in each cell, because a single sitting may hold one job of
    it. With `itself`, `second` is all sittings together, and counts as known.
    """
    weight = 1 / len(cells)
    parts = [
        (weight**2 * noise.cells[cell].variance / one.cells[cell].jobs, noise.cells[cell].df)
        for one in ((first,) if itself else (first, second))
        for cell in cells
    ]
    variance = math.fsum(part for part, _ in parts)
    return Ratio(
        log=weight * math.fsum(second.cells[cell].mean - first.cells[cell].mean for cell in cells),
        se=math.sqrt(variance),
        df=satterthwaite(parts),
        cells=tuple(cells),
        weights=(weight,) * len(cells),
        jobs=(first.jobs, second.jobs),
        sittings=(first.count, second.count),
        assumed=0.0,
        another_day=False,
    )


def _changes(
    order: Sequence[tuple[PastSitting, Effects]], whole: Effects, margin: float
) -> tuple[Change, ...]:
    """Return the changes from each sitting to the next one that shares a kind of job with it."""
    pairs = [
        (before, after, _within(fit, last, cells, whole))
        for (before, last), (after, fit) in itertools.pairwise(order)
        if (cells := tuple(cell for cell in common_cells(fit, last) if cell in whole.cells))
    ]
    sure = holm([ratio.p_value for _, _, ratio in pairs])
    return tuple(
        Change(
            before,
            after,
            ratio,
            differences(setup_of(before.jobs), setup_of(after.jobs)),
        )
        for (before, after, ratio), is_sure in zip(pairs, sure, strict=True)
        if ratio.finding(margin, sure=is_sure).apart
    )


def _setups(
    order: Sequence[PastSitting],
    outline: Outline,
    by: Quantity,
    margin: float,
    donors: Sequence[Contender],
    calibrations: Calibrations | None,
) -> tuple[SetupChange, ...]:
    """Return each change of the setup, with the sittings on both sides compared."""
    eras: list[list[PastSitting]] = []
    unlike: list[tuple[Difference, ...]] = []
    for one in order:
        changed = _setup_differences(eras[-1][-1], one) if eras else ()
        if not eras or changed:
            eras.append([])
            unlike.append(changed)
        eras[-1].append(one)
    changes = []
    for (first, second), changed in zip(itertools.pairwise(eras), unlike[1:], strict=True):
        sides = [
            Side(span(era), tuple(job for one in era for job in one.jobs))
            for era in (first, second)
        ]
        try:
            pair = entrants(sides, outline, donors=donors, calibrations=calibrations)
            found = compare(pair, by, margin=margin)
        except RequestError:  # no kind of job in common
            found = None
        changes.append(SetupChange(tuple(first), tuple(second), changed, found))
    return tuple(changes)


def _setup_differences(first: PastSitting, second: PastSitting) -> tuple[Difference, ...]:
    """Return what differs between the setups of two sittings, without their conditions."""
    found = differences(setup_of(first.jobs), setup_of(second.jobs))
    return tuple(one for one in found if one.subject != "conditions")


def span(found: Sequence[PastSitting]) -> str:
    """Return the name of some sittings in a row: `sitting 3`, `sittings 1 to 4`."""
    first, last = found[0].number, found[-1].number
    return f"sitting {first}" if first == last else f"sittings {first} to {last}"
