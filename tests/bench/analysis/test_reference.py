"""Measured figures stand beside published ones as typed results, with a reason if they cannot."""

from __future__ import annotations

import math

import pytest

from bench.analysis.cells import Cell
from bench.analysis.estimates import Estimate, Part
from bench.analysis.reference import (
    Unlike,
    comparison,
    published_epoch,
    published_runs,
    relatives,
    steady_median,
)
from mnist_bench.description import DESCRIPTION
from mnist_bench.reference import published_2020

REFERENCE, OUTLINE = published_2020(), DESCRIPTION.outline
AXES = {
    "model": "cnn",
    "optimizer": "adam",
    "batch_size": 128,
    "loop": "fit",
    "precision": "float32",
    "backend": "tensorflow",
}


def a_cell(epochs=15, dataset="mnist", **axes):
    return Cell(tuple({**AXES, **axes}.items()), epochs, dataset, "digest")


def an_estimate(seconds, spread=0.0):
    return Estimate(math.log(seconds), (Part(spread**2),), 1)


def beside(cell, total_s=None, epoch_s=None, spread=0.0):
    total = None if total_s is None else an_estimate(total_s, spread)
    epoch = None if epoch_s is None else an_estimate(epoch_s, spread)
    return relatives(cell, total, epoch, REFERENCE, OUTLINE)[0]


def test_the_total_of_the_same_job_counts_before_the_epoch():
    found = beside(a_cell(), total_s=100.0, epoch_s=5.0)
    assert (found.machine, found.basis) == ("laptop_2020", "total")
    assert found.speed.value == pytest.approx(2.816055396)


def test_a_published_run_is_one_of_many_that_differ_by_5_percent():
    """Student's t of 2 degrees of freedom is 4.303: the bracket is +- 21.5 % in logs."""
    found = beside(a_cell(), total_s=100.0).speed.interval()
    half = 4.302653 * 0.05
    assert found.low == pytest.approx(2.816055 * math.exp(-half), rel=1e-4)
    assert found.high == pytest.approx(2.816055 * math.exp(half), rel=1e-4)


def test_our_own_spread_widens_the_bracket():
    alone, both = (beside(a_cell(), total_s=100.0, spread=spread).speed for spread in (0.0, 0.04))
    assert both.se == pytest.approx(math.hypot(alone.se, 0.04))


def test_the_milliseconds_of_a_step_narrow_the_rounding_of_its_epoch():
    """11 s lies within 10.5 and 11.5 s; 23 ms a step of 469 lie within 10.55 and 11.02 s."""
    cloud = next(run for run in REFERENCE.runs if run.machine == "vm_2020")
    epoch = published_epoch(cloud, REFERENCE)
    assert epoch.value == pytest.approx((10.5525 + 11.0215) / 2)
    rounding = epoch.parts[1].variance ** 0.5 * 3**0.5 * epoch.value
    assert rounding == pytest.approx((11.0215 - 10.5525) / 2)


def test_what_is_unknown_has_its_reason_as_data():
    assert beside(a_cell(batch_size=64), 1.0).unknown == Unlike("batch_size", 64, 128)
    assert beside(a_cell(optimizer="sgd"), 1.0).unknown == "not published"
    assert beside(a_cell(epochs=2)).unknown == "not measured"


def test_without_a_reference_there_is_nothing_beside():
    assert relatives(a_cell(), None, None, None, OUTLINE) == ()
    assert published_runs(None, OUTLINE) == ()
    assert comparison(a_cell(), 1, {}, None, OUTLINE).published_holds is None


def test_a_published_run_is_a_group_of_one_job():
    first = published_runs(REFERENCE, OUTLINE)[0]
    assert first.cell.value("as_published") is None
    assert first.relatives[0].speed.value == pytest.approx(1)
    assert steady_median([100, 2, 4]) == 3
    assert steady_median([5]) == 5


@pytest.mark.parametrize(
    ("cell", "known"),
    [
        (a_cell(epochs=3), False),
        (a_cell(dataset="synthetic"), False),
        (a_cell(loop="compiled"), True),
    ],
)
def test_measured_metrics_are_subtracted_from_published_ones_of_the_same_job(cell, known):
    metrics = {"train_accuracy": 0.9957, "test_accuracy": 0.98}
    found = comparison(cell, 2, metrics, REFERENCE, OUTLINE)
    assert ("test_accuracy" in found.differences) is known
    if known:
        assert found.differences["test_accuracy"] == pytest.approx(0.98 - 0.9918, abs=1e-4)


def test_which_figure_carries_the_published_slip_is_told():
    def caveat(n=1, **axes):
        return comparison(a_cell(**axes), n, {}, REFERENCE, OUTLINE).caveat

    assert caveat() == "none"
    assert caveat(model="mlp") == "published"
    assert caveat(model="mlp", as_published=True) == "both"
    assert caveat(model="mlp", as_published=True, epochs=3) == "measured"
    assert caveat(model="cnn", as_published=True) == "none"
