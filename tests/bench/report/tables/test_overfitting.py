"""The table of overfitting, its sentences, and the evaluations in the table of epochs."""

from __future__ import annotations

import pytest
from builders import a_job, a_measurement, a_record, a_run, an_evaluation, rows
from reporting import notes, report_of, table

from bench.report.markdown import render

TEST, TRAIN = [0.90, 0.97, 0.95], [0.91, 0.98, 1.0]


def a_report(test=TEST, seeds=(1, 2), **job):
    """Return a report of jobs with these accuracies after their epochs."""
    evaluations = [
        an_evaluation(epoch, 10.0 + epoch, test_accuracy=score, train_accuracy=counterpart)
        for epoch, (score, counterpart) in enumerate(zip(test, TRAIN, strict=True), start=1)
    ]
    fields = {"epochs": 3, "evaluate": "every", **job}
    measured = a_measurement([[0.2, 0.1]] * 3, evaluations=evaluations)
    records = [a_record(a_job(seed=seed, **fields), measured, label="desk") for seed in seeds]
    return report_of([a_run(records)])


def test_a_row_tells_the_best_epoch_and_what_longer_training_did():
    (row,) = rows(a_report(), "overfitting")
    assert (row["machine"], row["epochs"], row["seeds"], row["evaluated"]) == ("desk", 3, 2, 3)
    assert (row["best_epoch"], row["best_epoch_of_seeds"]) == (2, "2")
    assert (row["best_test_accuracy"], row["train_accuracy_at_best"]) == (0.97, 0.98)
    assert (row["last_test_accuracy"], row["last_train_accuracy"]) == (0.95, 1.0)
    assert row["lost"] == pytest.approx(0.02)
    assert row["gap_at_end"] == pytest.approx(0.05)
    assert row["worse_seeds"] == "2 of 2"


def test_a_sentence_names_the_jobs_that_overfit():
    assert (
        "desk, cnn adam 3 ep overfits: test accuracy was best after epoch 2 (0.9700) and is 0.9500 "
        "at the end, worse in all 2 seeds, while train accuracy went from 0.9800 to 1.0000."
    ) in notes(a_report(), "overfitting")
    assert "overfits" not in notes(a_report([0.90, 0.95, 0.97]), "overfitting")


def test_the_table_of_epochs_holds_the_evaluations():
    found = [row for row in rows(a_report(), "epochs") if row["source"] == "measured"]
    assert [row["evaluated_test_accuracy"] for row in found] == TEST
    assert [row["evaluated_train_accuracy"] for row in found] == TRAIN
    headings = [column.heading for column in table(a_report(), "epochs").columns]
    assert "evaluated test accuracy" in headings


def test_the_tables_of_capacity_and_quality_hold_the_read_offs_and_the_end_alone():
    report = a_report(read_off=(2,))
    for name in ("capacity", "quality"):
        measured = [row for row in rows(report, name) if row["source"] == "measured"]
        assert sorted(row["epochs"] for row in measured) == [2, 3]


def test_there_is_no_such_table_for_jobs_that_were_evaluated_at_their_end():
    measured = a_measurement([[0.2, 0.1]] * 3)
    report = report_of([a_run([a_record(a_job(epochs=3), measured)])])
    assert "## Overfitting" not in render(report)
    headings = [column.heading for column in table(report, "epochs").columns]
    assert "evaluated test accuracy" not in headings
