"""What one more sitting would buy, in a sentence at the end of a run."""

from __future__ import annotations

import math

from bench.analysis.outlook import Outlook
from bench.report.words.sureness import share

#: How to get more sittings.
HOW = "give the same command again later, or --sittings 3 --gap 30m"


def one_more(found: Outlook) -> str:
    """Return how one more sitting would narrow the bracket, and how to measure it."""
    belief = f", assuming that sittings differ by {share(found.spread)}"
    when = f"for its mean over many days{belief if found.assumed >= 0.005 else ''}"
    return (
        f"One more sitting would narrow this machine's bracket from about {_half(found.now)} to "
        f"about {_half(found.with_one_more)} ({when}): {HOW}."
    )


def _half(log: float) -> str:
    return f"+-{share(math.expm1(log))}"
