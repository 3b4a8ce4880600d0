"""Reads the figures of the 2020 annex from their JSON file."""

from __future__ import annotations

import json
from collections.abc import Mapping
from importlib import resources
from typing import Any

from bench.spec.axes import (
    Reference,
    ReferenceMachine,
    ReferenceResult,
    ReferenceRun,
    Value,
)

#: The published machines: key in the file, key in the rows, name in headings.
MACHINES = (
    ("asus-zenbook-2020", "laptop_2020", "2020 laptop"),
    ("aws-basic-vm-2020", "vm_2020", "2020 VM"),
)

#: What every published job had in common.
REQUIRES: Mapping[str, Value] = {"batch_size": 128, "loop": "fit", "precision": "float32"}

#: Under what a measured accuracy is held against the published one: the loop does not change it.
RESULT_REQUIRES: Mapping[str, Value] = {"batch_size": 128, "precision": "float32"}

#: Published epoch seconds are whole numbers.
ROUNDING_S = 0.5

#: Largest difference from a published accuracy, train or test, that counts as the same result.
TOLERANCE = 0.006
#: Optimizers whose accuracy still climbs steeply after few epochs, so that it varies more.
TOLERANCES = {"sgd": 0.012}

#: The model whose published script divided the test images by 225 instead of 255.
SLIPPED = "mlp"


def published_2020() -> Reference:
    """Return the machines, times and accuracies of the 2020 annex."""
    path = resources.files("mnist_bench.reference") / "published_2020.json"
    document = json.loads(path.read_text(encoding="utf-8"))
    return Reference(
        year="2020",
        dataset="mnist",
        requires=REQUIRES,
        rounding_s=ROUNDING_S,
        machines=tuple(_machine(document, *names) for names in MACHINES),
        runs=tuple(_run(run) for run in document["runs"]),
        results=tuple(_result(row) for row in document["accuracy_grid"]),
        source=document["source"],
        note=document["note"],
        results_by=("model", "optimizer", "batch_size"),
        result_requires=RESULT_REQUIRES,
        tolerance_note=f"train and test both differ by at most {TOLERANCE} (sgd: 0.012)",
        caveat=(
            "The published MLP test figures carry a slip: the test images were divided by 225 "
            "instead of 255. Ours are divided by 255 unless a job was run as published."
        ),
        caveat_heading="test slip",
        memory_note=(
            "The 2020 laptop warned that one allocation of 188160000 bytes (179 MiB) exceeded "
            "10 % of its free memory."
        ),
    )


def _machine(document: Mapping[str, Any], file_key: str, key: str, name: str) -> ReferenceMachine:
    found = next(one for one in document["machines"] if one["machine"] == file_key)
    facts = {
        "kind": found["kind"],
        "instruction_sets": found["cpu_instructions"],
        "cpu_now_hz": found["cpu_hz"],
        "threads_inter_op": found["inter_op_threads"],
    }
    return ReferenceMachine(key, name, found["label"], facts)


def _axes(found: Mapping[str, Any]) -> dict[str, Value]:
    return {
        "model": found["model"],
        "optimizer": found["optimizer"],
        **REQUIRES,
        "batch_size": found["batch_size"],
        "backend": "tensorflow",
    }


def _run(found: Mapping[str, Any]) -> ReferenceRun:
    keys = {file_key: key for file_key, key, _ in MACHINES}
    metrics = {
        "train_loss": tuple(found["train_loss_by_epoch"]),
        "train_accuracy": tuple(found["train_accuracy_by_epoch"]),
    }
    return ReferenceRun(
        machine=keys[found["machine"]],
        label=found["label"],
        axes=_axes(found),
        epochs=found["epochs"],
        epoch_s=tuple(found["epoch_s"]),
        step_ms=tuple(found["step_ms"]),
        total_s=found.get("total_s"),
        epoch_metrics=metrics,
    )


def _result(found: Mapping[str, Any]) -> ReferenceResult:
    return ReferenceResult(
        axes=_axes(found),
        epochs=found["epochs"],
        metrics={name: found[name] for name in ("train_accuracy", "test_accuracy")},
        tolerance=TOLERANCES.get(found["optimizer"], TOLERANCE),
        caveat_axis="as_published" if found["model"] == SLIPPED else None,
    )
