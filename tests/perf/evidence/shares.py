"""Small pieces that the tables share: shares of draws with their bounds, and tables in Markdown."""

from __future__ import annotations

import math
from dataclasses import dataclass

from scipy.stats import beta
from worlds import SEED


@dataclass(frozen=True)
class Table:
    """A table of the document: its name there, a sentence before it, headings and rows."""

    name: str
    about: str
    headings: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]

    @property
    def markdown(self) -> str:
        """The sentence and the table."""
        rule = ("---",) * len(self.headings)
        lines = ("| " + " | ".join(row) + " |" for row in (self.headings, rule, *self.rows))
        return f"{self.about}\n\n" + "\n".join(lines)


def low_bound(hits: int, draws: int) -> float:
    """Return the lower bound of a share, one-sided at 95% (Clopper and Pearson)."""
    return float(beta.ppf(0.05, hits, draws - hits + 1)) if hits else 0.0


def high_bound(hits: int, draws: int) -> float:
    """Return the upper bound of a share, one-sided at 95% (Clopper and Pearson)."""
    return float(beta.ppf(0.95, hits + 1, draws - hits)) if hits < draws else 1.0


def percent(share: float, digits: int = 1) -> str:
    """Return a share as a percentage."""
    return f"{100 * share:.{digits}f}%"


def at_least(hits: int, draws: int) -> str:
    """Return a share with its lower bound."""
    return f"{100 * hits / draws:.1f}% ({100 * low_bound(hits, draws):.1f})"


def at_most(hits: int, draws: int) -> str:
    """Return a share with its upper bound."""
    return f"{100 * hits / draws:.1f}% ({100 * high_bound(hits, draws):.1f})"


def half_width(log: float) -> str:
    """Return half of a bracket of logs as a percentage of the ratio."""
    return f"{100 * math.expm1(log):.1f}%" if log < 5 else "over 100 times"


def counted(draws: int) -> str:
    """Return the sentence that makes a simulation repeatable."""
    return f"{draws:,} draws a row; seed {SEED}."
