"""The longer sentences of the verdict: how machines rank, how fast they are, and what is assumed.

bench/report/screen.py gives the verdict itself.
"""

from __future__ import annotations

import itertools
import math
from statistics import fmean

from bench.analysis.cells import heading_axes, pooled_axes
from bench.analysis.contenders import Contender
from bench.analysis.ranks import Pair, Ranking, sittings_to_settle
from bench.analysis.ratios import (
    MARGIN,
    Finding,
    bracket,
    next_sitting,
    within_sitting,
)
from bench.analysis.results import GroupResult, Results
from bench.report.pair_words import bracket_of, faster_first, pair_sentence
from bench.report.screen import ASSUMED, first_pair
from bench.report.shared_columns import job_text, kind_text, telling
from bench.report.words import phrases, sureness
from bench.report.words import verdict as words
from bench.units import percent, significant

#: With more machines, only the tables tell how fast each of them is.
MOST_MACHINES = 4

#: How many pairs of neighbours the verdict tells, beside the first two machines.
NEIGHBOURS = 4


def details(results: Results) -> tuple[str, ...]:
    """Return the longer sentences of the verdict, which stand in the annex."""
    speeds = telling(results)
    few = len({result.group.machine_key for result in speeds}) <= MOST_MACHINES
    return (
        *_choice(results),
        *([_speed(result, results) for result in speeds] if few else []),
        *([words.job_counts(results.counts)] if results.counts.planned else []),
    )


def _choice(results: Results) -> list[str]:
    """Return how the machines rank, and what the answer assumes."""
    headline = results.headline
    if headline is None:
        return [text for one in results.contenders if (text := _own_bracket(one))]
    pair = first_pair(headline)
    return [
        *([] if pair is None else _would_take(faster_first(pair), results)),
        *_neighbours(headline),
        *_kinds(results),
        _basis(headline, results),
    ]


def _would_take(pair: Pair, results: Results) -> list[str]:
    """Return what would settle an open comparison."""
    sides = [results.contender(name) for name in (pair.first, pair.second)]
    fits = [fit for one in sides if (fit := one.fits()) is not None]
    if pair.finding is not Finding.OPEN or len(fits) < 2:
        return []
    needed, already = sittings_to_settle(pair, fits[0], fits[1]), min(pair.ratio.sittings)
    if needed is None:
        return [sureness.would_take(None)]
    longest_s = max(fmean(sitting.seconds for sitting in one.sittings) for one in sides)
    seconds = (needed - already) * longest_s
    return [sureness.would_take(needed, seconds, already=already)]


def _neighbours(ranking: Ranking) -> list[str]:
    """Return how the machines after the first two rank, each beside the next one."""
    pairs = [
        pair
        for first, second in itertools.pairwise(ranking.names[1:])
        for pair in (ranking.between(first, second),)
        if pair is not None
    ]
    told = [pair_sentence(pair, MARGIN, advise=False) for pair in pairs[:NEIGHBOURS]]
    if len(pairs) > NEIGHBOURS:
        told.append(words.more_pairs(len(pairs) - NEIGHBOURS))
    return [" ".join(told)] if told else []


def _kinds(results: Results) -> list[str]:
    """Return a sentence for each kind of job, if there are several: its two fastest machines."""
    ranked = {
        kind: found[0]
        for kind, found in results.by_kind.items()
        if found and len(found[0].names) > 1
    }
    if len(ranked) < 2:
        return []
    leaders = {kind: ranking.between(*ranking.names[:2]) for kind, ranking in ranked.items()}
    return [
        words.of_kind(kind_text(kind, results), pair_sentence(pair, MARGIN, advise=False))
        for kind, pair in leaders.items()
        if pair is not None
    ]


def _basis(ranking: Ranking, results: Results) -> str:
    """Return what the speeds are means of, and how much of their brackets is assumed."""
    first, second = ranking.names[:2]
    pair = ranking.between(first, second)
    told = [words.over_cells(len(ranking.cells))] if ranking.cells else []
    sides = [one for one in map(results.contender, (first, second)) if one.fits() is not None]
    if pair is None or len(sides) < 2:
        return " ".join(told)
    fits = [fit for one in sides if (fit := one.fits()) is not None]
    if min(pair.ratio.sittings) == 1:
        here = bracket_of(within_sitting(fits[0], fits[1], pair.ratio.cells))
        told.append(sureness.one_sitting(here, max(fit.prior.spread for fit in fits)))
    sources = tuple(dict.fromkeys(fit.prior.source for fit in fits if fit.assumed > 0))
    return " ".join([*told, sureness.assumed(pair.ratio.assumed, sources)])


def _own_bracket(contender: Contender) -> str:
    """Return how sure one machine's own times are."""
    fit = contender.fits()
    if fit is None:
        return ""
    spread = fit.prior.spread if fit.assumed > ASSUMED else None
    half, another = (math.expm1(log) for log in (bracket(fit), next_sitting(fit)))
    return words.own_bracket(contender.name, half, another, fit.count, spread)


def _speed(result: GroupResult, results: Results) -> str:
    """Return the speed of one machine in one kind of job, also beside published machines."""
    times, group = result.times, result.group
    job = job_text(group.cell, results.outline)
    mean, p10 = (
        significant(None if found is None else 1000 * found.value)
        for found in (times.step_mean, times.step_p10)
    )
    epoch = significant(None if times.epoch is None else times.epoch.value)
    parts = [
        words.speed_of_group(f"{group.machine}, {job}", epoch, mean, p10),
        words.paused() if times.held_by_quota else "",
        _limit(result, results),
        _beside(result, results),
        words.rests_on(times.jobs),
    ]
    return " ".join(filter(None, parts))


def _limit(result: GroupResult, results: Results) -> str:
    """Return what limits the job; an empty text if that is unknown."""
    limits, ceiling = result.limits.limits, result.limits.compute
    if limits is None or ceiling is None:
        return ""
    rate, share = significant(limits.flops_per_s / 1e9), limits.ceiling_share
    own, by, beside = ceiling.own_share(share), phrases.reached_by(ceiling), None
    if by and own not in (None, share):
        titles = [axis.title for axis in pooled_axes(results.outline)]
        beside = words.Own(by, percent(own), titles)
    return words.limited(rate, percent(share), beside, phrases.regime(limits))


def _beside(result: GroupResult, results: Results) -> str:
    reference = results.reference
    if reference is None:
        return ""
    names = {machine.key: machine.name for machine in reference.machines}
    told = [
        (sureness.Bracket.of(one.speed.interval()), names[one.machine])
        for one in result.relatives
        if one.speed is not None
    ]
    if not told:
        heading = heading_axes(results.outline)
        why = [phrases.relative_unknown(one, heading) for one in result.relatives]
        return words.not_beside(reference.year, ", ".join(dict.fromkeys(filter(None, why))))
    bases = ", ".join(dict.fromkeys(one.basis for one in result.relatives if one.basis))
    return words.beside(result.group.machine, told, bases)
