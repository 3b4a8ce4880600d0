"""Reports are written whole or not at all, as strict JSON and as CSV that runs no formula."""

from __future__ import annotations

import csv
import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest
from figure_runs import figure_runs, results_of

from bench.errors import OutputError
from bench.report.annex import with_figures
from bench.report.column import Column, Report, Table
from bench.report.data import summary_json, table_csv, write_file, write_report
from bench.report.figures import render
from mnist_bench.description import DESCRIPTION

KINDS = ("svg", "png")

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


@pytest.mark.slow
def test_figures_are_written_as_svg_and_png_and_those_of_an_earlier_report_are_removed(tmp_path):
    results = results_of(figure_runs(["fast", "slow"]))
    report = with_figures(a_report({"name": "a", "wall_s": 1.5}), results, DESCRIPTION)
    write_report(report, tmp_path)
    folder = tmp_path / "figures"
    names = {path.name for path in folder.iterdir()}
    assert names == {f"{figure.name}.{kind}" for figure in report.figures for kind in KINDS}
    assert {"speed.svg", "speed.png", "network-cnn.svg"} <= names
    (folder / "mine.svg").write_text("a picture of the user's")
    (folder / "network-old.png").write_bytes(b"an earlier network")
    fewer = dataclasses.replace(report, figures=report.figures[:1])
    write_report(fewer, tmp_path)
    assert {path.name for path in folder.iterdir()} == {"speed.svg", "speed.png", "mine.svg"}


def test_a_report_says_why_it_has_no_figures(monkeypatch):
    monkeypatch.setattr(render, "PACKAGES", {"no_such_module": "no-such-package"})
    results = results_of(figure_runs(["fast"]))
    report = with_figures(a_report({"name": "a"}), results, DESCRIPTION)
    assert report.figures == ()
    assert "no-such-package" in report.notes[-1]


def test_a_network_is_drawn_for_results_of_its_own_workload_only():
    results = results_of(figure_runs(["fast"]))
    other = dataclasses.replace(DESCRIPTION, name="other")
    drawn = with_figures(a_report({"name": "a"}), results, other).figures
    assert not [figure.name for figure in drawn if figure.name.startswith("network")]


def test_json_has_null_for_unknown_nan_and_infinity():
    row = {"a": None, "b": float("nan"), "c": np.float64("inf"), "d": np.int64(3), "e": (1, "x")}
    (read,) = strict(summary_json(a_report(row)))["times"]
    assert read == {"a": None, "b": None, "c": None, "d": 3, "e": [1, "x"]}


def test_every_value_of_the_json_is_a_list_of_row_objects():
    document = strict(summary_json(a_report({"name": "a", "wall_s": 1})))
    assert all(isinstance(row, dict) for rows in document.values() for row in rows)
    assert document["verdict"] == [{"kind": "answer", "text": "Verdict."}]
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
        write_file(path, "new")
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
