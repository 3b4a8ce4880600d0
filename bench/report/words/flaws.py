"""What is said of the lines of journals that do not count."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

#: Lines of journals that are named one by one.
MOST = 10


def flaws(warnings: Sequence[str]) -> Iterator[str]:
    """Yield a sentence for each line that does not count, and one for the rest if they are many."""
    for warning in warnings[:MOST]:
        yield warning if warning.endswith(".") else f"{warning}."
    if more := len(warnings[MOST:]):
        yield f"{more} more lines of journals do not count; tables/reproduce.csv names them."
