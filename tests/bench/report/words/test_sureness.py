"""Chances, brackets and findings in words: rounding, levels, and what is never claimed."""

from __future__ import annotations

import pytest

from bench.report.words import sureness
from bench.report.words.sureness import Bracket


@pytest.mark.parametrize(
    ("chance", "words"),
    [
        (1.0, "surely (99 of 100)"),
        (0.9999, "surely (99 of 100)"),
        (0.99, "surely (99 of 100)"),
        (0.9899, "very likely (98 of 100)"),
        (0.95, "very likely (95 of 100)"),
        (0.9499, "probably (94 of 100)"),
        (0.80, "probably (80 of 100)"),
        (0.799, "not known (79 of 100)"),
        (0.5, "not known (50 of 100)"),
    ],
)
def test_a_chance_is_rounded_down_and_never_above_99_of_100(chance, words):
    assert sureness.chance(chance) == words


@pytest.mark.parametrize(
    ("bracket", "texts"),
    [
        ((1.1784, 1.0213, 1.3597), ("1.18", "1.02", "1.36")),
        ((1.18, 1.1461, 1.2149), ("1.180", "1.146", "1.215")),
        ((3.0512, 2.61, 3.83), ("3.05", "2.61", "3.83")),
        ((12.345, 6.1, 24.9), ("12.3", "6.1", "24.9")),
        ((123.4, 80.2, 190.1), ("123", "80", "190")),
        ((1234.0, 800.2, 1900.1), ("1230", "800", "1900")),
        ((1.0223054, 1.0223053, 1.0223055), ("1.0223", "1.0223", "1.0223")),
        ((1.0, 0.9005, 1.1), ("1.00", "0.90", "1.10")),  # a half-width that rounds up to 0.10
    ],
)
def test_bounds_keep_two_digits_of_the_half_width_and_the_estimate_ends_there(bracket, texts):
    assert sureness.rounded(Bracket(*bracket)) == texts


@pytest.mark.parametrize("bounds", [(None, None), (0.0, float("inf"))])
def test_an_unknown_or_boundless_bracket_shows_the_estimate_alone(bounds):
    assert sureness.bracketed(Bracket(1.234, *bounds), "on another day") == "1.23"


def test_a_bracket_without_width_is_not_a_division_by_zero():
    assert sureness.rounded(Bracket(1.0, 1.0, 1.0)) == ("1", "1", "1")


def test_the_verdict_names_the_machine_the_ratio_and_the_chance():
    assert sureness.train_on("rack", "desk", Bracket(1.178, 1.021, 1.36), 0.985) == (
        "Train on rack: 1.18 times as fast as desk (1.02 to 1.36 on another day), "
        "very likely (98 of 100)."
    )


def test_equal_machines_are_equal_within_the_margin():
    assert sureness.equal("rack", "desk", Bracket(1.004, 0.99, 1.018), 0.03) == (
        "rack and desk are equal within 3%: rack is 1.004 times as fast as desk (0.990 to 1.018 "
        "on another day)."
    )


def test_an_open_comparison_is_no_finding_and_says_what_it_would_take():
    likely = sureness.still_open("rack", "desk", Bracket(1.08, 0.95, 1.22), 0.86)
    assert likely.startswith("rack is probably faster than desk (86 of 100), but this is not a")
    even = sureness.still_open("rack", "desk", Bracket(1.01, 0.85, 1.2), 0.55)
    assert even.startswith("It is not known which of rack and desk is faster: ")
    assert "55 of 100" in even
    assert sureness.would_take(11, 1860, 0.4, already=2) == (
        "About 11 sittings of each machine would settle it: 9 more sittings of each "
        "(about 31 minutes, 0.40 dollars)."
    )
    dated = sureness.would_take(11, 1860, 0.4, already=2, prices_of="2026-07-20")
    assert "0.40 dollars at prices of 2026-07-20)." in dated
    assert "1 more sitting of each." in sureness.would_take(3, already=2)
    assert sureness.would_take(None).startswith("No number")


def test_the_assumed_part_of_a_bracket_is_told():
    assert sureness.assumed(1.0, ("VM 5%",)) == "All of the bracket is assumed (VM 5%)."
    assert sureness.assumed(0.4).startswith("40% of the bracket is assumed, and the rest")
    assert "no part" in sureness.assumed(0.0)
