"""Lists of names in a sentence."""

from __future__ import annotations

from collections.abc import Sequence


def and_list(names: Sequence[str]) -> str:
    """Return names joined by commas and `and`."""
    return " and ".join(filter(None, (", ".join(names[:-1]), names[-1])))


def or_list(names: Sequence[str]) -> str:
    """Return names joined by commas and `or`."""
    return " or ".join(filter(None, (", ".join(names[:-1]), names[-1])))
