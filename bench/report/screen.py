"""The first screen of a report: the verdict in one sentence, and what it does not rest on."""

from __future__ import annotations

import math
from collections import Counter

from bench.analysis.contenders import Contender
from bench.analysis.effects import Effects
from bench.analysis.ranks import Pair, Ranking
from bench.analysis.ratios import MARGIN, Finding, bracket
from bench.analysis.reference import Relative
from bench.analysis.results import GroupResult, Results
from bench.analysis.sittings import sittings
from bench.analysis.student import cdf
from bench.report.column import Remark, clipped
from bench.report.pair_words import bracket_of, faster_first
from bench.report.shared_columns import MACHINE, job_text, telling
from bench.report.words.catalogue import Words
from bench.report.words.phrasebook import Phrasebook
from bench.report.words.sureness import Bracket

#: Below this share a bracket is not called assumed.
ASSUMED = 0.005


def verdict(results: Results, words: Words, book: Phrasebook) -> str:
    """Return the answer in one sentence, with its chance if there is one.

    `book` translates the names of published machines.
    """
    measured = [_short(machine.name) for machine in results.measured_machines]
    if not results.groups:
        return words.nothing_measured(bool(results.unmeasured))
    if len(measured) == 1:
        return _alone(measured[0], results, words, book)
    if results.headline is None:
        return words.no_common_job(len(measured))
    return _answer(results.headline, words)


def _alone(machine: str, results: Results, words: Words, book: Phrasebook) -> str:
    """Return how the only machine compares with a published one, if that is known."""
    found = beside_published(results)
    if found is None or results.reference is None:
        return words.one_machine(machine)
    result, relative = found
    assert relative.speed is not None, "a comparison with a published machine has a speed"
    names = {one.key: one.name for one in results.reference.machines}
    speed = relative.speed
    return words.beside_published(
        machine,
        job_text(result.group.cell, results.outline),
        book.said(names[relative.machine]),
        Bracket.of(speed.interval()),
        cdf(speed.log / speed.se, speed.df),
    )


def beside_published(results: Results) -> tuple[GroupResult, Relative] | None:
    """Return the most telling comparison with a published machine."""
    for result in telling(results):
        for relative in result.relatives:
            if relative.speed is not None:
                return result, relative
    return None


def first_pair(ranking: Ranking) -> Pair | None:
    """Return the pair that the verdict is about; None if the two share no job."""
    first, second = ranking.names[:2]
    if len(ranking.best) == 1 and ranking.best[0] != first:  # the two share no kind of job
        first, second = ranking.best[0], first
    return ranking.between(first, second)


def _answer(ranking: Ranking, words: Words) -> str:
    """Return which machine to train on, or that it is not known."""
    pair, best = first_pair(ranking), [_short(name) for name in ranking.best]
    if pair is None:
        return words.no_winner_known(best)
    pair = faster_first(pair)
    first, second, speed = _short(pair.first), _short(pair.second), bracket_of(pair.ratio)
    chance = pair.ratio.p_faster()
    if len(best) > 1 and len(ranking.names) > 2:
        return words.no_winner(best, first, second, speed, chance)
    if pair.finding is Finding.EQUAL:
        outside = pair.ratio.p_faster(MARGIN) + pair.ratio.inverse.p_faster(MARGIN)
        return words.equal(first, second, speed, MARGIN, 1 - outside)
    if pair.finding is Finding.OPEN:
        return words.still_open(first, second, speed, chance)
    return words.train_on(first, second, speed, chance)


def remarks(results: Results, words: Words) -> tuple[Remark, ...]:
    """Return what was measured, what failed, what was disturbed, and what is assumed."""
    said = [
        *(("measured", text) for text in _measured(results, words)),
        *(("failed", text) for text in _failed(results, words)),
        *(("wrong", text) for text in _wrong(results, words)),
        *(("disturbed", text) for text in _disturbed(results, words)),
        *(("assumed", text) for text in _assumed(results, words)),
        *(("unranked", text) for text in _unranked(results, words)),
        *(("data", text) for text in _data(results, words)),
    ]
    return tuple(Remark(kind, words.remark_names[kind], text) for kind, text in said)


def _measured(results: Results, words: Words) -> list[str]:
    if not results.measured:
        return []
    jobs, found = len(results.measured), set(sittings(results.measured).values())
    machines = len(results.measured_machines)
    return [words.measured(results.counts, jobs, machines, len(found))]


def _failed(results: Results, words: Words) -> list[str]:
    counts = results.counts
    lost = counts.failed or counts.not_run or counts.skipped or counts.no_time
    if not lost and not counts.unavailable:
        return []
    jobs = {
        (found.label, found.run_id, found.job_id): found.failure.reason
        for found in results.unmeasured
        if found.failure is not None and not found.measured_later
    }
    return [words.failed(counts, dict(Counter(jobs.values()).most_common()))]


def _wrong(results: Results, words: Words) -> list[str]:
    found = [(_short(one.machine), job_text(one.cell, results.outline)) for one in results.wrong]
    return [words.trains_wrong(found)] if found else []


def _disturbed(results: Results, words: Words) -> list[str]:
    return [words.disturbed(results.disturbances)] if results.disturbances.disturbed else []


def _assumed(results: Results, words: Words) -> list[str]:
    """Return what the verdict's bracket assumes."""
    ranking = results.headline
    if ranking is not None:
        pair = first_pair(ranking)
        sides = () if pair is None else (pair.first, pair.second)
        fits = [fit for name in sides if (fit := results.contender(name).fits()) is not None]
        if pair is None or len(fits) < 2 or pair.ratio.assumed < ASSUMED:
            return []
        spread = max(fit.prior.spread for fit in fits)
        return [words.assumed(spread, pair.ratio.assumed, None, min(pair.ratio.sittings))]
    if len(results.contenders) != 1:
        return []
    own = [_own(one, fit, words) for one in results.contenders if (fit := one.fits()) is not None]
    if results.reference is not None and beside_published(results) is not None:
        own.append(words.assumed_published(results.reference.spread))
    return [text for text in own if text]


def _own(contender: Contender, fit: Effects, words: Words) -> str:
    """Return what a machine's own bracket assumes; an empty text if it assumes nothing."""
    if fit.assumed < ASSUMED:
        return ""
    return words.assumed(fit.prior.spread, None, math.expm1(bracket(fit)), fit.count)


def _unranked(results: Results, words: Words) -> list[str]:
    ranking = results.headline
    if ranking is None:
        return []
    measured = [machine.name for machine in results.measured_machines]
    apart = [_short(name) for name in measured if name not in ranking.names]
    return [words.not_ranked(apart)] if apart else []


def _data(results: Results, words: Words) -> list[str]:
    """Return which runs used other data than the user asked for."""
    runs = len({share.header.run_id for share in results.shares})
    return [words.data(note, len(ids), runs) for note, ids in results.dataset_notes.items()]


def _short(name: str) -> str:
    """Return a machine's name as the table beside the verdict shows it."""
    return clipped(name, MACHINE.width)
