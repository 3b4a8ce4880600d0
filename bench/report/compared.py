"""What `compare` says: which sentences apply to a comparison, and the comparison as JSON."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from bench.analysis.comparison import Comparison
from bench.analysis.differences import Difference, differences, fact_differences, setup_of
from bench.analysis.entrants import Entrant
from bench.analysis.gate import longest
from bench.analysis.intervals import Interval
from bench.analysis.ranks import Pair, spread_of_cells
from bench.analysis.ratios import Ratio
from bench.analysis.self_comparison import SelfComparison
from bench.report.pair_words import bracket_of, faster_first, pair_sentence
from bench.report.rows import plain
from bench.report.shared_columns import cell_row, job_text
from bench.report.words import comparison as words
from bench.report.words import gate, sureness
from bench.report.words.facts import difference, difference_name
from bench.spec.description import Outline

#: At most so many differences are shown; the JSON holds all of them.
MOST_DIFFERENCES = 12

#: At most so many are shown of two sittings of one machine.
FEW_DIFFERENCES = 5


def verdict_sentence(found: Comparison, *, advise: bool = True) -> str:
    """Return the verdict: one sentence on the fastest side and the next one."""
    pair = faster_first(found.leaders)
    sentence = pair_sentence(pair, found.margin, advise=advise)
    if len(found.entrants) == 2:
        return sentence
    return f"{words.best_of_many(found.ranking.best)} {sentence}"


def wrong_sentences(found: Comparison, outline: Outline) -> list[str]:
    """Return a sentence for each kind of job that a side trains wrong, so that it was left out."""
    metrics = {metric.name: metric for metric in outline.metrics}
    return [
        gate.wrong(cell, job_text(cell.cell, outline), metrics)
        for one in found.entrants
        for cell in longest(one.wrong)
    ]


def paragraphs(found: Comparison) -> list[str]:
    """Return what follows the verdict: brackets, what is assumed, and what the data rest on."""
    pair = faster_first(found.leaders)
    sides = [found.entrant(name) for name in (pair.first, pair.second)]
    told = [_spread(pair, found), *_brackets(pair, sides, found)]
    if found.needed is not None:
        needed = found.needed
        told.append(
            sureness.would_take(
                needed.sittings,
                needed.seconds,
                needed.usd,
                already=needed.already,
                prices_of=needed.price_date,
            )
        )
    turned = pair is not found.leaders
    others = [
        (by, bracket_of(other.ratio.inverse if turned else other.ratio))
        for by, other in found.others.items()
    ]
    told.append(words.other_quantities(others) if others else "")
    told += [_rests_on(one, found) for one in found.entrants]
    for one in found.entrants:
        told.append(words.disturbed(one.name, one.contender.aside, one.contender.disturbed))
        told.append(words.sittings_aside(one.name, one.contender.sittings_aside))
        if one.side.instance_type is not None:
            told.append(words.claim_about_type(one.name, one.side.instances))
            told.append(_unlike_instances(one))
    return [text for text in told if text]


def self_paragraphs(found: SelfComparison) -> list[str]:
    """Return what the comparison of a machine with itself shows."""
    name, different = found.whole.name, found.different
    told = [words.with_itself(name, found.by, len(found.comparisons), len(different))]
    told += [
        words.called_different(pair_sentence(one.leaders, one.margin, advise=False))
        for one in different[:1]
    ]
    own = found.whole.contender
    told += [words.disturbed(name, own.aside, own.disturbed)]
    told += [words.sittings_aside(name, own.sittings_aside)]
    return [*filter(None, told), words.floor(name, math.expm1(found.floor))]


def differing(first: Entrant, second: Entrant) -> tuple[Difference, ...]:
    """Return what differs between two sides, most telling first."""
    return differences(setup_of(first.side.jobs), setup_of(second.side.jobs))


def difference_lines(first: Entrant, second: Entrant, most: int = MOST_DIFFERENCES) -> list[str]:
    """Return what differs between two sides in words, at most `most` differences."""
    return told_differences(differing(first, second), first.name, second.name, most)


def told_differences(found: Sequence[Difference], first: str, second: str, most: int) -> list[str]:
    """Return differences in words, at most `most`; `first` and `second` name the two sides."""
    lines = [difference(one, first, second) for one in found[:most]]
    more = len(found) - len(lines)
    return [*lines, words.more_differences(more)] if more > 0 else lines


def document(found: Comparison, outline: Outline) -> dict[str, Any]:
    """Return a comparison as JSON can hold it."""
    names = [one.name for one in found.entrants]
    return {
        "by": found.by,
        "margin": found.margin,
        "baseline": found.baseline,
        "verdict": verdict_sentence(found),
        "machines": [_machine(one, found) for one in found.entrants],
        "cells": [
            {
                **plain(cell_row(cell.cell, outline)),
                "seconds": dict(zip(names, cell.seconds, strict=True)),
                "speed": {
                    name: _ratio(speed)
                    for name, speed in zip(names, cell.speeds, strict=True)
                    if speed is not None
                },
            }
            for cell in found.cells
        ],
        "trained_wrong": [
            {"machine": one.name, **plain(cell_row(cell.cell, outline))}
            for one in found.entrants
            for cell in longest(one.wrong)
        ],
        "pairs": [_pair(pair, found) for pair in found.ranking.pairs],
        "by_other_quantities": {by: _ratio(pair.ratio) for by, pair in found.others.items()},
        "sittings_needed": found.needed and found.needed.sittings,
    }


def self_document(found: SelfComparison) -> dict[str, Any]:
    """Return the comparison of a machine with itself as JSON can hold it."""
    farthest = found.farthest
    return {
        "by": found.by,
        "machine": found.whole.name,
        "sittings": [
            {
                "run": one.contender.sittings[0].run_id,
                "began_at": one.contender.sittings[0].began_at,
                "jobs": one.fit(found.by).jobs,
                "effect": found.slower(one),
            }
            for one in found.parts
        ],
        "sittings_without_weight": found.whole.contender.sittings_aside,
        "pairs": len(found.comparisons),
        "called_different": [_pair(one.leaders, one) for one in found.different],
        "noise_floor": math.expm1(found.floor),
        "farthest": farthest
        and {
            "sittings": [one.name for one in farthest.entrants],
            "differences": difference_rows(*farthest.entrants),
        },
    }


def difference_rows(first: Entrant, second: Entrant) -> list[dict[str, Any]]:
    """Return what differs between two sides as JSON can hold it."""
    return plain_differences(differing(first, second), first.name, second.name)


def plain_differences(found: Sequence[Difference], first: str, second: str) -> list[dict[str, Any]]:
    """Return differences as JSON can hold them; `first` and `second` are the keys of the values."""
    return [
        {
            "fact": one.fact,
            "gpu": one.gpu,
            "subject": one.subject,
            first: plain(one.first),
            second: plain(one.second),
        }
        for one in found
    ]


def _spread(pair: Pair, found: Comparison) -> str:
    """Return how the speed ranges over the cells; nothing for a single cell."""
    if len(pair.ratio.cells) < 2:
        return ""
    first, second = (found.entrant(name).fit(found.by) for name in (pair.first, pair.second))
    ends = spread_of_cells(first, second, pair.ratio.cells)
    return words.range_of_cells(pair.first, pair.second, *ends)


def _brackets(pair: Pair, sides: list[Entrant], found: Comparison) -> list[str]:
    """Return what is assumed; if a side has one sitting, also the bracket within the sittings."""
    fits = [one.fit(found.by) for one in sides]
    single = [fit.prior for fit in fits if fit.count == 1]
    told = []
    if single:
        spreads = sorted({prior.spread for prior in single})
        told.append(sureness.one_sitting(bracket_of(found.within(pair)), *spreads))
    sources = tuple(dict.fromkeys(fit.prior.source for fit in fits if fit.assumed > 0))
    return [*told, sureness.assumed(pair.ratio.assumed, sources)]


def _rests_on(one: Entrant, found: Comparison) -> str:
    fit = one.fit(found.by)
    kind, count = one.side.instance_type, one.side.sittings if one.side.is_type else fit.count
    return f"{words.sittings_of(one.name, count, fit.jobs, kind, one.side.instances)}."


def _unlike_instances(one: Entrant) -> str:
    """Return in which facts the instances of a type differ; nothing if they are alike."""
    facts = list(
        {job.record.machine.machine_id: job.record.machine for job in one.side.jobs}.values()
    )
    unlike = [diff for other in facts[1:] for diff in fact_differences(facts[0], other)]
    names = tuple(dict.fromkeys(map(difference_name, unlike)))
    return words.unlike_instances(one.name, names) if names else ""


def _machine(one: Entrant, found: Comparison) -> dict[str, Any]:
    fit, ranks = one.fit(found.by), found.ranking.ranks[one.name]
    return {
        "name": one.name,
        "instance_type": one.side.instance_type,
        "instances": one.side.instances,
        "sittings": one.side.sittings if one.side.is_type else fit.count,
        "jobs": fit.jobs,
        "disturbed_without_weight": one.contender.aside,
        "disturbed": one.contender.disturbed,
        "sittings_without_weight": one.contender.sittings_aside,
        "rank": [ranks.first, ranks.last],
        "spread_between_sittings": math.sqrt(fit.sitting_variance),
        "prior": {"spread": fit.prior.spread, "source": fit.prior.source},
    }


def _pair(pair: Pair, found: Comparison) -> dict[str, Any]:
    ratio = pair.ratio
    return {
        "first": pair.first,
        "second": pair.second,
        "speed": _ratio(ratio),
        "within_these_sittings": _ratio(found.within(pair)),
        "chance_that_first_is_faster": ratio.p_faster(),
        "chance_by_more_than_margin": ratio.p_faster(found.margin),
        "expected_loss": plain(ratio.expected_loss),
        "finding": pair.finding.value,
        "assumed": ratio.assumed,
    }


def interval_document(found: Interval) -> dict[str, float | None]:
    """Return an estimate with its bounds as JSON can hold it."""
    return {"estimate": plain(found.estimate), "low": plain(found.low), "high": plain(found.high)}


def _ratio(found: Ratio) -> dict[str, float | None]:
    return interval_document(found.interval())
