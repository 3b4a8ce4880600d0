"""Many machines: rank sets, Holm, and the order of a joint fit."""

from __future__ import annotations

import math

import pytest
from fits import a_fit

from bench.analysis.ranks import holm, joint_order, rankings
from bench.analysis.ratios import Finding

DAYS = (0.02, -0.02, 0.01, -0.01)


def test_holm_stops_at_the_first_hypothesis_that_stands():
    assert holm([0.01, 0.04, 0.03]) == (True, False, False)
    assert holm([0.01, 0.02, 0.03]) == (True, True, True)
    assert holm([]) == ()


def test_a_machine_s_rank_set_holds_every_rank_that_it_may_have():
    fits = {
        "slow": a_fit({"mlp": 3.0}, DAYS),
        "near": a_fit({"mlp": 1.01}, DAYS),
        "fast": a_fit({"mlp": 1.0}, DAYS),
    }
    (ranking,) = rankings(fits)
    assert ranking.names == ("fast", "near", "slow")
    assert {name: (rank.first, rank.last) for name, rank in ranking.ranks.items()} == {
        "fast": (1, 2),
        "near": (1, 2),
        "slow": (3, 3),
    }
    assert ranking.best == ("fast", "near")


def test_the_order_does_not_depend_on_whom_a_machine_met():
    """A met the slow S alone; F, ten times as fast as S, met a fast one too, and still leads."""
    fits = {
        "A": a_fit({"one": 1.0}),
        "S": a_fit({"one": 2.0, "two": 2.0}),
        "F": a_fit({"two": 0.2, "three": 0.2}),
        "G": a_fit({"three": 0.19}),
    }
    order = joint_order(fits)
    assert list(order) == ["G", "F", "A", "S"]
    assert math.exp(order["F"] - order["A"]) == pytest.approx(5.0)


def test_the_order_rests_on_the_cells_that_the_pairs_are_compared_by():
    """A is ahead in a cell that B lacks; in the cell that all share B is ahead."""
    fits = {
        "A": a_fit({"x": 2.0, "y": 1.0}, DAYS),
        "B": a_fit({"x": 1.0}, DAYS),
        "S": a_fit({"x": 4.0, "y": 50.0}, DAYS),
    }
    (ranking,) = rankings(fits)
    assert ranking.names == ("B", "A", "S")
    assert ranking.best == ("B",)


def test_machines_without_a_common_cell_are_ranked_apart():
    fits = {"A": a_fit({"x": 1.0}), "B": a_fit({"y": 1.0}), "C": a_fit({"x": 2.0})}
    found = rankings(fits)
    assert [ranking.names for ranking in found] == [("A", "C"), ("B",)]


def test_a_pair_reads_the_same_in_both_orders():
    fits = {"A": a_fit({"x": 1.0}, DAYS), "B": a_fit({"x": 2.0}, DAYS)}
    (ranking,) = rankings(fits)
    assert ranking.between("A", "B").finding is Finding.FASTER
    assert ranking.between("B", "A").finding is Finding.SLOWER
    assert ranking.between("B", "A").ratio.times == pytest.approx(0.5)
    assert ranking.between("A", "Z") is None
