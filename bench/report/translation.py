"""Puts a report's titles, headings and meanings into another language; values stay as they are."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from bench.report.column import Column, Report, Table
from bench.report.figures.figure import Figure
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


def figure_in(figure: Figure, book: Phrasebook) -> Figure:
    """Return `figure` with its title and sentences in a language, and the titles of its axes."""
    first, second = figure.how_to_read
    return replace(
        figure,
        title=book.said(figure.title),
        how_to_read=(book.said(first), book.said(second)),
        alt=book.said(figure.alt),
        spec=_spec_in(figure.spec, book),
    )


def _spec_in(value: Any, book: Phrasebook) -> Any:
    """Return a part of a specification with its titles in a language; its data stay as they are."""
    if isinstance(value, list):
        return [_spec_in(one, book) for one in value]
    if not isinstance(value, Mapping):
        return value
    return {
        key: one
        if key == "data"
        else book.said(one)
        if key == "title" and isinstance(one, str)
        else _spec_in(one, book)
        for key, one in value.items()
    }


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
