"""How sure a comparison is, in words: the chance, the ratio with its bracket, and the finding.

A function takes plain numbers, so that the report's verdict and the command `compare` say the same
thing in the same words. A ratio says how many times as fast the first machine is as the second.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bench import units
from bench.report.words.lists import and_list
from bench.text import counted

if TYPE_CHECKING:
    from bench.analysis.intervals import Interval

#: What a bracket is about, unless it says otherwise: the means over many days, and not only over
#: the days that were measured.
ANOTHER_DAY = "on another day"

#: The least chance that each word stands for; below the last one the answer is not known.
SURELY = "surely"
LEVELS = ((0.99, SURELY), (0.95, "very likely"), (0.80, "probably"))
NOT_KNOWN = "not known"

#: No chance is written above this one: no model of the noise is that good.
MOST_OF_100 = 99

#: Significant digits of the half-width of a bracket, which round the bracket and its estimate.
HALF_WIDTH_DIGITS = 2

#: No ratio has more decimals than these, however narrow its bracket is.
MOST_DECIMALS = 4


@dataclass(frozen=True)
class Bracket:
    """A ratio of speeds with its bounds. A bound is None if the data cannot give one."""

    estimate: float
    low: float | None
    high: float | None

    @classmethod
    def of(cls, found: Interval) -> Bracket:
        """Return an interval as a bracket."""
        return cls(found.estimate, found.low, found.high)

    @property
    def known(self) -> bool:
        """Whether both bounds are known and finite."""
        bounds = (self.low, self.high)
        return all(bound is not None and math.isfinite(bound) for bound in bounds)

    @property
    def inverse(self) -> Bracket:
        """The bracket of the reciprocal."""
        low = None if not self.high else 1 / self.high
        high = None if not self.low else 1 / self.low
        return Bracket(1 / self.estimate, low, high)


def level(chance: float) -> str:
    """Return the word for a chance: surely, very likely, probably, or not known."""
    return next((word for least, word in LEVELS if chance >= least), NOT_KNOWN)


def of_100(chance: float) -> str:
    """Return a chance as `98 of 100`. It is rounded down and never above 99 of 100."""
    return f"{min(MOST_OF_100, math.floor(100 * chance + 1e-9))} of 100"


def chance(value: float) -> str:
    """Return a chance in words and as a number: `very likely (98 of 100)`."""
    return f"{level(value)} ({of_100(value)})"


def rounded(bracket: Bracket) -> tuple[str, ...]:
    """Return the estimate and the bounds as texts; only the estimate if a bound is unknown.

    The bounds keep two digits of the half-width, and the estimate ends at the same place.
    """
    if not bracket.known:
        return (units.significant(bracket.estimate),)
    assert bracket.low is not None, "a known bracket has bounds"
    assert bracket.high is not None, "a known bracket has bounds"
    half = (bracket.high - bracket.low) / 2
    if half <= 0:
        return tuple(map(units.significant, (bracket.estimate, bracket.low, bracket.high)))
    exponent = int(f"{half:.{HALF_WIDTH_DIGITS - 1}e}".partition("e")[2])
    place = min(HALF_WIDTH_DIGITS - 1 - exponent, MOST_DECIMALS)
    values = (bracket.estimate, bracket.low, bracket.high)
    return tuple(f"{round(value, place):.{max(place, 0)}f}" for value in values)


def bracketed(bracket: Bracket, when: str = "", unit: str = "") -> str:
    """Return `1.18 (1.02 to 1.36 on another day)`; `unit` follows the estimate."""
    estimate, *bounds = rounded(bracket)
    head = f"{estimate} {unit}".rstrip()
    if not bounds:
        return head
    return f"{head} ({' '.join(filter(None, (f'{bounds[0]} to {bounds[1]}', when)))})"


def times_as_fast(second: str, bracket: Bracket, when: str = ANOTHER_DAY) -> str:
    """Return `1.18 times as fast as desk (1.02 to 1.36 on another day)`."""
    return bracketed(bracket, when, f"times as fast as {second}")


def train_on(
    first: str, second: str, bracket: Bracket, value: float, when: str = ANOTHER_DAY
) -> str:
    """Return the verdict if `first` is faster; `value` is the chance that it is."""
    return f"Train on {first}: {times_as_fast(second, bracket, when)}, {chance(value)}."


def faster(first: str, second: str, bracket: Bracket, value: float, when: str = ANOTHER_DAY) -> str:
    """Return that `first` is faster, without advice; `value` is the chance that it is."""
    return f"{first} is {times_as_fast(second, bracket, when)}, {chance(value)}."


def equal(first: str, second: str, bracket: Bracket, margin: float, when: str = ANOTHER_DAY) -> str:
    """Return the verdict if two machines are equal within `margin`, a share such as 0.03."""
    return (
        f"{first} and {second} are equal within {share(margin)}: {first} is "
        f"{times_as_fast(second, bracket, when)}."
    )


def still_open(
    first: str, second: str, bracket: Bracket, value: float, when: str = ANOTHER_DAY
) -> str:
    """Return the verdict if the data do not show which machine is faster.

    `first` is the machine that looks faster, and `value` is the chance that it is.
    """
    speed = times_as_fast(second, bracket, when)
    if level(value) == NOT_KNOWN:
        return (
            f"It is not known which of {first} and {second} is faster: {first} is {speed}, and "
            f"the chance that it is faster is {of_100(value)}."
        )
    if level(value) == SURELY:  # the word is for findings
        return (
            f"The chance that {first} is faster than {second} is {of_100(value)}, but this is not "
            f"a finding yet: it is {speed}. A finding must be sure among all pairs, and larger "
            "than the margin."
        )
    return (
        f"{first} is {level(value)} faster than {second} ({of_100(value)}), but this is not a "
        f"finding yet: it is {speed}."
    )


def would_take(
    sittings: int | None,
    seconds: float | None = None,
    usd: float | None = None,
    *,
    already: int = 0,
    prices_of: str | None = None,
) -> str:
    """Return what would settle an open comparison, given the sittings that each machine needs.

    `already` is how many sittings the machine with fewer has. `seconds` and `usd` are the time and
    the dollars of the sittings that are missing. `sittings` is None if no number is known.
    `prices_of` is the date of the oldest price.
    """
    if sittings is None:
        return "No number of sittings is known that would settle it."
    more = max(sittings - already, 1)
    cost = [about(seconds)] if seconds is not None else []
    if usd is not None:
        at = f" at prices of {prices_of}" if prices_of else ""
        cost.append(f"{dollars(usd)} dollars{at}")
    paid = f" ({', '.join(cost)})" if cost else ""
    return (
        f"About {sittings} sittings of each machine would settle it: "
        f"{counted(more, 'more sitting')} of each{paid}."
    )


def one_sitting(here: Bracket, *spreads: float) -> str:
    """Return both brackets of a comparison in which a side has one sitting.

    `here` is the bracket within these sittings; `spreads` are the assumed spreads between sittings.
    """
    _, *bounds = rounded(here)
    within = f"In these sittings alone it is {bounds[0]} to {bounds[1]}. " if bounds else ""
    differ = and_list([share(spread) for spread in spreads])
    return (
        f"{within}The bracket for another day assumes that sittings differ by {differ}, "
        "because one sitting cannot show how much they differ."
    )


def assumed(part: float, sources: tuple[str, ...] = ()) -> str:
    """Return how much of a bracket is assumed; `part` is a share of its variance."""
    named = f" ({and_list(sources)})" if sources else ""
    if part >= 0.995:
        return f"All of the bracket is assumed{named}."
    if part < 0.005:
        return "The bracket is measured; no part of it is assumed."
    return f"{share(part)} of the bracket is assumed{named}, and the rest is measured."


def about(seconds: float) -> str:
    """Return a time that is only estimated: `about 40 s`, `about 31 minutes`, `about 3.5 hours`."""
    if seconds < 90:
        return f"about {seconds:.0f} s"
    if seconds < 120 * 60:
        return f"about {seconds / 60:.0f} minutes"
    return f"about {seconds / 3600:.1f} hours"


def share(value: float) -> str:
    """Return a share in per cent as a sentence holds it: `3%`, `2.5%`."""
    return f"{100 * value:.2g}%" if abs(value) < 1 else f"{100 * value:.0f}%"


def dollars(usd: float) -> str:
    """Return dollars with cents, or with two significant digits below a cent."""
    return f"{usd:.2f}" if usd >= 0.01 or usd == 0 else units.significant(usd, 2)
