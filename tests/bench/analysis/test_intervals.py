"""Quantiles and means, against numbers worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest

from bench.analysis.intervals import Interval, geometric_mean
from bench.record.measurement import quantile


def test_a_quantile_is_interpolated_between_its_neighbours():
    assert quantile([4.0, 1.0, 3.0, 2.0], 0.5) == 2.5
    assert quantile([10.0, 20.0, 30.0], 0.1) == pytest.approx(12.0)
    assert quantile([10.0, 20.0, 30.0], 0.95) == pytest.approx(29.0)
    assert quantile([5.0], 0.1) == 5.0


def test_a_quantile_of_nothing_is_unknown():
    assert quantile([], 0.5) is None
    assert quantile(np.empty(0), 0.1) is None


def test_a_geometric_mean_leaves_out_unknown_and_impossible_times():
    assert geometric_mean([1.0, 4.0]) == pytest.approx(2.0)
    assert geometric_mean([None, float("nan"), 0.0, 2.0]) == pytest.approx(2.0)
    assert geometric_mean([]) is None


def test_an_interval_in_another_unit_keeps_unknown_bounds_unknown():
    assert Interval(2.0, 1.0, None, 3).times(1000) == Interval(2000.0, 1000.0, None, 3)
