"""All pairs of machines at once agree with the ratio of each two of them."""

from __future__ import annotations

import itertools
import random

import numpy as np
import pytest
from fits import a_cell

from bench.analysis.all_pairs import all_pairs
from bench.analysis.effects import Prior, Timing, fit_effects
from bench.analysis.ranks import RankSet, holm, rankings
from bench.analysis.ratios import Finding, common_cells, ratio

KINDS = tuple("abcdef")


def machines(seed, count=9):
    """Return machines with some cells each, in sittings that do not all share a cell."""
    rng = random.Random(seed)
    found = {}
    for number in range(count):
        speed = rng.gauss(0, 0.1)
        found[f"machine {number}"] = fit_effects(
            [
                Timing(a_cell(kind), sitting, 2.0 ** (speed + rng.gauss(0, 0.05)))
                for sitting in range(rng.randint(1, 4))
                for kind in rng.sample(KINDS, rng.randint(1, len(KINDS)))
                for _ in range(rng.randint(1, 3))
            ],
            Prior(0.05),
        )
    return found


@pytest.mark.parametrize("seed", range(6))
def test_each_pair_is_what_the_ratio_of_the_two_says(seed):
    fits = list(machines(seed).values())
    found = all_pairs(fits, [tuple(fit.cells) for fit in fits])
    compared = 0
    for (i, first), (j, second) in itertools.permutations(enumerate(fits), 2):
        cells = common_cells(first, second)
        assert found.cells[i, j] == len(cells)
        if cells:
            pair, compared = ratio(first, second, cells), compared + 1
            told = (found.log[i, j], found.se[i, j], found.df[i, j])
            assert told == pytest.approx((pair.log, pair.se, pair.df))
            place = (np.array([i]), np.array([j]))
            assert found.p_values(place)[0] == pytest.approx(pair.p_value)
    assert compared > 20


@pytest.mark.parametrize("seed", range(6))
def test_rank_sets_are_counted_from_all_pairs_in_one_family(seed):
    for ranking in rankings(machines(seed)):
        pairs = ranking.pairs
        assert [pair.sure for pair in pairs] == list(holm([one.ratio.p_value for one in pairs]))
        behind = dict.fromkeys(ranking.names, 0)
        ahead = dict.fromkeys(ranking.names, 0)
        for pair in (*pairs, *(pair.turned for pair in pairs)):
            behind[pair.first] += pair.finding is Finding.FASTER
            ahead[pair.first] += pair.finding is Finding.SLOWER
        assert ranking.ranks == {
            name: RankSet(1 + ahead[name], len(ranking.names) - behind[name])
            for name in ranking.names
        }
