"""What healthy jobs end with over ten seeds, read from the file that tools/calibrate.py writes.

The file holds, for each network and optimizer, the mean and the deviation of each metric after each
epoch. Jobs of every backend and loop are judged by it, because all of them make the same updates.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from importlib import resources
from typing import Any

from bench.outside.documents import parse_json
from bench.spec.axes import Calibration, Calibrations, Scale, Value

#: The axes that change what a job learns and tell one calibration from another.
BY = ("model", "optimizer")
#: The values that other axes must have. A batch of another size, or another precision, learns
#: otherwise; images divided as in 2020 give another test accuracy.
REQUIRES: Mapping[str, Value] = {
    "batch_size": 128,
    "precision": "float32",
    "as_published": False,
}
#: The metrics that are calibrated, which are also the published ones, and their scales.
METRICS: Mapping[str, Scale] = {"train_accuracy": "log odds", "test_accuracy": "log odds"}
FILE = "calibration.json"


def calibrations() -> Calibrations:
    """Return the calibrations of the package."""
    path = resources.files("mnist_bench.reference") / FILE
    return from_document(parse_json(path.read_text(encoding="utf-8")))


def from_document(document: Mapping[str, Any]) -> Calibrations:
    """Return the calibrations that a JSON document holds."""
    rows = tuple(
        Calibration(
            series["axes"], epochs, series["metric"], mean, sd, series["seeds"], series["scale"]
        )
        for series in document["series"]
        for epochs, mean, sd in zip(series["epochs"], series["mean"], series["sd"], strict=True)
    )
    about = {name: document[name] for name in ABOUT}
    return Calibrations(rows=rows, **about)


def to_document(found: Calibrations) -> dict[str, Any]:
    """Return calibrations as a JSON document, one series of epochs for each metric."""

    def series(row: Calibration) -> tuple[Any, ...]:
        return (*row.axes.items(), row.metric, row.n)

    rows = sorted(found.rows, key=lambda row: (str(series(row)), row.epochs))
    told = []
    for _, same in itertools.groupby(rows, key=series):
        alike = list(same)
        told.append(
            {
                "axes": dict(alike[0].axes),
                "metric": alike[0].metric,
                "scale": alike[0].scale,
                "seeds": alike[0].n,
                "epochs": [row.epochs for row in alike],
                "mean": [round(row.mean, 6) for row in alike],
                "sd": [round(row.sd, 6) for row in alike],
            }
        )
    return {**{name: getattr(found, name) for name in ABOUT}, "series": told}


#: What a document says of all its series.
ABOUT = ("date", "machine", "versions", "dataset", "data_digest", "requires")
