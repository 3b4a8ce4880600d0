"""The accuracy table: the twelve published results beside ours."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from bench import units
from bench.report.column import Column, Row, Table, number, text
from bench.report.evidence import (
    BATCH_2020,
    GROUP_COLUMNS,
    JOB,
    MACHINE,
    PRECISION_2020,
    Evidence,
    groups,
    median,
)
from bench.report.tables.published import PUBLISHED, group_of

#: Largest difference from a published accuracy, train or test, that counts as the same result.
TOLERANCE = 0.006
#: Optimizers whose accuracy still climbs steeply after few epochs, so that it varies more.
TOLERANCES = {"sgd": 0.012}
#: The model whose published script divided the test images by 225 instead of 255.
SLIPPED = "mlp"

_NOTE = (
    f"Medians over n jobs (seeds). Difference: measured less published. Within tolerance: train "
    f"and test both differ by at most {TOLERANCE} (sgd: {TOLERANCES['sgd']}); judged only for real "
    f"MNIST, batch {BATCH_2020}, {PRECISION_2020}. The published MLP test figures carry a slip: "
    f"the test images were divided by 225 instead of 255. Ours are divided by 255 unless a job was "
    f"run as published; test slip says which of the two figures carries it."
)


def accuracy_table(evidence: Evidence, document: Mapping[str, Any]) -> Table:
    """Return the published rows beside the measured ones, then measured ones without a partner."""
    measured = [{**head, **_measured(rows)} for head, rows in groups(evidence.jobs, evidence.names)]
    rows, paired = [], []
    for figure in document["accuracy_grid"]:
        alike = [row for row in measured if _axes(row) == _axes(figure)]
        paired += alike
        rows += [_row(row, figure) for row in alike] or [_alone(figure)]
    rows += [_row(row, None) for row in measured if row not in paired]
    return Table(
        name="accuracy",
        title="Accuracy beside the 2020 figures",
        columns=(MACHINE, JOB, *GROUP_COLUMNS, number("n", "n"), *_FIGURES),
        rows=tuple(rows),
        note=evidence.note(_NOTE),
    )


def _exact(value: float | None) -> str:
    return units.NOT_AVAILABLE if value is None else f"{value:.4f}"


def _signed(value: float | None) -> str:
    return units.NOT_AVAILABLE if value is None else f"{value:+.4f}"


def _verdict(row: Row) -> str:
    if row["within_tolerance"] is None:
        return f"n/a ({row['tolerance_reason']})"
    return "yes" if row["within_tolerance"] else "no"


_FIGURES = (
    number("train_accuracy", "train", _exact),
    number("published_train_accuracy", "2020 train", _exact),
    number("train_difference", "difference", _signed),
    number("test_accuracy", "test", _exact),
    number("published_test_accuracy", "2020 test", _exact),
    number("test_difference", "difference", _signed),
    Column("within_tolerance", "within tolerance", _verdict),
    text("test_slip", "test slip"),
)


def _axes(row: Row) -> tuple[Any, ...]:
    return tuple(row[key] for key in ("model", "optimizer", "epochs", "batch_size"))


def _measured(rows: pd.DataFrame) -> dict[str, Any]:
    keys = ("train_accuracy", "test_accuracy", "train_loss", "test_loss")
    return {"n": len(rows), **{key: median(rows[key]) for key in keys}}


def _alone(figure: Row) -> dict[str, Any]:
    """Return the row of a published figure that nothing was measured for."""
    head = {
        **group_of(figure),
        "machine": "published 2020",
        "source": PUBLISHED,
        "machine_key": None,
        "n": 0,
    }
    return _row({**head, "train_accuracy": None, "test_accuracy": None}, figure)


def _row(measured: Row, figure: Row | None) -> dict[str, Any]:
    train, test = (None if figure is None else figure[f"{s}_accuracy"] for s in ("train", "test"))
    reason = _not_judged(measured, figure)
    comparable = figure is not None and measured["n"] > 0 and measured["dataset"] == "mnist"
    gaps = [
        now - then if comparable and now is not None else None
        for now, then in ((measured["train_accuracy"], train), (measured["test_accuracy"], test))
    ]
    limit = TOLERANCES.get(measured["optimizer"], TOLERANCE)
    within = None if reason else all(gap is not None and abs(gap) <= limit for gap in gaps)
    return {
        **measured,
        "published_train_accuracy": train,
        "published_test_accuracy": test,
        "train_difference": gaps[0],
        "test_difference": gaps[1],
        "tolerance": limit,
        "within_tolerance": within,
        "tolerance_reason": reason,
        "test_slip": _slip(measured, figure),
    }


def _not_judged(measured: Row, figure: Row | None) -> str | None:
    checks = (
        (measured["n"] > 0, "not measured"),
        (measured["dataset"] == "mnist", f"{measured['dataset']} data"),
        (measured["batch_size"] == BATCH_2020, f"batch {measured['batch_size']}"),
        (measured["precision"] == PRECISION_2020, str(measured["precision"])),
        (figure is not None, "not published"),
    )
    return next((reason for is_so, reason in checks if not is_so), None)


def _slip(measured: Row, figure: Row | None) -> str:
    """Return which of the two test figures were taken from images divided by 225."""
    if measured["model"] != SLIPPED:
        return "none"
    ours = bool(measured["as_published"]) and measured["n"] > 0
    if figure is None:
        return "ours" if ours else "none"
    return "both: reproduced" if ours else "2020 only"
