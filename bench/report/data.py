"""Writes a report: summary.md, .html and .json, tables/ and figures/; each file whole or not."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.paths import replace_file
from bench.record.journal import unwritable
from bench.report import parquet
from bench.report.column import Column, Report, Table
from bench.report.figures import gallery, render
from bench.report.markdown import render as markdown
from bench.report.page.build import summary_html
from bench.report.rows import Row

#: Version of the layout of summary.json. Version 1 is the first one (November 2026). Version 2 adds
#: `columns`, has one note for each sentence, calls the table of metrics `quality` (it was
#: `accuracy`), and takes the keys of metrics and build facts from the workload. Version 3 compares
#: for another day (`ranking`, `sittings`, other columns of `comparison`) and adds `sameness`,
#: `targets`, `threads` and `overfitting`. Version 4 adds the table `overview`, the `language`, the
#: `kind` of each sentence of the verdict (`answer`, `failed`, `disturbed`, `assumed`, ...), and why
#: facts of a machine are `unknown`. In any language, keys and values are as in English.
LAYOUT_VERSION = 4
#: The types of values that CSV holds as they are.
_NUMBERS = frozenset({int, float, type(None)})
#: A spreadsheet runs a cell that begins with one of these as a formula.
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")


def write_report(report: Report, folder: Path) -> tuple[Path, ...]:
    """Write `report` into `folder` and return the files written, summary.md first.

    Without the package that writes Parquet, no Parquet is written. Figures and Parquet files of an
    earlier report that this one does not have are removed. Raises OutputError if a
    file cannot be written; a file is replaced whole or not at all.
    """
    texts: dict[str, str | Iterable[str]] = {
        "summary.md": markdown(report),
        "summary.json": _json_lines(report),
        **{f"tables/{table.name}.csv": _csv_lines(table) for table in report.written},
    }
    pictures = {figure.name: render.svg(figure) for figure in report.figures}
    if report.page is not None:
        texts["summary.html"] = summary_html(report, report.page, pictures)
    written = [write_file(folder / name, text) for name, text in texts.items()]
    written += _write_parquet(report, folder / "tables")
    return (*written, *_write_figures(report, pictures, folder / "figures"))


def _write_parquet(report: Report, folder: Path) -> list[Path]:
    """Write each table as Parquet; if that is impossible here, remove the files of these tables."""
    paths = {table.name: folder / f"{table.name}.parquet" for table in report.written}
    if not parquet.is_available():
        for path in paths.values():
            _remove(path)
        return []
    return [write_file(paths[table.name], parquet.table_parquet(table)) for table in report.written]


def _write_figures(report: Report, pictures: Mapping[str, str], folder: Path) -> list[Path]:
    """Write each figure as PNG and as SVG, which `pictures` holds; remove those of other reports.

    Only files with the name of a figure are removed, because the folder may hold others.
    """
    written = []
    for figure in report.figures:
        written.append(write_file(folder / f"{figure.name}.svg", pictures[figure.name]))
        written.append(write_file(folder / f"{figure.name}.png", render.png(pictures[figure.name])))
    for path in (*folder.glob("*.svg"), *folder.glob("*.png")):
        if path not in written and gallery.is_figure(path.stem):
            _remove(path)
    return written


def summary_json(report: Report) -> str:
    """Return the report as JSON: each table is a list of row objects under the table's name.

    Each row is a line. `about`, `verdict`, `columns` and `notes` are lists of row objects too. An
    unknown value is null and never NaN.
    """
    return "".join(_json_lines(report))


def _json_lines(report: Report) -> Iterator[str]:
    tables = report.written
    notes: list[dict[str, Any]] = [
        {"table": table.name, "text": text} for table in tables for text in table.notes
    ]
    notes += [{"table": None, "text": text} for text in report.notes]
    lists: dict[str, Iterable[Row]] = {
        "about": [
            {
                "title": report.title,
                "layout_version": LAYOUT_VERSION,
                "language": report.language,
            }
        ],
        "verdict": [{"kind": kind, "text": text} for kind, text in _verdict(report)],
        **{table.name: table.rows for table in tables},
        "columns": [_column(table, column) for table in tables for column in table.columns],
        "notes": notes,
    }
    encode = json.JSONEncoder(ensure_ascii=False, allow_nan=False).encode
    between = "{\n"
    for name, rows in lists.items():
        yield f"{between}{encode(name)}: ["
        between = ",\n"
        comma = "\n"
        for row in rows:
            yield f"{comma} {encode(row)}"
            comma = ",\n"
        yield "\n]" if comma == ",\n" else "]"
    yield "\n}\n"


def _verdict(report: Report) -> list[tuple[str, str]]:
    """Return every sentence of the verdict with its kind, the answer first."""
    return [
        *(("answer", text) for text in report.verdict),
        *((remark.kind, remark.text) for remark in report.remarks),
        *([("caveat", report.caveat)] if report.caveat else []),
        *(("detail", text) for text in report.details),
    ]


def _column(table: Table, column: Column) -> dict[str, Any]:
    """Return the facts of a column that a program needs."""
    low, high = column.bounds or (None, None)
    return {
        "table": table.name,
        "key": column.key,
        "heading": column.heading,
        "unit": column.unit or None,
        "meaning": column.meaning or None,
        "better": column.better,
        "low": low,
        "high": high,
    }


def table_csv(table: Table) -> str:
    """Return every row and key of `table` as CSV; an unknown value is an empty cell.

    A text that a spreadsheet would run as a formula begins with an apostrophe.
    """
    return "".join(_csv_lines(table))


def _csv_lines(table: Table) -> Iterator[str]:
    lines: list[str] = []
    writer = csv.writer(_Lines(lines), lineterminator="\n")
    writer.writerow(table.keys)
    writer.writerows(zip(*(_cells(table.values(key)) for key in table.keys), strict=True))
    yield from lines


@dataclass(frozen=True)
class _Lines:
    """Takes the lines of a CSV writer."""

    lines: list[str]

    def write(self, line: str) -> None:
        self.lines.append(line)


def write_file(path: Path, content: bytes | str | Iterable[str]) -> Path:
    """Write bytes, a text or its parts to `path`, whole or not at all; raises OutputError."""
    try:
        return replace_file(path, content)
    except OSError as error:
        raise unwritable(path, error) from error


def _remove(path: Path) -> None:
    try:
        path.unlink()
    except OSError:
        return  # it is not there, or cannot be removed


def _cells(values: Sequence[Any]) -> Sequence[Any]:
    """Return plain values as a spreadsheet holds them; numbers remain what they are."""
    types = set(map(type, values))
    if types <= _NUMBERS:
        return values
    if types <= {str, type(None)}:  # most texts repeat from row to row
        known = {value: _cell(value) for value in set(values)}
        return [*map(known.__getitem__, values)]
    return [*map(_cell, values)]


def _cell(value: Any) -> Any:
    if isinstance(value, list):
        value = " ".join(str(item) for item in value)
    if isinstance(value, str):
        return f"'{value}" if value.lstrip(" ").startswith(_FORMULA) else value
    return ("true" if value else "false") if isinstance(value, bool) else value
