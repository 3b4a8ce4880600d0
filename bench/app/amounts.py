"""Numbers as a user types them: times such as `30m`, dollars, percentages, finite numbers."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Any

import click

from bench.spec.limits import MOST_AMOUNT

#: Seconds of each unit of time.
SECONDS: Mapping[str, int] = {"s": 1, "m": 60, "min": 60, "h": 3600, "d": 86_400}

_NUMBER = r"(?:\d+(?:\.\d*)?|\.\d+)"
_TIME = re.compile(rf"({_NUMBER})\s*(min|[smhd])")
_TIMES = re.compile(rf"(?:{_NUMBER}\s*(?:min|[smhd])\s*)+")
_DOLLARS = re.compile(rf"\$?\s*({_NUMBER})\s*(?:usd|dollars?|\$)?", re.IGNORECASE)


class Duration(click.ParamType[float]):
    """A time in seconds: `90s`, `30m`, `1.5h`, `1h30m`; a plain number is minutes."""

    name = "time"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        """Return the seconds."""
        text = str(value).strip().lower()
        text = f"{text}m" if re.fullmatch(_NUMBER, text) else text
        parts = _TIME.findall(text) if _TIMES.fullmatch(text) else []
        seconds = sum(float(number) * SECONDS[unit] for number, unit in parts)
        if not 0 < seconds <= MOST_AMOUNT:
            self.fail(
                f"{value!r} is not a time above 0: write 90s, 30m or 1.5h (a plain number is "
                "minutes)",
                param,
                ctx,
            )
        return seconds


class Dollars(click.ParamType[float]):
    """An amount of dollars: `5usd`, `0.40`, `$5`."""

    name = "dollars"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        """Return the dollars."""
        found = _DOLLARS.fullmatch(str(value).strip())
        usd = float(found[1]) if found else 0.0
        if not 0 < usd <= MOST_AMOUNT:
            self.fail(f"{value!r} is no amount of dollars: give one such as 5usd", param, ctx)
        return usd


class Number(click.ParamType[float]):
    """A finite number."""

    name = "number"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        """Return the number."""
        number = _as_float(value)
        if not math.isfinite(number):
            self.fail(f"{value!r} is not a finite number: give one such as 0.98", param, ctx)
        return number


class Amount(click.ParamType[float]):
    """A finite number above 0."""

    name = "number"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        """Return the number."""
        number = _as_float(value)
        if not 0 < number <= MOST_AMOUNT:
            self.fail(f"{value!r} is not a number above 0 and up to {MOST_AMOUNT:g}", param, ctx)
        return number


class Percent(click.ParamType[float]):
    """A share: `3%`, or `0.03` as a bare number below 1; the value is 0.03."""

    name = "percent"

    def get_metavar(self, param: click.Parameter, ctx: click.Context) -> str:
        """Return what stands for the value in the help."""
        return "PERCENT"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        """Return the share."""
        if isinstance(value, float):
            return value
        text = str(value).strip()
        number = _as_float(text.removesuffix("%"))
        if text.endswith("%") and 0 < number <= MOST_AMOUNT:
            return number / 100
        if 0 < number < 1:
            return number
        meant = f"did you mean {number:g}%? " if 1 <= number < math.inf else ""
        self.fail(
            f"{value!r} is not a share above 0. Next: {meant}write 3% or 0.03 for three per cent",
            param,
            ctx,
        )


def _as_float(value: Any) -> float:
    """Return a value as a number; for another text NaN, which every check refuses."""
    try:
        return float(value)
    except ValueError:
        return math.nan
