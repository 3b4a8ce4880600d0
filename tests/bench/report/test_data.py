"""Reports are written whole or not at all, as strict JSON and as CSV that runs no formula."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest

from bench.errors import OutputError
from bench.report.column import Column, Report, Table
from bench.report.data import replace_file, summary_json, table_csv, write_report

COLUMNS = (
    Column("name", "name"),
    Column("wall_s", "wall s", "number", "the seconds of it", unit="s", better="lower"),
)


def a_report(*rows):
    return Report(
        "Title", ("Verdict.",), (Table("times", "Times", COLUMNS, rows, notes=("N.", "M.")),)
    )


def strict(text):
    def refuse(constant):
        raise AssertionError(f"{constant} is not JSON")

    return json.loads(text, parse_constant=refuse)


def test_every_file_is_written_and_no_temporary_one_is_left(tmp_path):
    paths = write_report(a_report({"name": "a", "wall_s": 1.5}), tmp_path / "new" / "reports")
    names = [str(path.relative_to(tmp_path / "new/reports")) for path in paths]
    assert names == ["summary.md", "summary.json", "tables/times.csv", "tables/times.parquet"]
    found = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert sorted(found) == sorted(paths)


def test_json_has_null_for_unknown_nan_and_infinity():
    row = {"a": None, "b": float("nan"), "c": np.float64("inf"), "d": np.int64(3), "e": (1, "x")}
    (read,) = strict(summary_json(a_report(row)))["times"]
    assert read == {"a": None, "b": None, "c": None, "d": 3, "e": [1, "x"]}


def test_every_value_of_the_json_is_a_list_of_row_objects():
    document = strict(summary_json(a_report({"name": "a", "wall_s": 1})))
    assert all(isinstance(row, dict) for rows in document.values() for row in rows)
    assert document["verdict"] == [{"text": "Verdict."}]
    assert document["notes"] == [{"table": "times", "text": text} for text in ("N.", "M.")]


@pytest.mark.parametrize("hostile", ["=cmd()", "+1+1", "-1+1", "@SUM(A1)", "\tx", " =cmd()"])
def test_csv_text_that_a_spreadsheet_would_run_is_quoted(hostile):
    table = Table("t", "T", COLUMNS, ({"name": hostile, "wall_s": 1},))
    _, line = csv.reader(table_csv(table).splitlines())
    assert line == [f"'{hostile}", "1"]


def test_csv_numbers_stay_numbers_and_unknown_is_empty():
    table = Table("t", "T", COLUMNS, ({"name": None, "wall_s": -0.5}, {"wall_s": float("nan")}))
    assert table_csv(table) == "name,wall_s\n,-0.5\n,\n"


def test_csv_of_an_empty_table_has_its_heading():
    assert table_csv(Table("t", "T", COLUMNS, ())) == "name,wall_s\n"


def test_a_folder_that_is_a_file_is_an_output_error(tmp_path):
    (tmp_path / "taken").write_text("here")
    with pytest.raises(OutputError, match="cannot write"):
        write_report(a_report(), tmp_path / "taken")


def test_a_failed_write_leaves_the_old_file_and_no_temporary_one(tmp_path, monkeypatch):
    path = tmp_path / "summary.md"
    path.write_text("old")

    def no_space(self, target):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", no_space)
    with pytest.raises(OutputError, match="No space left"):
        replace_file(path, "new")
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_json_says_of_each_column_what_a_program_must_know():
    _, wall = strict(summary_json(a_report()))["columns"]
    assert wall == {
        "table": "times",
        "key": "wall_s",
        "heading": "wall s",
        "unit": "s",
        "meaning": "the seconds of it",
        "better": "lower",
        "low": None,
        "high": None,
    }
