"""The options of a workload's axes: how each is typed, and what the parsed ones say."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bench.app.lists import ListOption, Values
from bench.app.options import Option
from bench.outside.documents import MOST_WHOLE
from bench.spec.axes import ALL, Axis, Value

#: The axes' values among the parsed options, which no other option may be mistaken for.
AXIS = "axis__"


def axis_option(
    axis: Axis, section: str, *, expose_as: str | None = None, most: int = MOST_WHOLE
) -> Option:
    """Return the option of an axis: a list of its values, or a flag if it is yes or no."""
    word, name = axis.key.replace("_", "-"), expose_as or AXIS + axis.name
    if axis.type == "bool":
        words = f"--{word}/--no-{word}"
        return Option(
            words, name, section=section, default=None, help=axis.meaning, show_default=False
        )
    choices = f"choices: {', '.join(map(str, axis.known))}" if axis.known else ""
    every = f"{ALL} stands for every one that is installed" if ALL in axis.known else ""
    meaning = "; ".join(filter(None, (axis.meaning, choices, every)))
    return ListOption(f"--{word}", name, section=section, type=Values(axis, most), help=meaning)


def axis_values(values: Mapping[str, Any]) -> dict[str, tuple[Value, ...]]:
    """Return the values that the parsed options name, by the name of the axis."""
    return {
        name.removeprefix(AXIS): (value,) if isinstance(value, bool) else value
        for name, value in values.items()
        if name.startswith(AXIS) and value is not None
    }
