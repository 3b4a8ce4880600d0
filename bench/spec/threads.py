"""How many threads a job asks for: a whole number, or `max` for the usable CPUs of its machine."""

from __future__ import annotations

from typing import Any

from bench.spec.limits import MOST_THREADS

#: The word for as many threads as the machine has usable CPUs; a job holds None for it.
MAX = "max"


def thread_count(value: Any) -> int | None:
    """Return the number that a grid or a word of the command line names; None stands for `max`.

    Raises ValueError if it is neither a whole number above 0 nor `max`.
    """
    if value == MAX:
        return None
    if isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= MOST_THREADS:
        return value
    raise ValueError(f"write a whole number from 1 to {MOST_THREADS}, or {MAX}")
