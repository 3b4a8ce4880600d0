"""Formats numbers with units for people; an unknown number is always `n/a`."""

from __future__ import annotations

import math

NOT_AVAILABLE = "n/a"


def significant(value: float | None, digits: int = 3) -> str:
    """Return `value` with `digits` significant digits; large values have no exponent: 4.56, 789."""
    if value is None or not math.isfinite(value):
        return NOT_AVAILABLE
    text = f"{value:.{digits}g}"
    return f"{float(text):.0f}" if "e" in text and abs(value) >= 1 else text


def seconds(value: float | None) -> str:
    """Return seconds with three significant digits, and with one decimal from 100 s on."""
    if value is None or not math.isfinite(value):
        return NOT_AVAILABLE
    return f"{value:.1f}" if round(value, 1) >= 100 else significant(value)


def percent(value: float | None) -> str:
    """Return a share as a whole percentage."""
    return NOT_AVAILABLE if value is None or not math.isfinite(value) else f"{100 * value:.0f} %"


def duration(value: float | None) -> str:
    """Return a rounded duration: `45 s`, `3 min 20 s`, `1 h 05 min`."""
    if value is None:
        return NOT_AVAILABLE
    total = max(0, round(value))
    if total < 60:
        return f"{total} s"
    minutes, rest = divmod(total, 60)
    if minutes < 60:
        return f"{minutes} min {rest:02d} s"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02d} min"


def mebibytes(value_bytes: int | None) -> str:
    """Return bytes as whole MiB."""
    return NOT_AVAILABLE if value_bytes is None else f"{value_bytes / 2**20:.0f}"


def gibibytes(value_bytes: int | None) -> str:
    """Return bytes as GiB with one decimal."""
    return NOT_AVAILABLE if value_bytes is None else f"{value_bytes / 2**30:.1f}"


def gigahertz(value_hz: float | None) -> str:
    """Return a clock rate as GHz with two decimals."""
    return NOT_AVAILABLE if value_hz is None else f"{value_hz / 1e9:.2f}"
