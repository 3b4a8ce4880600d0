"""Rows that are kept as columns are the rows that were given, with plain values."""

from __future__ import annotations

import math

import numpy as np
import pytest

from bench.report.column import Column, Table
from bench.report.rows import Rows, plain_values

FIRST = {"machine": "a", "wall_s": 1.5, "causes": ("steal",)}
#: It has another order of keys, a key of its own, and lacks one.
OTHER = {"wall_s": 2.5, "machine": "b", "source": "published"}


def test_rows_are_what_was_given_with_their_own_keys_in_their_own_order():
    rows = Rows([FIRST, OTHER, FIRST])
    first = {**FIRST, "causes": ["steal"]}
    assert list(rows) == [first, OTHER, first]
    assert [list(row) for row in rows] == [list(FIRST), list(OTHER), list(FIRST)]
    assert (rows[1], rows[-1], rows[1:]) == (OTHER, first, [OTHER, first])
    assert rows == (first, OTHER, first)
    assert rows != (first, OTHER)


def test_a_column_is_unknown_in_rows_without_its_key():
    rows = Rows([FIRST, OTHER])
    assert rows.keys == ("machine", "wall_s", "causes", "source")
    assert [*rows.column("source")] == [None, "published"]
    assert [*rows.column("of no row")] == [None, None]


def test_no_rows_have_no_keys_and_an_empty_row_is_a_row():
    assert (len(Rows([])), Rows([]).keys, list(Rows([]))) == (0, (), [])
    assert list(Rows([{}, {}])) == [{}, {}]


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([1.5, math.nan, None, math.inf, "a"], [1.5, None, None, None, "a"]),
        ([np.float64(2), np.int64(3), np.bool_(True)], [2.0, 3, True]),
        ([(1, 2), {"a": math.nan}], [[1, 2], {"a": None}]),
    ],
)
def test_values_become_plain(values, expected):
    found = plain_values(values)
    assert found == expected
    assert [*map(type, found)] == [*map(type, expected)]


def test_a_column_is_constant_only_if_all_of_its_cells_read_the_same():
    columns = (
        Column("data", "data", foldable=True),
        Column("steal", "steal", "share", foldable=True),
        Column("clock", "clock", "number", foldable=True, why="reason"),
    )
    rows = [{"data": "mnist", "steal": share, "clock": None} for share in (0.01, 0.01, 0.0101, 0.2)]
    table = Table("one", "One", columns, rows)
    assert table.constants == {"data": "mnist", "clock": "n/a"}
    told = Table("two", "Two", columns, [*rows[:2], {**rows[0], "reason": "no counter"}])
    assert told.constants == {"data": "mnist", "steal": "1.0%"}
