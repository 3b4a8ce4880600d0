"""Parquet files hold what the tables hold, with types, and say what their columns mean."""

from __future__ import annotations

import io
import json

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
from command_line import run_command
from sittings_on_disk import a_sitting, write

from bench.report import parquet
from bench.report.column import Column, Table

pytestmark = pytest.mark.slow

COLUMNS = (
    Column("name", "name"),
    Column("wall_s", "wall s", "number", "the seconds of it", unit="s", better="lower"),
)


def read(*rows, columns=COLUMNS, **fields):
    """Return the Arrow table that the Parquet file of these rows holds."""
    table = Table("times", "Times", columns, rows, **fields)
    return pq.read_table(io.BytesIO(parquet.table_parquet(table)))


@pytest.mark.parametrize(
    ("values", "kind", "expected"),
    [
        ([1, None, 3], "int64", [1, None, 3]),
        ([1, 2.5], "double", [1.0, 2.5]),
        ([1.5, float("nan"), float("inf")], "double", [1.5, None, None]),
        ([np.float64(2), np.int64(3)], "double", [2.0, 3.0]),
        ([True, None, False], "bool", [True, None, False]),
        (["a", None, "\ud800"], "string", ["a", None, "\\ud800"]),
        ([["a", "b"], [], None], "list<element: string>", [["a", "b"], [], None]),
        ([(1, 2.5), (3,)], "list<element: double>", [[1.0, 2.5], [3.0]]),
        ([{"L2": 1}, None], "string", ['{"L2": 1}', None]),
        ([1, "a"], "string", ["1", '"a"']),
        ([True, 1], "string", ["true", "1"]),
        ([["a"], "a"], "string", ['["a"]', '"a"']),
        ([[["a"], 1]], "string", ['[["a"], 1]']),
        ([2**70, 1], "double", [float(2**70), 1.0]),
        ([None, None], "string", [None, None]),
    ],
    ids=str,
)
def test_a_column_has_the_type_of_its_values_and_null_for_unknown(values, kind, expected):
    found = read(*({"x": value} for value in values), columns=(Column("x", "x"),))
    assert str(found.schema.field("x").type) == kind
    assert found["x"].to_pylist() == expected


def test_a_column_of_numbers_stays_one_if_no_value_is_known_and_without_rows():
    for rows in ([], [{"name": "a", "wall_s": None}]):
        found = read(*rows)
        assert str(found.schema.field("wall_s").type) == "double"
        assert str(found.schema.field("name").type) == "string"
        assert found.num_rows == len(rows)


def test_a_long_table_is_written_a_few_rows_at_a_time_with_one_type_a_column(monkeypatch):
    monkeypatch.setattr(parquet, "GROUP_ROWS", 2)
    rows = [{"name": None, "wall_s": 1}, {"wall_s": None}, {"name": "b", "wall_s": 2.5}]
    found = read(*rows)
    assert found.to_pydict() == {"name": [None, None, "b"], "wall_s": [1.0, None, 2.5]}


def test_the_metadata_say_what_a_column_and_the_table_mean():
    found = read({"name": "a", "wall_s": 1, "more_s": 2}, notes=("N.", "M."))
    assert found.schema.field("wall_s").metadata == {
        b"heading": b"wall s",
        b"unit": b"s",
        b"meaning": b"the seconds of it",
        b"better": b"lower",
    }
    assert found.schema.field("more_s").metadata is None
    told = found.schema.metadata
    assert told[b"title"] == b"Times"
    assert json.loads(told[b"notes"]) == ["N.", "M."]


def test_a_text_that_a_spreadsheet_would_run_stays_as_it_is():
    assert read({"name": "=cmd()", "wall_s": 1})["name"].to_pylist() == ["=cmd()"]


@pytest.fixture
def folder(tmp_path):
    steps = {"mlp": 0.004, "cnn": 0.020}
    runs = [a_sitting(label, steps, hour=hour) for hour, label in enumerate(("desk", "rack"))]
    return write(tmp_path, runs)


def test_a_report_writes_every_table_and_the_rows_are_those_of_the_json(folder):
    assert run_command(["report", "--out", str(folder)]) == 0
    names = {path.stem for path in (folder / "tables").glob("*.csv")}
    assert {path.stem for path in (folder / "tables").glob("*.parquet")} == names
    document = json.loads((folder / "summary.json").read_text())
    for name in names:
        rows = pq.read_table(folder / "tables" / f"{name}.parquet").to_pylist()
        assert len(rows) == len(document[name])
        for row, known in zip(rows, document[name], strict=True):
            for key, value in known.items():
                assert row[key] == value or json.loads(row[key]) == value
    frame = pd.read_parquet(folder / "tables" / "capacity.parquet")
    measured = frame[frame["source"] == "measured"]
    assert measured["step_mean_ms"].tolist() == pytest.approx([20, 4, 20, 4])
    assert frame["n"].dtype == "float64" or frame["n"].dtype == "int64"


def test_without_the_package_no_parquet_is_left_and_the_report_says_so_once(folder, monkeypatch):
    assert run_command(["report", "--out", str(folder)]) == 0
    monkeypatch.setattr(parquet, "PACKAGE", "no_such_package")
    assert run_command(["report", "--out", str(folder)]) == 0
    assert list((folder / "tables").glob("*.parquet")) == []
    assert (folder / "tables" / "capacity.csv").exists()
    text = (folder / "summary.md").read_text()
    assert text.count("not written as Parquet, because") == 1
    assert "pip install no_such_package" in text
