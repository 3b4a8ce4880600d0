"""The curves of the scored metric by epoch, with planted evaluations."""

from __future__ import annotations

import pytest
from builders import a_job, a_measurement, a_record, a_run, an_evaluation

from bench.analysis.results import analyse
from bench.spec.axes import Metric
from mnist_bench.description import DESCRIPTION

TRAINING = [0.90, 0.95, 0.99, 1.0]
RISES_AND_FALLS = [0.90, 0.96, 0.97, 0.95]


def a_record_of(test, train=TRAINING, **job):
    """Return the record of a job with these accuracies after its epochs."""
    pairs = zip(test, train, strict=True)
    evaluations = [
        an_evaluation(epoch, 10.0 + epoch, test_accuracy=score, train_accuracy=counterpart)
        for epoch, (score, counterpart) in enumerate(pairs, start=1)
    ]
    spec = a_job(epochs=len(test), evaluate="every", **job)
    return a_record(spec, a_measurement([[0.2, 0.1]] * len(test), evaluations=evaluations))


def curves(*records, outline=DESCRIPTION.outline):
    return analyse([a_run(records, workload=outline)], outline).curves


def test_the_best_epoch_the_gap_and_what_is_lost_are_those_of_medians_over_seeds():
    shifted = [[value + shift for value in RISES_AND_FALLS] for shift in (-0.01, 0.0, 0.01)]
    (found,) = curves(*(a_record_of(test, seed=seed) for seed, test in enumerate(shifted)))
    assert [point.epoch for point in found.points] == [1, 2, 3, 4]
    assert [point.score for point in found.points] == pytest.approx(RISES_AND_FALLS)
    assert [point.training for point in found.points] == TRAINING
    assert [point.seeds for point in found.points] == [3] * 4
    assert (found.best.epoch, found.last.epoch) == (3, 4)
    assert found.lost == pytest.approx(0.02)
    assert found.last.gap == pytest.approx(0.05)
    assert (found.worse, found.compared) == (3, 3)
    assert found.overfits


def test_the_best_epoch_of_each_seed_is_its_own():
    found = curves(
        a_record_of([0.90, 0.98, 0.97, 0.97], seed=1), a_record_of([0.90, 0.91, 0.92, 0.99], seed=2)
    )
    assert found[0].best_by_seed == (2, 4)


def test_one_seed_is_not_called_overfitting():
    (found,) = curves(a_record_of(RISES_AND_FALLS))
    assert (found.worse, found.compared, found.overfits) == (1, 1, False)


def test_one_seed_that_stays_good_keeps_a_row_from_being_called_overfitting():
    (found,) = curves(
        a_record_of(RISES_AND_FALLS, seed=1),
        a_record_of(RISES_AND_FALLS, seed=2),
        a_record_of([0.90, 0.94, 0.95, 0.96], seed=3),
    )
    assert found.best.epoch == 3
    assert (found.worse, found.compared, found.overfits) == (2, 3, False)


def test_a_score_that_falls_together_with_the_training_score_is_no_overfitting():
    falls = [0.90, 0.95, 0.99, 0.94]
    (found,) = curves(*(a_record_of(RISES_AND_FALLS, falls, seed=seed) for seed in (1, 2)))
    assert found.worse == 2 and not found.overfits


def test_repeats_of_a_seed_count_once():
    (found,) = curves(
        a_record_of(RISES_AND_FALLS, seed=1),
        a_record_of(RISES_AND_FALLS, seed=1, repeat=1),
        a_record_of([value - 0.02 for value in RISES_AND_FALLS], seed=2),
    )
    assert found.points[0].seeds == 2
    assert found.points[0].score == pytest.approx(0.89)


def test_jobs_that_were_evaluated_twice_have_no_curve():
    assert curves(a_record_of([0.9, 0.8], TRAINING[:2])) == ()


def test_a_lower_score_is_better_if_the_workload_says_so():
    metrics = (
        Metric("test_accuracy", "lower", scored=True, training="train_accuracy"),
        Metric("train_accuracy", "lower"),
    )
    outline = DESCRIPTION.outline.model_copy(update={"metrics": metrics})
    (found,) = curves(a_record_of([0.5, 0.2, 0.3], [0.4, 0.2, 0.1]), outline=outline)
    assert found.best.epoch == 2
    assert found.lost == pytest.approx(0.1)
    assert found.last.gap == pytest.approx(0.2), "the training score is better by 0.2"


def test_without_a_counterpart_the_gap_is_unknown():
    metrics = (Metric("test_accuracy", "higher", scored=True),)
    outline = DESCRIPTION.outline.model_copy(update={"metrics": metrics})
    (found,) = curves(*(a_record_of(RISES_AND_FALLS) for _ in range(1)), outline=outline)
    assert found.best.epoch == 3
    assert found.best.training is None and found.last.gap is None and not found.overfits
