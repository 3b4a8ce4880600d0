"""Measured figures stand beside published ones as typed results, with a reason if they cannot."""

from __future__ import annotations

import pytest

from bench.analysis.cells import Cell
from bench.analysis.intervals import Interval
from bench.analysis.reference import Unlike, comparison, published_runs, relatives, steady_median
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


def beside(cell, total_s=None, epoch_s=None, bounds=None):
    low, high = bounds or (None, None)
    total = None if total_s is None else Interval(total_s, None, None, 1)
    epoch = None if epoch_s is None else Interval(epoch_s, low, high, 1)
    return relatives(cell, total, epoch, REFERENCE, OUTLINE)[0]


def test_the_total_of_the_same_job_counts_before_the_epoch():
    found = beside(a_cell(), total_s=100.0, epoch_s=5.0)
    assert (found.machine, found.basis, found.covers) == ("laptop_2020", "total", None)
    assert found.speed.estimate == pytest.approx(2.816055396)


def test_a_speed_by_epoch_holds_the_rounding_and_our_own_spread():
    found = beside(a_cell(epochs=2), total_s=100.0, epoch_s=5.0)
    assert (found.basis, found.covers) == ("epoch", "rounding")
    assert (found.speed.low, found.speed.high) == pytest.approx((18.5 / 5, 19.5 / 5))
    both = beside(a_cell(epochs=2), epoch_s=5.0, bounds=(4.0, 6.0))
    assert both.covers == "rounding and jobs"
    assert (both.speed.low, both.speed.high) == pytest.approx((18.5 / 6, 19.5 / 4))


def test_what_is_unknown_has_its_reason_as_data():
    assert beside(a_cell(batch_size=64), 1.0).unknown == Unlike("batch_size", 64, 128)
    assert beside(a_cell(optimizer="sgd"), 1.0).unknown == "not published"
    assert beside(a_cell(epochs=2)).unknown == "not measured"


def test_without_a_reference_there_is_nothing_beside():
    assert relatives(a_cell(), None, None, None, OUTLINE) == ()
    assert published_runs(None, OUTLINE) == ()
    assert comparison(a_cell(), 1, {}, None, OUTLINE).unknown is None


def test_a_published_run_is_a_group_of_one_job_with_its_rounding():
    first = published_runs(REFERENCE, OUTLINE)[0]
    assert first.cell.value("as_published") is None
    assert (first.epoch.low, first.epoch.high) == (18.5, 19.5)
    assert first.relatives[0].speed.estimate == pytest.approx(1)
    assert steady_median([100, 2, 4]) == 3
    assert steady_median([5]) == 5


@pytest.mark.parametrize(
    ("cell", "unknown"),
    [
        (a_cell(epochs=3), "not published"),
        (a_cell(dataset="synthetic"), "other data"),
        (a_cell(precision="bfloat16"), Unlike("precision", "bfloat16", "float32")),
        (a_cell(loop="compiled"), None),
    ],
)
def test_metrics_are_judged_if_they_are_comparable(cell, unknown):
    metrics = {"train_accuracy": 0.9957, "test_accuracy": 0.9918}
    found = comparison(cell, 2, metrics, REFERENCE, OUTLINE)
    assert found.unknown == unknown
    assert found.within is (True if unknown is None else None)


def test_a_metric_outside_the_tolerance_is_not_within_it():
    metrics = {"train_accuracy": 0.9957, "test_accuracy": 0.98}
    found = comparison(a_cell(), 2, metrics, REFERENCE, OUTLINE)
    assert found.within is False
    assert found.differences["test_accuracy"] == pytest.approx(0.98 - 0.9918, abs=1e-4)


def test_which_figure_carries_the_published_slip_is_told():
    def caveat(n=1, **axes):
        return comparison(a_cell(**axes), n, {}, REFERENCE, OUTLINE).caveat

    assert caveat() == "none"
    assert caveat(model="mlp") == "published"
    assert caveat(model="mlp", as_published=True) == "both"
    assert caveat(model="mlp", as_published=True, epochs=3) == "measured"
    assert caveat(model="cnn", as_published=True) == "none"
