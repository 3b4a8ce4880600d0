"""Quantiles and intervals, against numbers worked out by hand and against SciPy."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats as scipy_stats

from bench.analysis.intervals import CONFIDENCE, geometric_interval, paired_ratio
from bench.record.measurement import quantile


def test_a_quantile_is_interpolated_between_its_neighbours():
    assert quantile([4.0, 1.0, 3.0, 2.0], 0.5) == 2.5
    assert quantile([10.0, 20.0, 30.0], 0.1) == pytest.approx(12.0)
    assert quantile([10.0, 20.0, 30.0], 0.95) == pytest.approx(29.0)
    assert quantile([5.0], 0.1) == 5.0


def test_a_quantile_of_nothing_is_unknown():
    assert quantile([], 0.5) is None
    assert quantile(np.empty(0), 0.1) is None


def test_an_interval_of_nothing_is_none():
    assert geometric_interval([]) is None


def test_one_value_gives_an_estimate_without_bounds():
    interval = geometric_interval([8.0])
    assert interval.estimate == pytest.approx(8.0)
    assert (interval.low, interval.high, interval.n) == (None, None, 1)


def test_an_interval_agrees_with_the_numbers_worked_out_by_hand():
    """Logs of 1, 2, 4 have mean ln 2 and deviation ln 2; Student's t for 2 degrees is 4.302653."""
    interval = geometric_interval([1.0, 2.0, 4.0])
    factor = math.exp(4.302653 * math.log(2) / math.sqrt(3))
    assert interval.estimate == pytest.approx(2.0)
    assert interval.high == pytest.approx(2 * factor, rel=1e-6)
    assert interval.low == pytest.approx(2 / factor, rel=1e-6)
    assert interval.n == 3


@pytest.mark.parametrize("confidence", [0.8, 0.95, 0.99])
def test_an_interval_agrees_with_scipy(confidence):
    values = np.random.default_rng(3).lognormal(1, 0.4, 7)
    logs = np.log(values)
    low, high = scipy_stats.t.interval(confidence, 6, logs.mean(), scipy_stats.sem(logs))
    interval = geometric_interval(values, confidence)
    assert interval.estimate == pytest.approx(scipy_stats.gmean(values))
    assert (interval.low, interval.high) == pytest.approx((math.exp(low), math.exp(high)))


def test_equal_values_give_an_interval_of_no_width():
    interval = geometric_interval([3.0, 3.0, 3.0])
    assert (interval.low, interval.estimate, interval.high) == pytest.approx((3.0, 3.0, 3.0))


def test_a_stated_95_percent_is_95_percent_of_three_lognormal_jobs():
    samples = np.random.default_rng(2020).lognormal(mean=1.5, sigma=0.3, size=(2000, 3))
    intervals = [geometric_interval(sample) for sample in samples]
    covered = np.mean([i.low <= math.exp(1.5) <= i.high for i in intervals])
    assert CONFIDENCE == 0.95
    assert 0.93 <= covered <= 0.97


def test_a_ratio_is_paired_by_position():
    interval = paired_ratio([2.0, 6.0, 20.0], [1.0, 3.0, 10.0])
    assert (interval.low, interval.estimate, interval.high) == pytest.approx((2.0, 2.0, 2.0))
    unpaired = paired_ratio([20.0, 6.0, 2.0], [1.0, 3.0, 10.0])
    assert unpaired.high - unpaired.low > 1


def test_the_inverse_ratio_has_the_inverse_bounds():
    a, b = [2.0, 3.0, 4.0], [1.0, 2.0, 1.5]
    there, back = paired_ratio(a, b), paired_ratio(b, a)
    assert back.estimate == pytest.approx(1 / there.estimate)
    assert (back.low, back.high) == pytest.approx((1 / there.high, 1 / there.low))


def test_pairs_that_differ_in_number_are_refused():
    with pytest.raises(ValueError, match="2 and 1"):
        paired_ratio([1.0, 2.0], [1.0])
