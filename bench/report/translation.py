"""Puts a report's titles, headings and meanings into another language; values stay as they are."""

from __future__ import annotations

from dataclasses import replace

from bench.report.column import Column, Report, Table
from bench.report.words.phrasebook import Phrasebook


def translated(report: Report, book: Phrasebook) -> Report:
    """Return `report` with the titles, the headings and the columns' meanings in a language.

    Keys, units and values stay as they are.
    """
    overview = report.overview
    return replace(
        report,
        tables=tuple(_table_in(table, book) for table in report.tables),
        overview=None if overview is None else _table_in(overview, book),
        caveat=book.said(report.caveat),
    )


def _table_in(table: Table, book: Phrasebook) -> Table:
    return replace(
        table,
        title=book.said(table.title),
        columns=tuple(_column_in(column, book) for column in table.columns),
        reading=None
        if table.reading is None
        else tuple(_column_in(column, book) for column in table.reading),
    )


def _column_in(column: Column, book: Phrasebook) -> Column:
    return replace(column, heading=book.said(column.heading), meaning=book.said(column.meaning))
