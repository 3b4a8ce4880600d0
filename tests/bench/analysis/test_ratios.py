"""How two machines compare: ratios by cell and over cells, findings and chances."""

from __future__ import annotations

import math

import numpy as np
import pytest
from fits import PRIOR, a_cell, a_fit

from bench.analysis.effects import Timing, fit_effects
from bench.analysis.ratios import (
    Finding,
    bracket,
    next_sitting,
    noise_floor,
    ratio,
    sittings_to_equate,
    sittings_to_tell,
    within_sitting,
)
from bench.analysis.sequential import anytime, second_stage, sequence_half
from bench.analysis.student import quantile

MANY = tuple(0.002 * (-1) ** number for number in range(8))


def test_a_ratio_over_cells_is_their_geometric_mean_with_equal_weights():
    desk, rack = a_fit({"mlp": 2.0, "cnn": 8.0}), a_fit({"mlp": 1.0, "cnn": 1.0})
    assert ratio(rack, desk).times == pytest.approx(4.0)
    assert ratio(rack, desk, [a_cell("cnn")]).times == pytest.approx(8.0)
    weights = {a_cell("mlp"): 0.75, a_cell("cnn"): 0.25}
    assert ratio(rack, desk, weights).times == pytest.approx(2**0.75 * 8**0.25)


def test_unlike_cells_are_not_noise():
    """The 2.20 faults: 1.02, 1.10 and 1.6 times as fast, no noise, is told apart on the whole."""
    fast = {"a": 1.0, "b": 1.0, "c": 1.0}
    slow = {"a": 1.02, "b": 1.10, "c": 1.6}
    one, other = a_fit(fast, sittings=(0.0,) * 8), a_fit(slow, sittings=(0.0,) * 8)
    assert ratio(one, other).finding() is Finding.FASTER
    for name in fast:
        assert ratio(one, other, [a_cell(name)]).finding(margin=0.01) is Finding.FASTER


def test_two_equal_machines_without_any_spread_are_not_told_apart():
    one, other = a_fit({"mlp": 2.0}, jobs=2), a_fit({"mlp": 2.0}, jobs=2)
    found = ratio(one, other)
    assert found.finding() is Finding.OPEN
    assert found.interval().low < 0.85
    assert found.interval().high > 1.15


def test_a_difference_below_the_margin_is_not_a_finding_however_sure():
    one, other = a_fit({"mlp": 1.0}, sittings=MANY), a_fit({"mlp": 1.025}, sittings=MANY)
    assert ratio(one, other).p_value < 0.01
    assert ratio(one, other).finding() is not Finding.FASTER
    assert ratio(one, other).finding(margin=0.01) is Finding.FASTER


def test_machines_are_equal_if_the_interval_of_90_percent_lies_within_the_margin():
    one, other = a_fit({"mlp": 1.0}, sittings=MANY), a_fit({"mlp": 1.001}, sittings=MANY)
    assert ratio(one, other).finding() is Finding.EQUAL
    assert ratio(one, other).finding(margin=0.002) is Finding.OPEN


def test_a_single_cell_has_its_own_noise_besides_the_sitting_s():
    noisy = [Timing(a_cell("mlp"), 0, time_s) for time_s in (1.0, 1.3, 1.0, 1.3)]
    other = [Timing(a_cell("cnn"), 0, 8.0)]
    one = fit_effects(noisy + other, PRIOR)
    desk = a_fit({"mlp": 2.0, "cnn": 8.0})
    assert ratio(one, desk, [a_cell("mlp")]).se > ratio(one, desk).se


def test_within_one_sitting_the_spread_between_sittings_does_not_count():
    one, other = a_fit({"mlp": 1.0}, jobs=5), a_fit({"mlp": 1.2}, jobs=5)
    assert within_sitting(one, other).se < ratio(one, other).se / 5
    assert not within_sitting(one, other).another_day


def test_machines_without_a_common_cell_have_no_ratio():
    with pytest.raises(ValueError, match="no cell in common"):
        ratio(a_fit({"mlp": 1.0}), a_fit({"cnn": 1.0}))


def test_the_other_order_is_the_inverse():
    one, other = a_fit({"mlp": 1.0}), a_fit({"mlp": 1.3})
    assert ratio(one, other).inverse.log == pytest.approx(ratio(other, one).log)


def test_the_chance_of_being_faster_is_a_half_for_equal_machines_and_falls_with_the_margin():
    one, other = a_fit({"mlp": 1.0}), a_fit({"mlp": 1.0})
    assert ratio(one, other).p_faster() == pytest.approx(0.5)
    assert ratio(one, other).p_faster(0.03) < 0.5
    assert ratio(one, other).expected_loss > 0


def test_the_noise_floor_is_what_two_sittings_differ_by():
    fit = a_fit({"mlp": 1.0}, sittings=MANY)
    spread = math.sqrt(8 * 0.002**2 / 7)
    assert noise_floor(fit) == pytest.approx(2.3646 * math.sqrt(2) * spread, rel=1e-3)


def test_one_more_sitting_narrows_the_bracket():
    fit = a_fit({"mlp": 1.0})
    assert bracket(fit, more=1) < bracket(fit)


def test_the_number_of_sittings_grows_with_the_square_of_what_is_to_be_seen():
    one = a_fit({"mlp": 1.0}, sittings=(0.05, -0.05))
    tenth, twentieth = (sittings_to_tell(one, one, d) for d in (0.10, 0.05))
    assert tenth is not None
    assert twentieth is not None
    assert 3 < twentieth / tenth < 5
    assert sittings_to_tell(one, one, 0.0) is None


def test_the_number_of_sittings_is_the_least_one_that_will_do():
    one = a_fit({"mlp": 1.0}, sittings=(0.05, -0.05) * 4)
    for difference in (0.03, 0.05, 0.10, 0.20):
        found = sittings_to_tell(one, one, difference)
        assert found is not None
        factor = {
            n: quantile(0.975, 2 * n - 2) + quantile(0.8, 2 * n - 2)
            for n in (found, found - 1)
            if n > 1
        }
        variance = 2 * one.sitting_variance
        assert factor[found] ** 2 * variance / difference**2 <= found
        if found > 2:
            assert factor[found - 1] ** 2 * variance / difference**2 > found - 1


def test_a_difference_near_the_margin_takes_more_sittings_because_the_estimate_must_exceed_it():
    one = a_fit({"mlp": 1.0}, sittings=(0.02, -0.02) * 4)
    far, near = (sittings_to_tell(one, one, d, 0.03) for d in (0.2, 0.035))
    assert far == sittings_to_tell(one, one, 0.2)
    assert near is not None
    assert near > 2 * (sittings_to_tell(one, one, 0.035) or 0)
    assert sittings_to_tell(one, one, math.log1p(0.03), 0.03) is None
    equal, almost = (sittings_to_equate(one, one, d, 0.03) for d in (0.0, 0.02))
    assert equal is not None
    assert almost is not None
    assert almost > 4 * equal
    assert sittings_to_equate(one, one, 0.04, 0.03) is None


@pytest.mark.parametrize(("true", "finding"), [(0.05, Finding.SLOWER), (0.0, Finding.EQUAL)])
def test_so_many_sittings_settle_a_comparison_in_80_of_100_cases(true, finding):
    """200 draws; a share of 0.8 lies above 0.7 in more than 999 of 1,000 such simulations."""
    rng, spread = np.random.default_rng(20261126), 0.03
    known = a_fit({"mlp": 1.0}, sittings=(spread, -spread) * 20)
    settle = sittings_to_equate if finding is Finding.EQUAL else sittings_to_tell
    number = settle(known, known, true, 0.03)
    assert number is not None
    drawn = []
    for _ in range(200):
        first, second = (
            a_fit({"mlp": math.exp(mean)}, sittings=tuple(rng.normal(0, spread, number)))
            for mean in (true, 0.0)
        )
        drawn.append(ratio(first, second).finding(0.03))
    assert drawn.count(finding) / len(drawn) > 0.7


def test_one_more_sitting_lies_farther_from_the_mean_than_the_mean_over_many_days():
    fit = a_fit({"mlp": 1.0}, sittings=MANY)
    spread = math.sqrt(8 * 0.002**2 / 7)
    assert next_sitting(fit) == pytest.approx(2.3646 * spread * math.sqrt(1 + 1 / 8), rel=1e-3)
    assert bracket(fit) == pytest.approx(2.3646 * spread / math.sqrt(8), rel=1e-3)


def test_a_few_of_many_cells_have_more_noise_than_all_of_them():
    noisy = [
        Timing(a_cell(str(place)), day, 1.0 + 0.04 * (-1) ** (place + day))
        for place in range(12)
        for day in range(3)
    ]
    machine = fit_effects(noisy, PRIOR)
    two = [a_cell("0"), a_cell("1")]
    assert ratio(machine, machine, two).se > 1.2 * ratio(machine, machine).se


def test_stein_s_second_stage_gives_the_wanted_half_width():
    fit = a_fit({"mlp": 1.0}, sittings=(0.05, 0.0, -0.05))
    stage = second_stage(fit, 0.03)
    assert stage.half <= 0.03
    assert second_stage(fit, 10.0).sittings == 3


def test_a_confidence_sequence_is_wider_than_one_look_and_needs_a_few_values():
    assert sequence_half(1, 0.01) == math.inf
    logs = [0.1, 0.12, 0.08, 0.11, 0.09, 0.1, 0.1, 0.12]
    found = anytime(logs)
    assert 0 < found.low < found.mean < found.high
    assert found.half > 2.3646 * math.sqrt(0.0002 / 8)
