"""The estimator gives the figures that an independent script computed from the same formulas.

That script (NumPy and SciPy alone) fitted these two machines; its results stand here rounded.
"""

from __future__ import annotations

import math

import pytest
from fits import PRIOR, a_cell

from bench.analysis.effects import Timing, fit_effects
from bench.analysis.ranks import rankings
from bench.analysis.ratios import ratio
from bench.analysis.sequential import sequence_half

#: Cell, sitting and seconds of each job: three sittings of A and two of B, with unlike repeats.
A = (
    *(("mlp", 0, 1.62), ("mlp", 0, 1.66), ("adam", 0, 2.41), ("cnn", 0, 9.02)),
    *(("mlp", 1, 1.73), ("mlp", 1, 1.69), ("adam", 1, 2.60), ("cnn", 1, 9.31)),
    *(("mlp", 2, 1.60), ("adam", 2, 2.38), ("cnn", 2, 8.77), ("cnn", 2, 8.95)),
)
B = (
    *(("mlp", 0, 1.95), ("adam", 0, 2.77), ("cnn", 0, 10.9)),
    *(("mlp", 1, 2.12), ("mlp", 1, 2.05), ("adam", 1, 3.11), ("cnn", 1, 11.6)),
)


def fitted(rows, factor=1.0):
    timings = [Timing(a_cell(name), sitting, time_s * factor) for name, sitting, time_s in rows]
    return fit_effects(timings, PRIOR)


@pytest.mark.parametrize(
    ("rows", "cells", "sitting"),
    [
        pytest.param(
            A,
            {
                "mlp": (0.500807, 1.9765e-4, 4.175676, 5),
                "adam": (0.900746, 2.6240e-4, 2.479730, 3),
                "cnn": (2.205397, 1.8388e-4, 3.344595, 4),
            },
            (1.85804e-3, 4),
            id="three sittings",
        ),
        pytest.param(
            B,
            {
                "mlp": (0.699008, 4.5175e-4, 2.6, 3),
                "adam": (1.076735, 6.6351e-4, 1.7, 2),
                "cnn": (2.419884, 3.8375e-4, 1.7, 2),
            },
            (2.83394e-3, 3),
            id="two sittings",
        ),
    ],
)
def test_means_and_moderated_variances_are_those_of_the_reference(rows, cells, sitting):
    fit = fitted(rows)
    for name, (mean, variance, df, jobs) in cells.items():
        effect = fit.cells[a_cell(name)]
        assert effect.mean == pytest.approx(mean, abs=1e-6)
        assert effect.variance == pytest.approx(variance, rel=1e-4)
        assert effect.df == pytest.approx(df, abs=1e-5)
        assert effect.jobs == jobs
    assert fit.sitting_variance == pytest.approx(sitting[0], rel=1e-4)
    assert fit.sitting_df == sitting[1]


@pytest.mark.parametrize(
    ("cells", "log", "half", "df", "se"),
    [
        pytest.param(None, 0.196226, 0.113351, 5.419195, 0.045126, id="all cells"),
        pytest.param([a_cell("cnn")], 0.214487, 0.114287, 6.567752, 0.047688, id="one cell"),
    ],
)
def test_a_ratio_and_its_bracket_are_those_of_the_reference(cells, log, half, df, se):
    found = ratio(fitted(A), fitted(B), cells)
    assert found.log == pytest.approx(log, abs=1e-6)
    assert math.log(found.interval().high) - found.log == pytest.approx(half, abs=1e-5)
    assert found.df == pytest.approx(df, abs=1e-5)
    assert found.se == pytest.approx(se, abs=1e-6)


def test_chances_and_the_expected_loss_are_those_of_the_reference():
    found = ratio(fitted(A), fitted(B))
    assert found.p_faster() == pytest.approx(0.996939, abs=1e-6)
    assert found.p_faster(0.03) == pytest.approx(0.993899, abs=1e-6)
    assert found.expected_loss == pytest.approx(0.000163, abs=1e-6)


def test_rank_sets_are_those_of_the_reference():
    machines = {"a": fitted(A), "b": fitted(B), "c": fitted(A, 1.01), "d": fitted(A, 1.5)}
    (ranking,) = rankings(machines)
    assert {name: (rank.first, rank.last) for name, rank in ranking.ranks.items()} == {
        "a": (1, 2),
        "b": (3, 3),
        "c": (1, 2),
        "d": (4, 4),
    }


@pytest.mark.parametrize(
    ("n", "half"), [(2, math.inf), (3, 0.381683), (5, 0.121005), (10, 0.066134), (40, 0.029231)]
)
def test_the_confidence_sequence_is_that_of_the_reference(n, half):
    assert sequence_half(n, 0.0025) == pytest.approx(half, abs=1e-6)
