"""The verdict: which machine to train on, and how certain that is."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

from bench.analysis.cells import Kind, heading_axes, kind_of, separating_axes
from bench.analysis.pairs import Finding, PairedSpeed, between, by_kind, finding, ranking
from bench.analysis.results import GroupResult, Results
from bench.report.column import interval
from bench.report.shared_columns import job_text, warnings
from bench.report.words import phrases
from bench.report.words import verdict as words
from bench.spec.job import NO_DATA
from bench.units import percent, significant

#: The bases of a speed, the most telling basis first.
_BASES = ("total", "epoch", None)


def verdict(results: Results) -> tuple[str, ...]:
    """Return the paragraphs that stand first in the report."""
    counts = [words.job_counts(results.counts)] if results.counts.planned else []
    if not results.groups:
        return (words.nothing_measured(bool(results.unmeasured)), *counts)
    speeds = [
        _speed(result, results)
        for machine in results.machines
        for result in _telling(results, machine.key)
    ]
    caveat = results.outline.caveat
    return (
        _choice(results),
        *_ranks(results),
        *speeds,
        *counts,
        *([words.disturbed_jobs(results.disturbances)] if results.watched else []),
        *warnings(results),
        *([caveat] if caveat else []),
    )


def _choice(results: Results) -> str:
    """Return the answer itself: one machine for all jobs, or the fastest for each kind."""
    measured = [machine.name for machine in results.measured_machines]
    if len(measured) == 1:
        year = None if results.reference is None else results.reference.year
        return words.one_machine(measured[0], year)
    kinds = by_kind(results.pairs)
    if not kinds:
        return words.no_common_job(len(measured))
    best = {kind: _best(pairs) for kind, pairs in kinds.items()}
    ranked = {kind: set(ranking(pairs)) for kind, pairs in kinds.items()}
    everywhere = all(names == set(measured) for names in ranked.values())
    first = next(iter(best.values()))
    if everywhere and len(set(best.values())) == 1 and len(first) == 1:
        return words.one_winner(first[0], separating_axes(results.outline))
    paired = set().union(*ranked.values())
    return words.no_winner(
        {_kind(kind, results): names for kind, names in best.items()},
        [name for name in measured if name not in paired],
    )


def _best(pairs: Sequence[PairedSpeed]) -> tuple[str, ...]:
    """Return the fastest machine, and every machine that is not shown to be slower."""
    order = ranking(pairs)
    if not order:
        return ()
    first, *others = order
    unsure = (name for name in others if finding(between(pairs, first, name)) is not Finding.FASTER)
    return (first, *unsure)


def _ranks(results: Results) -> list[str]:
    """Return a paragraph for each kind of job: neighbours in the ranking and their speed."""
    paragraphs = []
    for kind, pairs in by_kind(results.pairs).items():
        neighbours = itertools.pairwise(ranking(pairs))
        steps = [
            words.rank_step(first, second, speed, finding(speed))
            for first, second in neighbours
            for speed in (between(pairs, first, second),)
        ]
        if steps:
            basis = words.rank_basis(pairs[0].held_by_quota)
            paragraphs.append(words.ranks(_kind(kind, results), basis, steps))
    return paragraphs


def _kind(kind: Kind, results: Results) -> str:
    axes = separating_axes(results.outline)
    return words.kind_of_job(kind, axes, _usual_dataset(results))


def _usual_dataset(results: Results) -> str:
    """Return the dataset that needs no mention: the one of the reference, or the only one."""
    if results.reference is not None:
        return results.reference.dataset
    names = results.sameness.datasets
    return names[0] if len(names) == 1 else NO_DATA


def _telling(results: Results, machine_key: str) -> list[GroupResult]:
    """Return the most telling group of each kind: by its basis, its epochs, then its jobs."""
    own = [result for result in results.groups if result.group.machine_key == machine_key]
    best: dict[Kind, GroupResult] = {}
    for result in sorted(own, key=_weight):
        best.setdefault(kind_of(result.group.cell, results.outline), result)
    return list(best.values())


def _weight(result: GroupResult) -> tuple[int, int, int]:
    basis = next((one.basis for one in result.relatives if one.basis), None)
    return (_BASES.index(basis), -result.group.cell.epochs, -result.times.n)


def _speed(result: GroupResult, results: Results) -> str:
    """Return the speed of one machine in one kind of job, also beside published machines."""
    times, group = result.times, result.group
    job = job_text(group.cell, results.outline)
    median, p10, mean = (
        significant(None if found is None else 1000 * found.estimate)
        for found in (times.step_median, times.step_p10, times.step_mean)
    )
    epoch = significant(None if times.epoch is None else times.epoch.estimate)
    parts = [
        words.speed_of_group(f"{group.machine}, {job}", epoch, median, p10),
        words.paused(mean) if times.held_by_quota else "",
        _limit(result),
        _beside(result, results),
        words.rests_on(times.n),
    ]
    return " ".join(filter(None, parts))


def _limit(result: GroupResult) -> str:
    """Return what limits the job; an empty text if that is unknown."""
    limits = result.limits.limits
    if limits is None:
        return ""
    rate = significant(limits.flops_per_s / 1e9)
    return words.limited(rate, percent(limits.ceiling_share), limits.regime)


def _beside(result: GroupResult, results: Results) -> str:
    reference = results.reference
    if reference is None:
        return ""
    names = {machine.key: machine.name for machine in reference.machines}
    told = [
        (interval(one.speed.estimate, one.speed.low, one.speed.high, "x"), names[one.machine])
        for one in result.relatives
        if one.speed is not None
    ]
    if not told:
        heading = heading_axes(results.outline)
        why = [phrases.relative_unknown(one, heading) for one in result.relatives]
        return words.not_beside(reference.year, ", ".join(dict.fromkeys(filter(None, why))))
    first = next(one for one in result.relatives if one.speed is not None)
    bases = ", ".join(dict.fromkeys(one.basis for one in result.relatives if one.basis))
    covers = None if first.covers is None else words.COVERED_IN_SENTENCES[first.covers]
    return words.beside(result.group.machine, told, bases, covers)
