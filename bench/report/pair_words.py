"""What a pair of machines shows, as a sentence: for the verdict of a report and for `compare`."""

from __future__ import annotations

from bench.analysis.ranks import Pair
from bench.analysis.ratios import Finding, Ratio
from bench.report.words import sureness


def pair_sentence(pair: Pair, margin: float, *, advise: bool = True) -> str:
    """Return what a pair shows, the faster machine first.

    If `advise`, a faster machine is recommended, which is for the first pair of a ranking alone.
    """
    pair = faster_first(pair)
    names, bracket = (pair.first, pair.second), bracket_of(pair.ratio)
    chance = pair.ratio.p_faster()
    if pair.finding is Finding.EQUAL:
        return sureness.equal(*names, bracket, margin)
    if pair.finding is Finding.OPEN:
        return sureness.still_open(*names, bracket, chance)
    if advise:
        return sureness.train_on(*names, bracket, chance)
    return sureness.faster(*names, bracket, chance)


def faster_first(pair: Pair) -> Pair:
    """Return the pair with the machine first that looks faster."""
    return pair if pair.ratio.log >= 0 else pair.turned


def bracket_of(ratio: Ratio) -> sureness.Bracket:
    """Return a ratio with its bounds of 95 %."""
    return sureness.Bracket.of(ratio.interval())
