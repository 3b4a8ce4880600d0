"""The least squares of cells and sittings, against the pseudo-inverse of the whole design."""

from __future__ import annotations

import random

import numpy as np
import pytest
from fits import a_cell

from bench.analysis.design import design_of
from bench.analysis.warmup import quantiles


@pytest.mark.parametrize("seed", range(8))
def test_effects_residuals_and_degrees_are_those_of_the_whole_system(seed):
    rng = random.Random(seed)
    places = [(a_cell(rng.choice("abcde")), rng.randrange(5)) for _ in range(rng.randint(1, 25))]
    logs = np.array([rng.gauss(0, 1) for _ in places])
    design = design_of(places)
    found = design.solved(logs)

    cells, sittings = np.eye(len(design.cells)), np.eye(len(design.sittings))
    whole = np.hstack([cells[design.cell], sittings[design.sitting]])
    fitted = whole @ np.linalg.pinv(whole)
    assert found.means[design.cell] + found.effects[design.sitting] == pytest.approx(fitted @ logs)
    squares = (logs - fitted @ logs) ** 2
    assert found.squares == pytest.approx(np.bincount(design.cell, squares), abs=1e-12)
    degrees = np.bincount(design.cell, 1 - np.diag(fitted))
    assert design.degrees == pytest.approx(degrees, abs=1e-12)
    assert found.effects.sum() == pytest.approx(0, abs=1e-12)
    assert design.free == np.linalg.matrix_rank(whole) - len(design.cells)


def test_quantiles_are_those_of_numpy():
    rng = np.random.default_rng(1)
    for size in (1, 2, 3, 10, 57):
        values = rng.lognormal(size=size)
        shares = (0.1, 0.5, 0.95)
        assert quantiles(np.sort(values), shares) == list(np.quantile(values, shares))
