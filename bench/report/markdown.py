"""A report as Markdown; every text is escaped, so that no host name or error can add markup."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Sequence

from tabulate import tabulate

from bench.report.column import Column, Report, Table
from bench.report.words.notes import in_all_rows
from bench.text import visible

#: Width at which paragraphs are wrapped.
WIDTH = 100
#: At most so many machines stand beside each other in a sideways table.
ABREAST = 4

_ENTITIES = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}
#: Backslash, emphasis, code, table cells, strike-through, mathematics.
_ALWAYS = re.compile(r"([\\`*|~$])")
#: A bracket is markup only before one of these: a link, a reference, a definition.
_LINK = re.compile(r"\](?=[(\[:])")
#: An underscore inside a word (`step_p10`) is plain in GitHub's Markdown; at its edge it is not.
_EDGE = re.compile(r"(?<![A-Za-z0-9])_|_(?![A-Za-z0-9])")
_ADDRESS = re.compile(r"(:)(?=//)|(?<=www)(\.)", re.IGNORECASE)
_LINE_START = re.compile(r"^([-+=#]|\d{1,9}(?=[.)](\s|$)))")


def render(report: Report) -> str:
    """Return the whole report as GitHub-flavoured Markdown."""
    parts = [f"# {escape(report.title)}", *map(paragraph, report.verdict)]
    told: set[tuple[str, str]] = set()
    parts += [_render_table(table, told) for table in report.tables]
    if report.notes:
        parts += ["## Notes", *map(paragraph, report.notes)]
    return "\n\n".join(part for part in parts if part) + "\n"


def escape(text: str) -> str:
    """Return `text` on one line, without outer space, so that Markdown shows it as it is."""
    line = "".join(_ENTITIES.get(character, character) for character in visible(text))
    line = _ALWAYS.sub(r"\\\1", line)
    line = _LINK.sub(r"\\]", line)
    line = _EDGE.sub(r"\\_", line)
    return _ADDRESS.sub(r"\\\g<0>", line)


def paragraph(text: str) -> str:
    """Return `text` escaped and wrapped; no line of it can begin a list, a heading or a rule."""
    lines = textwrap.wrap(escape(text), WIDTH, break_long_words=False, break_on_hyphens=False)
    return "\n".join(map(_inert, lines))


def _inert(line: str) -> str:
    return _LINE_START.sub(
        lambda match: f"{match[1]}\\" if match[1].isdigit() else f"\\{match[1]}", line
    )


def _render_table(table: Table, told: set[tuple[str, str]]) -> str:
    """Return a table with its legend; a meaning that an earlier table `told` is not repeated."""
    columns = table.varying
    bodies = _sideways(columns, table) if table.sideways else _upright(columns, table)
    parts = [
        f"## {escape(table.title)}",
        *bodies,
        *map(paragraph, _constants(table)),
        _legend(columns, table, told),
        *map(paragraph, table.notes),
    ]
    return "\n\n".join(filter(None, parts))


def _constants(table: Table) -> list[str]:
    headings = {column.key: column.heading for column in table.columns}
    pairs = [(headings[key], text) for key, text in table.constants.items()]
    return [in_all_rows(pairs)] if pairs else []


def _legend(columns: Sequence[Column], table: Table, told: set[tuple[str, str]]) -> str:
    """Return the meanings of the shown columns as a list; a table without rows has no legend."""
    if not table.shown:
        return ""
    lines = []
    for column in columns:
        meaning = (column.heading, column.meaning)
        if column.meaning and meaning not in told:
            told.add(meaning)
            lines.append(_bullet(f"**{escape(column.heading)}**: {escape(column.meaning)}"))
    return "\n".join(lines)


def _bullet(text: str) -> str:
    return textwrap.fill(
        text,
        WIDTH,
        initial_indent="- ",
        subsequent_indent="  ",
        break_long_words=False,
        break_on_hyphens=False,
    )


def _upright(columns: Sequence[Column], table: Table) -> list[str]:
    if not table.shown:
        return ["none"]
    cells = [[escape(column.text(row)) for column in columns] for row in table.shown]
    headings = [escape(column.heading) for column in columns]
    return [_grid(cells, headings, ["right" if column.numeric else "left" for column in columns])]


def _sideways(columns: Sequence[Column], table: Table) -> list[str]:
    """Return one grid for every few rows; the first column gives its heading, others its lines."""
    if not table.shown:
        return ["none"]
    first, *rest = columns
    grids = []
    for start in range(0, len(table.shown), ABREAST):
        rows = table.shown[start : start + ABREAST]
        headings = [escape(text) for text in (first.heading, *(first.text(row) for row in rows))]
        lines = [
            [escape(column.heading), *(escape(column.text(row)) for row in rows)] for column in rest
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
