"""A fact as a row of a table, and how to read it so that no source can fail or hang a run."""

from __future__ import annotations

import functools
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from bench.probe.root import HOST, Root

#: Seconds that the source of one fact may take; a row may set its own limit.
LIMIT_S = 0.5

#: Seconds for facts that are read from files of each of up to 2,000 CPUs.
MANY_S = 2.0

#: Seconds that a call to a framework may take.
FRAMEWORK_LIMIT_S = 2.0

#: Seconds after which a probe skips the remaining rows, however many sources hang.
BUDGET_S = 8.0

#: Reason for facts of a faked root that no file states and that it has no answer for.
NOT_IN_FILES = "no file of a faked root states it, and its answers do not"

#: Beginnings of the reasons for facts whose source was too slow; another probe may read them.
NO_ANSWER, TOO_LATE = "gave no answer", "not read"


class Absent(Exception):
    """Raised by a reader if there is nothing to read; the message says why."""


@dataclass(frozen=True)
class Fact:
    """One fact: its name in MachineFacts, how it is read, its unit, and why it may be unknown.

    `how` names the source. `absent` is the reason that is recorded if `read` returns None. If
    `absent` is empty, None is a result (for example, no limit is set) and is shown as `none`.
    If `is_asked`, no file states the fact: a faked root holds the value among its answers, and
    `missing` gives the reason if it does not.
    """

    name: str
    read: Callable[[Root], Any]
    how: str
    unit: str = ""
    absent: str = "not stated by this system"
    limit_s: float = LIMIT_S
    is_asked: bool = False
    missing: Callable[[Root], str] = lambda root: NOT_IN_FILES

    def value(self, root: Root) -> Any:
        """Return the fact of the machine whose files lie below `root`."""
        if root.answers is None or not (self.is_asked or root.is_macos):
            return self.read(root)
        known = root.answers.facts.get(self.name)
        if known is None and self.is_asked:
            raise Absent(root.answers.unknown.get(self.name) or self.missing(root))
        return self.read(root) if known is None else known


@dataclass
class Readings:
    """The value of each fact, and the reason for each value that is None."""

    values: dict[str, Any] = field(default_factory=dict)
    unknown: dict[str, str] = field(default_factory=dict)


def read_facts(facts: Sequence[Fact], budget_s: float = BUDGET_S, root: Root = HOST) -> Readings:
    """Read all rows of `root` in order.

    A row that raises, hangs or is empty gives None with a reason.
    """
    readings = Readings()
    deadline = time.monotonic() + budget_s
    for fact in facts:
        left_s = deadline - time.monotonic()
        late = f"{TOO_LATE}: other sources had already taken {budget_s:g} s"
        value, reason = (
            in_time(functools.partial(fact.value, root), min(fact.limit_s, left_s))
            if left_s > 0
            else (None, late)
        )
        readings.values[fact.name] = value
        if value is None and (reason or fact.absent):
            readings.unknown[fact.name] = reason or fact.absent
    return readings


def in_time(read: Callable[[], Any], limit_s: float) -> tuple[Any, str | None]:
    """Return (the result of `read`, None), or (None, reason) if it raises or overruns `limit_s`.

    A reader that hangs stays in its daemon thread, which does not delay the exit.
    """
    outcome: list[tuple[Any, str | None]] = []

    def run() -> None:
        try:
            outcome.append((read(), None))
        except Absent as error:
            outcome.append((None, str(error)))
        except Exception as error:  # a failing source must never stop a run
            outcome.append((None, f"{type(error).__name__}: {error}"[:200]))

    thread = threading.Thread(target=run, daemon=True)
    try:
        thread.start()
    except RuntimeError as error:  # the container's process limit is reached
        return None, f"{NO_ANSWER}: {error}"
    thread.join(limit_s)
    return outcome[0] if outcome else (None, f"{NO_ANSWER} within {limit_s:.2g} s")


def was_given_up(reason: str | None) -> bool:
    """Say whether a fact is unknown only because its source was too slow this time."""
    return reason is not None and reason.startswith((NO_ANSWER, TOO_LATE))
