"""What a check of the doctor found: a state, what was seen, and the command that mends it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

#: `problem` would stop a run, or let it measure something else than was asked for. `warning` would
#: not. `skipped` was not looked at, because nothing that was named needs it.
State = Literal["ok", "warning", "problem", "skipped"]


@dataclass(frozen=True)
class Finding:
    """One finding; `check` is the name of its check, which the table of checks gives it."""

    state: State
    seen: str
    cure: str | None = None
    check: str = ""


def ok(seen: str) -> Finding:
    """Return the finding that all is well."""
    return Finding("ok", seen)


def warning(seen: str, cure: str) -> Finding:
    """Return the finding of something that stops no run."""
    return Finding("warning", seen, cure)


def problem(seen: str, cure: str) -> Finding:
    """Return the finding of something that would stop a run."""
    return Finding("problem", seen, cure)


def skipped(why: str, cure: str | None = None) -> Finding:
    """Return the finding that there was nothing to look at."""
    return Finding("skipped", why, cure)
