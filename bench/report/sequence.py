"""What two sides show sitting by sitting, whenever one stops: as sentences and as JSON."""

from __future__ import annotations

import math
from typing import Any

from bench.analysis.ratios import Finding
from bench.analysis.slowdown import SittingPairs
from bench.report.rows import plain
from bench.report.words import comparison as words
from bench.report.words.sureness import Bracket


def slowdown_sentence(found: SittingPairs, candidate: str, baseline: str, limit: float) -> str:
    """Return what `--fail-if-slower` found."""
    met = found.slower_than(limit)
    return words.slowdown(candidate, baseline, limit, met, _times(found), len(found.logs))


def sequence_sentence(found: SittingPairs, candidate: str, baseline: str, margin: float) -> str:
    """Return whether two sides are told apart sitting by sitting, whenever one stops."""
    finding, times = found.finding(margin), _times(found)
    if not found.bounded:
        return words.no_bounds(len(found.logs))
    ratio = words.time_ratio(candidate, baseline, times)
    if finding is Finding.EQUAL:
        return words.sequence_equal(ratio, margin, len(found.logs))
    if finding is Finding.OPEN:
        return words.sequence_open(ratio, len(found.logs))
    return words.sequence_apart(ratio, len(found.logs))


def sequence_document(found: SittingPairs, margin: float) -> dict[str, Any]:
    """Return the comparison sitting by sitting as JSON can hold it."""
    times = _times(found)
    return {
        "pairs_of_sittings": len(found.logs),
        "time": {"estimate": plain(times.estimate), "low": times.low, "high": times.high},
        "finding_on_the_baseline": found.finding(margin).value,
    }


def slowdown_document(found: SittingPairs, limit: float) -> dict[str, Any]:
    """Return what `--fail-if-slower` found as JSON can hold it."""
    times = _times(found)
    return {
        "limit": limit,
        "met": found.slower_than(limit) is True,
        "pairs_of_sittings": len(found.logs),
        "time": {"estimate": plain(times.estimate), "low": times.low, "high": times.high},
    }


def _times(found: SittingPairs) -> Bracket:
    """Return the ratio of times, candidate over baseline; the bounds are None if infinite."""
    if found.bounds is None:
        return Bracket(math.nan, None, None)
    if not found.bounded:
        return Bracket(math.exp(found.bounds.mean), None, None)
    return Bracket(*map(math.exp, (found.bounds.mean, found.bounds.low, found.bounds.high)))
