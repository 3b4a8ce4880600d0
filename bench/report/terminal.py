"""A table as plain text for a terminal; text from a machine can control no terminal."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence

from tabulate import tabulate

from bench.report.column import Table
from bench.report.words.notes import in_all_rows
from bench.text import printable

#: Width at which paragraphs are wrapped.
WIDTH = 100


def table_text(table: Table) -> str:
    """Return a table with a rule under its headings, then what all rows have in common."""
    columns = table.varying
    cells = [[printable(column.text(row)) for column in columns] for row in table.shown]
    grid = tabulate(
        cells,
        [printable(column.heading) for column in columns],
        tablefmt="simple",
        colalign=["right" if column.numeric else "left" for column in columns] if cells else None,
        disable_numparse=True,
    )
    lines = (line.rstrip() for line in grid.splitlines())
    headings = {column.key: column.heading for column in table.columns}
    alike = [(headings[key], text) for key, text in table.constants.items()]
    notes = [paragraph_text(in_all_rows(alike))] if alike else []
    return "\n".join([*lines, *notes, *map(paragraph_text, table.notes)])


def paragraph_text(text: str) -> str:
    """Return a paragraph, wrapped."""
    return textwrap.fill(printable(text), WIDTH, break_long_words=False, break_on_hyphens=False)


def list_text(items: Sequence[str]) -> str:
    """Return items as an indented list; a long item goes on below itself."""
    return "\n".join(
        textwrap.fill(
            printable(item),
            WIDTH,
            initial_indent="  - ",
            subsequent_indent="    ",
            break_long_words=False,
            break_on_hyphens=False,
        )
        for item in items
    )
