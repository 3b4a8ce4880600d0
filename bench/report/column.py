"""What a report is made of, before any markup: tables of raw values and how a cell reads."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from bench import units

Row = Mapping[str, Any]


@dataclass(frozen=True)
class Column:
    """One column as people read it; `format` turns a row into the text of its cell.

    The unit stands in `key` and in `heading`. A `foldable` column whose cells all read the same
    goes into the table's note instead of taking up width.
    """

    key: str
    heading: str
    format: Callable[[Row], str]
    numeric: bool = False
    foldable: bool = False


@dataclass(frozen=True)
class Table:
    """Rows of raw values, which of them people read, and a note.

    `rows` go to JSON and CSV whole, with every key; `brief`, where given, are the rows that the
    readable renderings show. `sideways` turns columns into lines: for few rows of many columns.
    All texts are plain: a renderer escapes them.
    """

    name: str
    title: str
    columns: tuple[Column, ...]
    rows: tuple[Row, ...]
    note: str = ""
    brief: tuple[Row, ...] | None = None
    sideways: bool = False

    @property
    def shown(self) -> tuple[Row, ...]:
        """The rows that people read."""
        return self.rows if self.brief is None else self.brief

    @property
    def keys(self) -> tuple[str, ...]:
        """Every key of any row, in order of first appearance; the columns' keys without rows."""
        found = dict.fromkeys(key for row in self.rows for key in row)
        return tuple(found) or tuple(column.key for column in self.columns)

    def folded(self) -> tuple[tuple[Column, ...], str]:
        """Return the columns that differ between the rows shown, and a sentence of the rest."""
        constant = {
            column.key: column.format(self.shown[0])
            for column in self.columns
            if column.foldable and len({column.format(row) for row in self.shown}) == 1
        }
        if not constant:
            return self.columns, ""
        left = tuple(column for column in self.columns if column.key not in constant)
        headings = {column.key: column.heading for column in self.columns}
        facts = "; ".join(f"{headings[key]}: {text}" for key, text in constant.items())
        return left, f"In all rows: {facts}."


@dataclass(frozen=True)
class Report:
    """A title, the answer in plain paragraphs, the tables, and notes on the whole."""

    title: str
    verdict: tuple[str, ...]
    tables: tuple[Table, ...]
    notes: tuple[str, ...] = ()


def plain(value: Any) -> Any:
    """Return `value` as JSON can hold it: NumPy scalars unwrapped, NaN and infinity as None."""
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [plain(item) for item in value]
    if hasattr(value, "item") and not isinstance(value, (str, bytes)):
        value = value.item()
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return value if value is None or isinstance(value, (str, bool, int)) else str(value)


def text(key: str, heading: str, *, foldable: bool = False, width: int | None = None) -> Column:
    """Return a column of words, cut to `width` characters; None reads `n/a`."""
    return Column(key, heading, lambda row: clipped(words(row.get(key)), width), foldable=foldable)


def number(
    key: str,
    heading: str,
    form: Callable[[Any], str] = units.significant,
    *,
    foldable: bool = False,
) -> Column:
    """Return a column of numbers, three significant digits unless `form` says otherwise."""
    return Column(key, heading, lambda row: form(plain(row.get(key))), True, foldable)


def ranged(key: str, heading: str, low: str, high: str, suffix: str = "") -> Column:
    """Return a column of estimates with their bounds: `1.9x [1.7, 2.1]`."""

    def form(row: Row) -> str:
        return interval(row.get(key), row.get(low), row.get(high), suffix)

    return Column(key, heading, form, numeric=True)


def interval(estimate: Any, low: Any, high: Any, suffix: str = "") -> str:
    """Return `1.9x [1.7, 2.1]`, without the bounds where they are unknown."""
    estimate, low, high = plain(estimate), plain(low), plain(high)
    if estimate is None:
        return units.NOT_AVAILABLE
    centre = units.significant(estimate) + suffix
    if low is None or high is None:
        return centre
    return f"{centre} [{units.significant(low)}, {units.significant(high)}]"


def words(value: Any) -> str:
    """Return a fact as words: lists joined, truth as yes or no, None as `n/a`."""
    value = plain(value)
    if value is None or value == "" or value == []:
        return units.NOT_AVAILABLE
    if isinstance(value, bool):
        return "yes" if value else "no"
    return " ".join(str(item) for item in value) if isinstance(value, list) else str(value)


def clipped(value: str, width: int | None) -> str:
    """Return `value` on one line, cut to `width` characters with an ellipsis."""
    line = " ".join(value.split())
    return line if width is None or len(line) <= width else line[: width - 1] + "…"
