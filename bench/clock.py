"""The time of day and the date in the format of the records."""

from __future__ import annotations

from datetime import UTC, datetime


def utc_now() -> str:
    """Return the current UTC time in ISO 8601, to the millisecond."""
    return datetime.now(UTC).isoformat(timespec="milliseconds")


def utc_today() -> str:
    """Return the current UTC date, as YYYY-MM-DD."""
    return f"{datetime.now(UTC):%Y-%m-%d}"
