"""The time of day and the date in the format of the records."""

from __future__ import annotations

from datetime import UTC, datetime


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
