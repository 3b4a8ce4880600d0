"""The time of day, as records keep it."""

from __future__ import annotations

from datetime import UTC, datetime


def utc_now() -> str:
    """Return the present time in UTC, ISO 8601, to the millisecond."""
    return datetime.now(UTC).isoformat(timespec="milliseconds")
