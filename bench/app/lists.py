"""Options that take a list of values, such as `sgd,adam` or `1,2,max`."""

from __future__ import annotations

import math
from typing import Any

import click
from click.shell_completion import CompletionItem

from bench.app.options import Option
from bench.outside.documents import MOST_WHOLE
from bench.spec.axes import Axis, Value
from bench.spec.threads import thread_count

#: Words for yes and no, as a list of a boolean axis may hold them.
BOOLEANS = {"yes": True, "true": True, "no": False, "false": False}


class ListOption(Option):
    """An option whose value is a list; given several times, it stands for all values together."""

    def __init__(self, *words: str, **fields: Any) -> None:
        super().__init__(*words, multiple=True, **fields)

    def process_value(self, ctx: click.Context, value: Any) -> Any:
        """Return the values as one list; None if the option was not given."""
        lists = super().process_value(ctx, value)
        return tuple(one for values in lists for one in values) or None


class Values(click.ParamType[tuple[Value, ...]]):
    """A list of an axis's values with commas between them, such as `sgd,adam` or `64,128`."""

    name = "values"

    def __init__(self, axis: Axis, most: int = MOST_WHOLE) -> None:
        self._axis, self._most = axis, most

    def get_metavar(self, param: click.Parameter, ctx: click.Context) -> str:
        """Return what stands for the value in the help."""
        return "A,B"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[Value, ...]:
        """Return the values, each of the axis's type and not below its least."""
        words = [word.strip() for word in str(value).split(",") if word.strip()]
        if not words:
            self.fail(f"there is no value in {value!r}: give a list like A,B", param, ctx)
        return tuple(self._one(word, param, ctx) for word in words)

    def _one(self, word: str, param: click.Parameter | None, ctx: click.Context | None) -> Value:
        kind, least = self._axis.type, self._axis.least
        if kind == "str":
            return word
        if kind == "bool":
            if word.lower() not in BOOLEANS:
                self.fail(f"{word!r} is neither yes nor no", param, ctx)
            return BOOLEANS[word.lower()]
        try:
            number = int(word) if kind == "int" else float(word)
        except ValueError:
            what = "whole number" if kind == "int" else "number"
            self.fail(f"{word!r} is not a {what}; a list has commas, such as 1,2,3", param, ctx)
        if not math.isfinite(number) or (least is not None and number < least):
            self.fail(
                f"{word!r} is not {least if least is not None else 'finite'} or more", param, ctx
            )
        if number > self._most:
            self.fail(f"{word!r} is more than {self._most}", param, ctx)
        return number

    def shell_complete(
        self, ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> list[CompletionItem]:
        """Return the known values that the last word of the list may become."""
        done, comma, word = incomplete.rpartition(",")
        known = [str(value) for value in self._axis.known if str(value).startswith(word)]
        return [CompletionItem(f"{done}{comma}{value}") for value in known]


class ThreadCounts(click.ParamType[tuple[int | None, ...]]):
    """A list of numbers of threads with commas between them, such as `1,2,max`."""

    name = "threads"

    def get_metavar(self, param: click.Parameter, ctx: click.Context) -> str:
        """Return what stands for the value in the help."""
        return "N,M"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[int | None, ...]:
        """Return the numbers; None stands for `max`."""
        words = [word.strip() for word in str(value).split(",")]
        try:
            return tuple(thread_count(int(w) if w.isdecimal() else w or 0) for w in words)
        except ValueError as error:
            self.fail(f"{value!r} is no list of threads: {error}", param, ctx)
