"""What a report is made of, before any markup: tables of raw values, and columns as data."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

from bench import units
from bench.report.figures.figure import Figure
from bench.report.page.page import Page
from bench.report.rows import Row, Rows, plain
from bench.report.words.sureness import Bracket, rounded
from bench.spec.languages import Language

#: How the values of a column read. `name` is a whole number that is read digit by digit, such as a
#: seed; `decimal` and `signed` have a fixed number of digits; `pairs` are names and values.
Words = Literal["text", "list", "pairs"]
Numbers = Literal["name", "number", "seconds", "decimal", "signed", "percent", "share"]
Quantities = Literal["mebibytes", "gigahertz"]
Form = Words | Numbers | Quantities


@dataclass(frozen=True)
class Column:
    """One column of a table as data.

    `key` is the key of the raw value in a row. The raw value has the `unit`; people read it
    multiplied by `scale`, with `digits` and `suffix`. `meaning` explains the column in the legend.
    `better` says which values are better. `bounds` are the keys of an estimate's bounds. If all
    cells of a `foldable` column read the same, the text stands once under the table. `width` cuts
    long texts. If the value is None, the cell is `n/a`, with the reason that the row holds under
    the key `why`. `absent` is a flag's key and a text: if the flag is true, the value is known to
    be absent, and the cell is this text.
    """

    key: str
    heading: str
    form: Form = "text"
    meaning: str = ""
    unit: str = ""
    better: Literal["higher", "lower"] | None = None
    bounds: tuple[str, str] | None = None
    scale: float = 1.0
    digits: int = 3
    suffix: str = ""
    foldable: bool = False
    width: int | None = None
    absent: tuple[str, str] | None = None
    why: str | None = None

    @property
    def numeric(self) -> bool:
        """Whether cells are aligned to the right."""
        return self.form not in ("text", "list", "pairs")

    @property
    def keys(self) -> tuple[str, ...]:
        """The keys of a row on which its cell depends."""
        absent = () if self.absent is None else (self.absent[0],)
        return (self.key, *(self.bounds or ()), *absent, *filter(None, (self.why,)))

    def text(self, row: Row) -> str:
        """Return the cell of `row` as people read it, before any markup."""
        value = plain(row.get(self.key))
        if value is None or value == "":
            return self._unknown(row)
        bounds = [plain(row.get(key)) for key in self.bounds or ()]
        if bounds and None not in bounds and self.numeric:
            return self._bracketed(value, *bounds)
        return clipped(f"{self._read(value)}{self.suffix}", self.width)

    def _bracketed(self, value: float, low: float, high: float) -> str:
        """Return an estimate with its bounds, rounded by the width of the bracket."""
        bracket = Bracket(*(self.scale * figure for figure in (value, low, high)))
        estimate, *bounds = rounded(bracket)
        return f"{estimate}{self.suffix} [{', '.join(bounds)}]"

    def _read(self, value: Any) -> str:
        """Return a known value as people read it, without the suffix."""
        if self.scale != 1 and self.numeric and not isinstance(value, str):
            value *= self.scale
        return FORMATS[self.form](value, self.digits)

    def _unknown(self, row: Row) -> str:
        if self.absent is not None and row.get(self.absent[0]):
            return self.absent[1]
        reason = plain(row.get(self.why)) if self.why else None
        return f"{units.NOT_AVAILABLE} ({reason})" if reason else units.NOT_AVAILABLE


@dataclass(frozen=True)
class Table:
    """Rows of raw values, the rows that people read, and notes.

    `rows` go to JSON and CSV whole, with every key; `brief` and `reading`, if given, are the rows
    and the columns that the readable renderings show instead. `sideways` turns columns into lines,
    which suits few rows of many columns. If a table has no rows to show, a report lists it among
    what does not apply, unless it `stands` by its notes alone. All texts are plain: a renderer
    escapes them.
    """

    name: str
    title: str
    columns: tuple[Column, ...]
    rows: Sequence[Row]
    notes: tuple[str, ...] = ()
    brief: Sequence[Row] | None = None
    reading: tuple[Column, ...] | None = None
    sideways: bool = False
    stands: bool = False

    @property
    def read(self) -> tuple[Column, ...]:
        """The columns that people read."""
        return self.columns if self.reading is None else self.reading

    def __post_init__(self) -> None:
        object.__setattr__(self, "rows", _held(self.rows))
        if self.brief is not None:
            object.__setattr__(self, "brief", _held(self.brief))

    @property
    def shown(self) -> Sequence[Row]:
        """The rows that people read."""
        return self.rows if self.brief is None else self.brief

    @property
    def keys(self) -> tuple[str, ...]:
        """Every key of any row, in order of first appearance; the columns' keys without rows."""
        return _held(self.rows).keys or tuple(column.key for column in self.columns)

    def values(self, key: str) -> Sequence[Any]:
        """Return the plain values of all rows under a key; None if a row does not have it."""
        return _held(self.rows).column(key)

    def texts(self, column: Column) -> Iterator[str]:
        """Yield the cells of a column as people read them; equal values in a row give one cell."""
        shown, before = _held(self.shown), None
        for values in zip(*map(shown.column, column.keys), strict=True):
            if values != before:
                yield column.text(dict(zip(column.keys, values, strict=True)))
            before = values

    @cached_property
    def constants(self) -> dict[str, str]:
        """The text of each foldable column whose cells all read the same, by the column's key."""
        found = {}
        for column in self.read:
            texts = self.texts(column)
            first = next(texts, None)
            if column.foldable and first is not None and all(text == first for text in texts):
                found[column.key] = first
        return found

    @property
    def varying(self) -> tuple[Column, ...]:
        """The columns that are not folded."""
        return tuple(column for column in self.read if column.key not in self.constants)


def _held(rows: Sequence[Row]) -> Rows:
    return rows if isinstance(rows, Rows) else Rows(rows)


@dataclass(frozen=True)
class Remark:
    """A line of the first screen: its kind (`failed`), its first word for readers, and the rest."""

    kind: str
    name: str
    text: str


@dataclass(frozen=True)
class Report:
    """A title, the answer in plain paragraphs, the tables, notes on the whole, and the figures.

    `page` is what the page of HTML holds beside them; without it, no page is written.
    The first screen of an annex also has an `overview` of the machines, `remarks` and the
    workload's `caveat`; `details` are the longer sentences of its verdict. Titles, headings and the
    sentences of the first screen are in the `language`.
    """

    title: str
    verdict: tuple[str, ...]
    tables: tuple[Table, ...]
    notes: tuple[str, ...] = ()
    figures: tuple[Figure, ...] = ()
    page: Page | None = None
    overview: Table | None = None
    remarks: tuple[Remark, ...] = ()
    caveat: str = ""
    details: tuple[str, ...] = ()
    language: Language = "en"

    @property
    def written(self) -> tuple[Table, ...]:
        """Every table that is written as data; the one of the first screen comes first."""
        return (*([self.overview] if self.overview is not None else []), *self.tables)


def clipped(value: str, width: int | None) -> str:
    """Return `value` on one line, cut to `width` characters with an ellipsis."""
    line = " ".join(value.split())
    return line if width is None or len(line) <= width else line[: width - 1] + "…"


def _words(value: Any, digits: int) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return " ".join(str(item) for item in value) or units.NOT_AVAILABLE
    return str(value)


def _list(value: Any, digits: int) -> str:
    return ", ".join(str(item) for item in value) or "none"


def _pairs(value: Any, digits: int) -> str:
    return ", ".join(f"{name} {item}" for name, item in value.items()) or "none"


#: The text of a value of each form, given the value and the column's digits.
FORMATS: Mapping[Form, Callable[[Any, int], str]] = {
    "text": _words,
    "list": _list,
    "pairs": _pairs,
    "name": lambda value, digits: str(value),
    "number": units.significant,
    "seconds": lambda value, digits: units.seconds(value),
    "decimal": lambda value, digits: f"{value:.{digits}f}",
    "signed": lambda value, digits: f"{value:+.{digits}f}",
    "percent": lambda value, digits: units.percent(value),
    "share": lambda value, digits: f"{100 * value:.1f}%",
    "mebibytes": lambda value, digits: units.mebibytes(value),
    "gigahertz": lambda value, digits: units.gigahertz(value),
}
