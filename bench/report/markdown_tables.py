"""A table as Markdown: its grid, what all rows have in common, its legend and its notes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from tabulate import tabulate

from bench import units
from bench.report.column import Column, Table
from bench.report.escaping import bullet, escape, paragraph
from bench.report.rows import Row
from bench.report.words.catalogue import Words
from bench.report.words.notes import cut

#: So many rows of a table are shown, and so many of a sideways table, whose rows are its columns.
MOST_ROWS, MOST_SIDEWAYS = 200, 20
#: At most so many machines stand beside each other in a sideways table.
ABREAST = 4


@dataclass
class Told:
    """What a report has said already, and need not say again under a further table.

    `constants` are the texts that are the same in all tables, by the key of the column. `meanings`
    grows from table to table.
    """

    words: Words
    constants: Mapping[str, str] = field(default_factory=dict)
    meanings: set[tuple[str, str]] = field(default_factory=set)


def shared_constants(tables: Iterable[Table]) -> dict[str, tuple[str, str]]:
    """Return the headings and texts of columns that are the same in several tables, by key.

    Every table that has such a column has the same text in all its rows.
    """
    texts: dict[str, list[str | None]] = {}
    headings: dict[str, str] = {}
    for table in tables:
        if not table.shown:
            continue
        for column in table.read:
            if column.foldable:
                headings[column.key] = column.heading
                texts.setdefault(column.key, []).append(table.constants.get(column.key))
    return {
        key: (headings[key], text)
        for key, (text, *others) in texts.items()
        if text is not None
        and text != units.NOT_AVAILABLE
        and others
        and all(other == text for other in others)
    }


def section(table: Table, told: Told) -> str:
    """Return a table under its title."""
    return "\n\n".join([f"## {escape(table.title)}", *body(table, told)])


def body(table: Table, told: Told) -> list[str]:
    """Return the parts of a table: the grid, the constants, the legend and the notes."""
    notes = [paragraph(note) for note in table.notes]
    if not table.shown:
        return notes
    unknown = [column for column in table.varying if _is_unknown(column, table)]
    columns = [column for column in table.varying if column not in unknown]
    rows = table.shown[: MOST_SIDEWAYS if table.sideways else MOST_ROWS]
    grids = _sideways(columns, rows) if table.sideways else [_upright(columns, rows)]
    if len(rows) < len(table.shown):
        grids.append(paragraph(cut(len(rows), len(table.rows), table.name)))
    parts = [*grids, *_constants(table, unknown, told), _legend(columns, told), *notes]
    return [part for part in parts if part]


def _is_unknown(column: Column, table: Table) -> bool:
    """Say whether no row has a value, and none says why."""
    return all(text == units.NOT_AVAILABLE for text in table.texts(column))


def _constants(table: Table, unknown: Sequence[Column], told: Told) -> list[str]:
    headings = {column.key: column.heading for column in table.read}
    found = {key: text for key, text in table.constants.items() if told.constants.get(key) != text}
    known = [(headings[k], text) for k, text in found.items() if text != units.NOT_AVAILABLE]
    blank = [headings[k] for k, text in found.items() if text == units.NOT_AVAILABLE]
    blank += [column.heading for column in unknown]
    return [
        *([paragraph(told.words.in_all_rows(known))] if known else []),
        *([paragraph(told.words.unknown(blank))] if blank else []),
    ]


def _legend(columns: Sequence[Column], told: Told) -> str:
    """Return the meanings of the shown columns as a list, without what was told before."""
    lines = []
    for column in columns:
        meaning = (column.heading, column.meaning)
        if column.meaning and meaning not in told.meanings:
            told.meanings.add(meaning)
            lines.append(bullet(column.meaning, column.heading))
    return "\n".join(lines)


def _upright(columns: Sequence[Column], rows: Sequence[Row]) -> str:
    cells = [[escape(column.text(row)) for column in columns] for row in rows]
    headings = [escape(column.heading) for column in columns]
    return _grid(cells, headings, ["right" if column.numeric else "left" for column in columns])


def _sideways(columns: Sequence[Column], rows: Sequence[Row]) -> list[str]:
    """Return one grid for every few rows; the first column gives its heading, others its lines."""
    first, *rest = columns
    grids = []
    for start in range(0, len(rows), ABREAST):
        few = rows[start : start + ABREAST]
        headings = [escape(text) for text in (first.heading, *(first.text(row) for row in few))]
        lines = [
            [escape(column.heading), *(escape(column.text(row)) for row in few)] for column in rest
        ]
        grids.append(_grid(lines, headings, ["left"] * len(headings)))
    return grids


def _grid(cells: list[list[str]], headings: list[str], align: list[str]) -> str:
    """Return a pipe table; tabulate would widen each heading by two, so it is set as a row."""
    lines = tabulate(
        [headings, *cells], tablefmt="pipe", colalign=align, disable_numparse=True
    ).splitlines()
    rule, heading, *body = lines
    return "\n".join([heading, rule, *body])
