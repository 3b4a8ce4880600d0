"""The confusion matrix: counted after the job, and never at the cost of the job."""

from __future__ import annotations

import pytest
import toy_workload
from launches import a_launch

from bench.child.confusion import MOST_CLASSES, count_confusion
from bench.child.job import run_launch
from bench.errors import WorkloadError
from bench.record.confusion import Confusion


def test_a_row_holds_the_samples_of_a_true_class_by_their_predicted_class():
    found = count_confusion(("a", "b", "c"), lambda: ([0, 0, 1, 2, 2, 2], [0, 1, 1, 2, 2, 0]))
    assert found.counts == ((1, 1, 0), (0, 1, 0), (1, 0, 2))
    assert (found.right, found.samples) == (4, 6)


@pytest.mark.parametrize("predicted", [[0, 2], [0, -1]])
def test_a_class_that_is_not_in_the_list_is_refused(predicted):
    with pytest.raises(WorkloadError, match=r"not in the list.*from 0 to 1"):
        count_confusion(("a", "b"), lambda: ([0, 1], predicted))


def test_too_many_classes_are_refused_before_anything_is_predicted():
    classes = tuple(map(str, range(MOST_CLASSES + 1)))
    with pytest.raises(WorkloadError, match=f"too many classes.*{MOST_CLASSES} classes at most"):
        count_confusion(classes, lambda: pytest.fail("it was predicted"))


def test_a_matrix_that_is_not_square_is_no_confusion_matrix():
    with pytest.raises(ValueError, match="not 2 rows of 2 columns"):
        Confusion(classes=("a", "b"), counts=((1, 0), (1,)))


def test_it_is_counted_after_the_job_and_belongs_to_the_last_evaluation(tmp_path, monkeypatch):
    told = []
    monkeypatch.setattr(
        toy_workload, "_predictions", lambda: told.append("predicted") or ([0, 1], [1, 1])
    )
    launch = a_launch("ok", tmp_path, workload=toy_workload.NAME)
    record = run_launch(launch, lambda event: told.append(event["event"]))
    assert told[-3:] == ["epoch", "measured", "predicted"]
    final = record.measurement.final
    assert final.confusion.classes == toy_workload.CLASSES
    assert final.confusion.counts == ((0, 1), (0, 1))
    assert record.measurement.confusion_s > 0


@pytest.mark.parametrize(
    ("model", "note"),
    [
        ("clueless", "confusion matrix not counted: RuntimeError: toy trouble"),
        ("third-class", "confusion matrix not counted: WorkloadError: a predicted or a true class"),
    ],
)
def test_a_prediction_that_fails_is_a_note_and_the_job_is_measured(tmp_path, model, note):
    record = run_launch(a_launch(model, tmp_path), lambda event: None)
    assert record.failure is None
    assert record.measurement.final.confusion is None
    assert record.measurement.notes[-1].startswith(note)
