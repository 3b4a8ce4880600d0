"""What a check of the doctor found: a state, what was seen, and the command that mends it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

#: `problem` would stop a run, or let it measure something else than was asked for. `warning` would
#: not. `skipped` was not looked at, because nothing that was named needs it.
State = Literal["ok", "warning", "problem", "skipped"]


@dataclass(frozen=True)
class CheckResult:
    """One result; `check` is the name of its check, which the table of checks gives it."""

    state: State
    seen: str
    cure: str | None = None
    check: str = ""


def ok(seen: str) -> CheckResult:
    """Return the result that all is well."""
    return CheckResult("ok", seen)


def warning(seen: str, cure: str) -> CheckResult:
    """Return the result for something that stops no run."""
    return CheckResult("warning", seen, cure)


def problem(seen: str, cure: str) -> CheckResult:
    """Return the result for something that would stop a run."""
    return CheckResult("problem", seen, cure)


def skipped(why: str, cure: str | None = None) -> CheckResult:
    """Return the result that there was nothing to look at."""
    return CheckResult("skipped", why, cure)
