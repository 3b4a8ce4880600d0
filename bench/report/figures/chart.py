"""What the charts share: their data, their axes, the text beside a row, the specification."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from bench.report.figures.theme import TWO_TONE
from bench.report.rows import plain

if TYPE_CHECKING:
    import altair as alt

#: The width of a chart's frame and the height of a row of it, in pixels.
FRAME, ROW = 460, 24

#: The most rows or machines that a chart of rows shows.
MOST_ROWS = 40

#: An axis is logarithmic if its largest value is so many times the smallest.
LOG_FROM = 6.0

#: A bound that lies farther than this from all estimates does not widen an axis.
FAR = 3.0

#: How numbers on an axis are written: with four significant digits at most.
NUMBER = ",.4~r"

Rows = Sequence[Mapping[str, Any]]


def spec_of(chart: alt.TopLevelMixin | Mapping[str, Any], name: str, rows: Rows) -> dict[str, Any]:
    """Return the whole specification of a chart whose data set is `rows`, called `name`.

    The rows are added last, and altair checks nothing here, because both would take seconds: a
    test checks every specification against altair's schema. Altair also refuses more than 5,000
    rows.
    """
    spec = chart if isinstance(chart, Mapping) else chart.to_dict(validate=False)
    data = {"name": name, "values": [plain(row) for row in rows]}
    return {**_dataless(spec), "data": data, "config": dict(TWO_TONE)}


def part_of(chart: alt.TopLevelMixin) -> dict[str, Any]:
    """Return a chart as a part of another specification, without what only a whole one has."""
    spec: dict[str, Any] = chart.to_dict(validate=False)
    return {key: value for key, value in spec.items() if key not in ("$schema", "config")}


def _dataless(part: Any) -> Any:
    """Return a part of a specification without the empty data that altair gives to each layer."""
    if isinstance(part, Mapping):
        return {
            key: _dataless(value) for key, value in part.items() if key not in ("data", "datasets")
        }
    return [_dataless(value) for value in part] if isinstance(part, list) else part


def domain(
    estimates: Iterable[float | None], bounds: Iterable[float | None] = ()
) -> tuple[float, float]:
    """Return the least and the greatest of some positive figures, with a little room.

    Bounds widen the domain by a factor of `FAR` at most, so that one wide bracket does not hide
    how the estimates differ.
    """
    known = [value for value in estimates if value is not None and value > 0]
    low, high = min(known), max(known)
    near = [value for value in bounds if value is not None and low / FAR <= value <= high * FAR]
    far = [value for value in bounds if value is not None and value > 0]
    low = min([low, *near, *([low / FAR] if any(value < low / FAR for value in far) else [])])
    high = max([high, *near, *([high * FAR] if any(value > high * FAR for value in far) else [])])
    room = max((high / low) ** 0.04, 1.005)
    return low / room, high * room


def axis_of(
    ends: tuple[float, float], title: str | None, *, zero: bool = False, count: int = 6
) -> tuple[alt.Scale, alt.Axis]:
    """Return the scale and the axis of positive figures; a logarithmic one if the ends differ much.

    The axis of a linear scale begins at 0 if `zero`.
    """
    import altair as alt

    low, high = ends
    if high / low < LOG_FROM:
        scale = alt.Scale(domain=[0 if zero else low, high], nice=False, zero=zero)
        return scale, alt.Axis(title=title, format=NUMBER, tickCount=count)
    scale = alt.Scale(type="log", domain=[low, high], nice=False)
    return scale, alt.Axis(title=title, format=NUMBER, values=ticks(low, high))


def ticks(low: float, high: float) -> list[float]:
    """Return the round figures from `low` to `high` for a logarithmic axis: 1, 2 and 5."""
    powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    leading: tuple[int, ...] = (1, 2, 5) if high / low < 500 else (1,)
    return [
        value for power in powers for one in leading if low <= (value := one * 10.0**power) <= high
    ]
