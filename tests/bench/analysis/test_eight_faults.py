"""Faults of the comparison that this one replaced, each as a case with the right answer.

Pooled cells, one sitting taken for the machine, ranks by whom a machine met, and no spread at all.
"""

from __future__ import annotations

import math

import pytest
from builders import a_job, steady_run
from fits import a_cell, a_fit

from bench.analysis.contenders import contenders
from bench.analysis.machines import machines
from bench.analysis.pooling import measured_jobs
from bench.analysis.ranks import rankings
from bench.analysis.ratios import Finding, ratio, within_sitting
from bench.record.run import merged
from mnist_bench.description import DESCRIPTION

#: How many times as fast A is as B, cell by cell, without any noise.
FASTER = {"mlp": 1.02, "cnn": 1.10, "big": 1.6}

STEADY = (0.0,) * 6


def compared(runs):
    """Return the contenders of some runs, by name."""
    shares = merged(runs)
    measured = measured_jobs(shares)
    found = contenders(measured, machines(shares, measured), DESCRIPTION.outline)
    return {contender.name: contender for contender in found}


def test_a_machine_that_is_faster_in_every_cell_is_told_apart_in_each_and_in_the_mean():
    """Pooled as repeats, the three cells gave 1.22 [0.67, 2.21] and "cannot be told apart"."""
    a, b = a_fit(dict.fromkeys(FASTER, 1.0), STEADY), a_fit(FASTER, STEADY)
    mean = ratio(a, b)
    assert mean.times == pytest.approx((1.02 * 1.10 * 1.6) ** (1 / 3))
    assert mean.interval().low > 1.2
    assert mean.finding() is Finding.FASTER
    for name, times in FASTER.items():
        cell = ratio(a, b, [a_cell(name)])
        assert cell.times == pytest.approx(times)
        assert cell.interval().low > 1
        assert cell.finding(margin=0.01) is Finding.FASTER


def test_in_one_sitting_unlike_cells_widen_no_bracket_of_that_sitting():
    a, b = a_fit(dict.fromkeys(FASTER, 1.0), jobs=2), a_fit(FASTER, jobs=2)
    here, away = within_sitting(a, b).interval(), ratio(a, b).interval()
    assert here.low > 1.2
    assert away.low < here.low < here.high < away.high


def test_five_sittings_of_one_seed_are_five_sittings_and_five_jobs_of_one_sitting_are_one():
    job = a_job(model="mlp")
    days = [steady_run("days", 0.010, jobs=[job], run_id=f"day-{n}") for n in range(5)]
    again = [a_job(model="mlp", repeat=number) for number in range(5)]
    found = compared([*days, steady_run("once", 0.010, jobs=again)])
    assert {name: one.effects["step"].count for name, one in found.items()} == {
        "days": 5,
        "once": 1,
    }
    assert {one.effects["step"].jobs for one in found.values()} == {5}
    assert [one.effects["step"].sitting_df for one in found.values()] == [2 + 4, 2]


def test_more_sittings_narrow_the_bracket_and_more_jobs_of_one_sitting_do_not():
    other = a_fit({"mlp": 2.0})
    one, jobs, sittings = (
        ratio(other, fit).se
        for fit in (
            a_fit({"mlp": 1.0}),
            a_fit({"mlp": 1.0}, jobs=5),
            a_fit({"mlp": 1.0}, (0.02, -0.02, 0.01, -0.01, 0.0)),
        )
    )
    assert sittings < 0.85 * one
    assert jobs > 0.85 * one


def test_a_machine_that_met_only_a_slow_one_does_not_rank_above_one_that_is_ten_times_as_fast():
    """By means over whomever it met, A (100 times S) led F (1000 times S, but near its equals)."""
    fits = {
        "A": a_fit({"x": 1.0}),
        "S": a_fit({"x": 100.0, "y": 100.0}),
        "F": a_fit({"y": 0.1, "z": 0.1}),
        "G": a_fit({"z": 0.105}),
        "H": a_fit({"z": 0.11}),
    }
    (ranking,) = rankings(fits)
    assert ranking.names == ("F", "G", "H", "A", "S")
    assert math.exp(ranking.speeds["F"] - ranking.speeds["A"]) == pytest.approx(10.0)


def test_two_equal_machines_without_any_spread_give_no_winner_and_no_bracket_of_width_zero():
    """Twice the same times gave "Train on A: 1x [1, 1]"."""
    a, b = (a_fit({"mlp": 2.0, "cnn": 8.0}, jobs=3) for _ in range(2))
    for found in (ratio(a, b), within_sitting(a, b)):
        bounds = found.interval()
        assert bounds.low < 0.999
        assert bounds.high > 1.001
        assert found.p_faster() == pytest.approx(0.5)
        assert found.finding() in (Finding.OPEN, Finding.EQUAL)
    assert ratio(a, b).finding() is Finding.OPEN


def test_a_sure_difference_below_the_margin_is_no_winner():
    a, b = a_fit({"mlp": 1.00}, STEADY), a_fit({"mlp": 1.02}, STEADY)
    found = ratio(a, b)
    assert found.p_value < 0.01
    assert found.finding() not in (Finding.FASTER, Finding.SLOWER)
