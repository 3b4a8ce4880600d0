"""A column is data: its form, unit and digits say how a cell reads."""

from __future__ import annotations

import pytest

from bench.report.column import FORMATS, Column, Table


@pytest.mark.parametrize(
    ("column", "value", "text"),
    [
        (Column("x", "x"), True, "yes"),
        (Column("x", "x"), ["a", "b"], "a b"),
        (Column("x", "x"), [], "n/a"),
        (Column("x", "x", width=5), "abcdefgh", "abcd…"),
        (Column("x", "x", "list"), ["a", "b"], "a, b"),
        (Column("x", "x", "list"), [], "none"),
        (Column("x", "x", "pairs"), {"a": 1, "b": 2}, "a 1, b 2"),
        (Column("x", "x", "pairs"), {}, "none"),
        (Column("x", "x", "name"), 1234, "1234"),
        (Column("x", "x", "number"), 1234.5, "1230"),
        (Column("x", "x", "number", scale=1e-9, suffix="x"), 2.5e9, "2.5x"),
        (Column("x", "x", "seconds"), 281.6055, "281.6"),
        (Column("x", "x", "decimal", digits=4), 0.97, "0.9700"),
        (Column("x", "x", "signed", digits=2), 0.5, "+0.50"),
        (Column("x", "x", "percent"), 0.472, "47 %"),
        (Column("x", "x", "share"), 0.0312, "3.1%"),
        (Column("x", "x", "mebibytes"), 2**21, "2"),
        (Column("x", "x", "gigahertz"), 2.1e9, "2.10"),
    ],
)
def test_a_value_reads_as_its_column_says(column, value, text):
    assert column.text({"x": value}) == text


def test_every_form_of_a_column_has_a_format():
    from typing import get_args

    from bench.report.column import Numbers, Quantities, Words

    assert set(FORMATS) == {*get_args(Words), *get_args(Numbers), *get_args(Quantities)}


def test_an_unknown_value_is_not_available_with_its_reason_or_known_to_be_absent():
    column = Column("x", "x", "number", absent=("known", "none"), why="reason")
    assert column.text({"x": None}) == "n/a"
    assert column.text({}) == "n/a"
    assert column.text({"x": float("nan"), "reason": "not published"}) == "n/a (not published)"
    assert column.text({"x": None, "known": True, "reason": "why"}) == "none"


def test_an_estimate_reads_with_its_bounds_or_without_them():
    column = Column("speed", "speed", "number", bounds=("low", "high"), suffix="x")
    assert column.text({"speed": 2.0, "low": 1.5, "high": 2.5}) == "2.00x [1.50, 2.50]"
    assert column.text({"speed": 2.0, "low": None, "high": 2.5}) == "2x"


def test_bounds_read_with_two_digits_of_their_half_width_and_in_the_unit_of_the_column():
    column = Column("rate", "rate", "decimal", scale=1e-9, digits=1, bounds=("low", "high"))
    assert column.text({"rate": 2e9, "low": 1.5e9, "high": 2.52e9}) == "2.00 [1.50, 2.52]"
    assert column.text({"rate": 2e9, "low": 1.95e9, "high": 2.052e9}) == "2.000 [1.950, 2.052]"


def test_the_keys_of_a_table_are_those_of_all_its_rows():
    columns = (Column("a", "a"),)
    table = Table("t", "T", columns, ({"a": 1}, {"b": 2, "a": 1}))
    assert table.keys == ("a", "b")
    assert table.keys is table.keys
    assert Table("t", "T", columns, ()).keys == ("a",)
