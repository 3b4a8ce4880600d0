"""The best model: which one it is, and whose confusion matrices are added up."""

from __future__ import annotations

import dataclasses

import pytest
from builders import a_job, a_measurement, a_record, a_run, an_evaluation, digest
from figure_runs import results_of

from bench.analysis.best_model import best_model
from bench.record.confusion import Confusion
from mnist_bench.description import DESCRIPTION


def job_of(score, *, wrong=0, label="lab", classes=("a", "b"), data="data", **changes):
    """Return the record of a job with this test accuracy and so many mistakes."""
    job = a_job(**changes)
    final = an_evaluation(
        job.epochs,
        2.0,
        test_accuracy=score,
        confusion=Confusion(classes=classes, counts=((10, wrong), (0, 10))),
    )
    steps = [[0.02, 0.01, 0.01]] * job.epochs
    measured = a_measurement(steps, evaluations=[final], digests={"data": digest(data)})
    return a_record(job, measured, label=label)


def results_with(*records, **changes):
    by_label = {}
    for record in records:
        by_label.setdefault(record.label, []).append(record)
    return results_of([a_run(own, **changes) for own in by_label.values()], published=False)


def best_of(*records, **changes):
    return best_model(results_with(*records, **changes))


def test_the_highest_mean_over_the_repeats_is_best_and_not_the_best_single_job():
    lucky = [job_of(score, seed=seed) for seed, score in enumerate((0.99, 0.90))]
    steady = [job_of(0.96, seed=seed, model="mlp", wrong=seed) for seed in (1, 2)]
    best = best_of(*lucky, *steady)
    assert best.group.cell.value("model") == "mlp"
    assert best.score == pytest.approx(0.96)


def test_the_matrices_of_its_jobs_are_added_up():
    best = best_of(*(job_of(0.96, seed=seed, wrong=seed) for seed in (1, 2, 3)))
    assert best.jobs == 3
    assert best.confusion.counts == ((30, 6), (0, 30))


def test_jobs_with_other_classes_are_not_added():
    same, other = job_of(0.96, seed=1), job_of(0.96, seed=2, classes=("a", "c"))
    best = best_of(same, other)
    assert (best.jobs, best.confusion.samples) == (1, 20)


def test_a_job_of_a_version_without_matrices_does_not_count():
    steps = [[0.02, 0.01, 0.01]] * 2
    old = a_record(a_job(model="mlp"), a_measurement(steps))
    assert best_of(old) is None
    best = best_of(old, job_of(0.9))
    assert best.group.cell.value("model") == "cnn"


def test_scores_on_other_data_are_not_compared():
    usual = [job_of(0.9, seed=seed) for seed in (1, 2)]
    best = best_of(*usual, job_of(0.99, model="mlp", dataset="synthetic", data="drawn"))
    assert (best.group.cell.dataset, best.score) == ("mnist", pytest.approx(0.9))


def test_a_model_whose_training_went_wrong_is_not_best():
    broken = job_of(0.99, model="mlp")
    epochs = [
        epoch.model_copy(update={"metrics": {"train_loss": None}})
        for epoch in broken.measurement.epochs
    ]
    measured = broken.measurement.model_copy(update={"epochs": tuple(epochs)})
    best = best_of(broken.model_copy(update={"measurement": measured}), job_of(0.9))
    assert best.group.cell.value("model") == "cnn"


def test_of_equal_models_the_first_one_of_the_tables_is_best():
    results = results_with(
        job_of(0.9, label="rack"), job_of(0.9, label="desk"), job_of(0.9, label="desk", model="mlp")
    )
    assert best_model(results).group == results.groups[0].group


def test_the_lowest_mean_is_best_for_a_metric_of_which_less_is_better():
    outline = DESCRIPTION.outline
    metrics = [
        dataclasses.replace(one, better="lower", targets=()) if one.scored else one
        for one in outline.metrics
    ]
    lower = outline.model_copy(update={"metrics": tuple(metrics)})
    best = best_of(job_of(0.9), job_of(0.1, model="mlp"), workload=lower)
    assert best.score == pytest.approx(0.1)
