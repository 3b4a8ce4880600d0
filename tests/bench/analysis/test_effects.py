"""The fit of one machine's times: cells, sittings and moderated variances."""

from __future__ import annotations

import math

import pytest
from fits import PRIOR, a_cell, a_fit, timings

from bench.analysis.effects import JOB_SPREAD, LEAST_SPREAD, Timing, fit_effects


def test_a_cell_s_mean_is_the_geometric_mean_over_sittings():
    fit = a_fit({"mlp": 2.0, "cnn": 8.0}, sittings=(-0.1, 0.1))
    assert math.exp(fit.cells[a_cell("mlp")].mean) == pytest.approx(2.0)
    assert math.exp(fit.cells[a_cell("cnn")].mean) == pytest.approx(8.0)
    assert list(fit.sittings.values()) == pytest.approx([-0.1, 0.1])


def test_a_slow_sitting_does_not_slow_the_cells_that_only_it_measured():
    """The second sitting is slower by 20 %; it alone has the CNN, whose time is cleared of that."""
    slowed = Timing(a_cell("cnn"), 1, 8.0 * math.exp(0.2))
    planted = [*timings({"mlp": 2.0}, (0.0, 0.2)), slowed]
    fit = fit_effects(planted, PRIOR)
    ratio = fit.cells[a_cell("cnn")].mean - fit.cells[a_cell("mlp")].mean
    assert math.exp(ratio) == pytest.approx(4.0)


def test_one_sitting_has_the_prior_s_spread_and_all_of_it_is_assumed_but_for_its_jobs_noise():
    fit = a_fit({"mlp": 2.0, "cnn": 8.0})
    noise = JOB_SPREAD**2 / 2  # two cells of one job
    assert fit.sitting_variance == pytest.approx(0.05**2 + noise)
    assert fit.sitting_df == 2
    assert fit.assumed == pytest.approx(0.05**2 / fit.sitting_variance)
    assert not fit.repeated


def test_more_jobs_in_one_sitting_hardly_narrow_another_day():
    few = a_fit({"mlp": 2.0}, jobs=2)
    many = a_fit({"mlp": 2.0}, jobs=50)
    assert many.sitting_variance == pytest.approx(few.sitting_variance, rel=0.01)


def test_equal_times_do_not_prove_that_there_is_no_noise():
    fit = a_fit({"mlp": 2.0}, sittings=(0.0, 0.0, 0.0), jobs=2)
    assert math.sqrt(fit.sitting_variance) > 0.03


def test_from_six_sittings_on_the_machine_s_own_spread_counts_alone():
    effects = (-0.02, 0.02, -0.02, 0.02, -0.02, 0.02)
    fit = a_fit({"mlp": 2.0}, sittings=effects)
    assert fit.sitting_variance == pytest.approx(6 * 0.02**2 / 5)
    assert (fit.sitting_df, fit.assumed) == (5, 0)


def test_even_many_equal_sittings_leave_the_least_spread():
    assert a_fit({"mlp": 2.0}, sittings=(0.0,) * 8).sitting_variance == LEAST_SPREAD**2


def test_sittings_without_a_common_cell_say_nothing_of_their_spread_and_keep_their_times():
    apart = [Timing(a_cell("mlp"), 0, 0.001), Timing(a_cell("cnn"), 1, 0.1)]
    fit = fit_effects(apart, PRIOR)
    assert math.exp(fit.cells[a_cell("mlp")].mean) == pytest.approx(0.001)
    assert math.exp(fit.cells[a_cell("cnn")].mean) == pytest.approx(0.1)
    assert fit.sitting_df == PRIOR.weight
    assert fit.sitting_variance == pytest.approx(0.05**2 + JOB_SPREAD**2 / 2, rel=0.2)
    assert [cell.sittings for cell in fit.cells.values()] == [1, 1]


def test_sittings_of_unlike_grids_are_told_apart_block_by_block():
    """Two days of the MLP alone and two days of the CNN alone: each block has its own effects."""
    days = [(0, "mlp", 0.1), (1, "mlp", -0.1), (2, "cnn", 0.2), (3, "cnn", -0.2)]
    seconds = {"mlp": 2.0, "cnn": 8.0}
    fit = fit_effects(
        [Timing(a_cell(name), day, seconds[name] * math.exp(effect)) for day, name, effect in days],
        PRIOR,
    )
    assert list(fit.sittings.values()) == pytest.approx([0.1, -0.1, 0.2, -0.2])
    assert math.exp(fit.cells[a_cell("mlp")].mean) == pytest.approx(2.0)
    assert fit.sitting_df == PRIOR.weight + 2
    weights = {a_cell("mlp"): 0.5, a_cell("cnn"): 0.5}
    assert fit.spread_of(weights) == pytest.approx(fit.sitting_variance * (0.25 / 2 + 0.25 / 2))


def test_a_cell_s_noise_is_drawn_towards_that_of_the_machine():
    noisy = [Timing(a_cell("mlp"), 0, time_s) for time_s in (1.0, 1.2)]
    still = [Timing(a_cell("cnn"), 0, time_s) for time_s in (4.0, 4.0)]
    fit = fit_effects(noisy + still, PRIOR)
    own = math.log(1.2) ** 2 / 2 / 2
    assert fit.job_variance == pytest.approx(own)
    assert fit.cells[a_cell("cnn")].variance == pytest.approx(own / 2)
    assert fit.cells[a_cell("mlp")].variance == pytest.approx(own * 3 / 2)


def test_a_fit_without_a_timing_is_an_error():
    with pytest.raises(ValueError, match="at least one"):
        fit_effects([], PRIOR)
