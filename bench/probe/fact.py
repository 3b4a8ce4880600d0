"""A fact as a row of a table, and reading it so that no source can fail or hang a run."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

#: Seconds that one fact's source may take; a row may state its own.
LIMIT_S = 0.5

#: Seconds after which a probe gives up on the rows that are left, however many sources hang.
BUDGET_S = 8.0

#: How the reasons begin of a fact whose source was given up: another look may find it.
NO_ANSWER, TOO_LATE = "gave no answer", "not read"


class Absent(Exception):
    """Raised by a reader to say in plain words why there is nothing to read."""


@dataclass(frozen=True)
class Fact:
    """One fact: its name in MachineFacts, how it is read, its unit, what it is when unknown.

    `how` names the source in words. `absent` is the reason that is recorded where `read` returns
    None; an empty one says that None is a finding (no limit is set) and shows as `none`.
    """

    name: str
    read: Callable[[], Any]
    how: str
    unit: str = ""
    absent: str = "not stated by this system"
    limit_s: float = LIMIT_S


@dataclass
class Readings:
    """Values by fact, and the reason of each that is None."""

    values: dict[str, Any] = field(default_factory=dict)
    unknown: dict[str, str] = field(default_factory=dict)


def read_facts(facts: Sequence[Fact], budget_s: float = BUDGET_S) -> Readings:
    """Read every row in order; one that raises, hangs or says nothing is None, with its reason."""
    readings = Readings()
    deadline = time.monotonic() + budget_s
    for fact in facts:
        left_s = deadline - time.monotonic()
        late = f"{TOO_LATE}: other sources had taken {budget_s:g} s already"
        value, reason = (
            in_time(fact.read, min(fact.limit_s, left_s)) if left_s > 0 else (None, late)
        )
        readings.values[fact.name] = value
        if value is None and (reason or fact.absent):
            readings.unknown[fact.name] = reason or fact.absent
    return readings


def in_time(read: Callable[[], Any], limit_s: float) -> tuple[Any, str | None]:
    """Return (what `read` gives, None), or (None, why not) when it raises or overruns `limit_s`.

    A reader that hangs is left behind in its daemon thread, which cannot hold up the exit.
    """
    outcome: list[tuple[Any, str | None]] = []

    def run() -> None:
        try:
            outcome.append((read(), None))
        except Absent as error:
            outcome.append((None, str(error)))
        except Exception as error:  # a probe must never stop a run, whatever its source does
            outcome.append((None, f"{type(error).__name__}: {error}"[:200]))

    thread = threading.Thread(target=run, daemon=True)
    try:
        thread.start()
    except RuntimeError as error:  # a container's limit of processes is reached
        return None, f"{NO_ANSWER}: {error}"
    thread.join(limit_s)
    return outcome[0] if outcome else (None, f"{NO_ANSWER} within {limit_s:.2g} s")


def was_given_up(reason: str | None) -> bool:
    """Say whether a fact is unknown only because its source was too slow this time."""
    return reason is not None and reason.startswith((NO_ANSWER, TOO_LATE))
