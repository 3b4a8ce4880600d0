"""Counts the confusion matrix of a trained model from the classes that it predicts."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt

from bench.errors import WorkloadError
from bench.record.confusion import Confusion

#: Returns the true and the predicted class of each sample, as places in the list of classes.
Predict = Callable[[], tuple[npt.ArrayLike, npt.ArrayLike]]

#: With more classes, a matrix would be longer than all the rest of a record.
MOST_CLASSES = 50


def count_confusion(classes: Sequence[str], predict: Predict) -> Confusion:
    """Return the counts of what `predict` returns for `classes`.

    Raises WorkloadError if there are too many classes or if a class is unknown.
    """
    size = len(classes)
    if size > MOST_CLASSES:
        raise WorkloadError(
            "there are too many classes for a confusion matrix",
            seen=str(size),
            next_step=f"call meter.confusion_by for {MOST_CLASSES} classes at most",
        )
    truth, predicted = (np.asarray(one, dtype=np.int64) for one in predict())
    for places in (truth, predicted):
        if places.size and not 0 <= places.min() <= places.max() < size:
            raise WorkloadError(
                "a predicted or a true class is not in the list of classes",
                seen=f"{places.min()} to {places.max()}",
                next_step=f"return places from 0 to {size - 1}",
            )
    counts = np.zeros((size, size), dtype=np.int64)
    np.add.at(counts, (truth, predicted), 1)
    return Confusion(classes=tuple(classes), counts=tuple(map(tuple, counts.tolist())))
