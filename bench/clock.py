"""The time of day and the date in the format of the records, and a clock that nothing sets."""

from __future__ import annotations

import re
import time
from datetime import UTC, date, datetime
from typing import Any


def utc_now() -> str:
    """Return the current UTC time in ISO 8601, to the millisecond."""
    return datetime.now(UTC).isoformat(timespec="milliseconds")


def seconds_between(first: str, then: str) -> float:
    """Return the seconds from one time to a later one, both in the format of the records."""
    return (datetime.fromisoformat(then) - datetime.fromisoformat(first)).total_seconds()


def minute(text: str) -> str:
    """Return a time in the format of the records to the minute: `2026-11-26 02:23`."""
    return text[:16].replace("T", " ")


def utc_today() -> str:
    """Return the current UTC date, as YYYY-MM-DD."""
    return f"{datetime.now(UTC):%Y-%m-%d}"


def known_date(value: Any) -> str:
    """Return a year, a month or a day as text. Raises ValueError for any other value."""
    text = str(value)  # YAML makes 2026-11-01 a date and 2026 a number
    if _first_day(text) is None:
        raise ValueError(f"{text!r} is not a date: give YYYY, YYYY-MM or YYYY-MM-DD")
    return text


def days_between(first: str, then: str) -> int | None:
    """Return the days from a date to a later one, 0 if it is no later; None if one is not a date.

    A year or a month counts from its first day.
    """
    days = _first_day(first), _first_day(then)
    if days[0] is None or days[1] is None:
        return None
    return max(0, (days[1] - days[0]).days)


def _first_day(text: str) -> date | None:
    if not re.fullmatch(r"\d{4}(-\d\d){0,2}", text):
        return None
    try:
        return date.fromisoformat(text + "-01" * (2 - text.count("-")))
    except ValueError:
        return None


def since_boot_s() -> float:
    """Return the seconds since some moment; nothing sets this clock, and sleep counts.

    `time.monotonic` stands still while the computer sleeps, on Linux (CLOCK_MONOTONIC) and on macOS
    (mach_absolute_time). On macOS, CLOCK_MONOTONIC goes on (clock_gettime(3)).
    """
    return time.clock_gettime(getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC))
