"""Reads the figures of the 2020 annex from their JSON file."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import resources
from typing import Any

from bench.outside.documents import parse_json
from bench.spec.axes import (
    Agreement,
    Reference,
    ReferenceMachine,
    ReferenceResult,
    ReferenceRun,
    Value,
)
from mnist_bench.reference.calibration import calibrations

#: The published machines: key in the file, key in the rows, name in headings.
MACHINES = (
    ("asus-zenbook-2020", "laptop_2020", "2020 laptop"),
    ("aws-basic-vm-2020", "vm_2020", "2020 VM"),
)

#: The settings that all published jobs had in common.
REQUIRES: Mapping[str, Value] = {"batch_size": 128, "loop": "fit", "precision": "float32"}

#: Published epoch seconds are whole numbers.
ROUNDING_S = 0.5

#: Published step milliseconds are whole numbers; an epoch has 469 steps of 128 images.
ROUNDING_MS, STEPS = 0.5, 469

#: Standard deviation of log times between published runs: the laptop's two printed runs of one job
#: differ by 7 %.
SPREAD = 0.05

#: How far the loss curves of one job may lie apart on two machines. Float32 loops agree within 0.2%
#: over some epochs (the suite holds them to it). Dropout that is drawn by another generator, as on
#: another device, and bfloat16 arithmetic move a loss by up to 12%.
AGREEMENTS = (
    Agreement("train_loss", 0.12, {"precision": "bfloat16"}),
    Agreement("train_loss", 0.002, {"model": "mlp"}),
    Agreement("train_loss", 0.002, across_devices=0.12),
)

#: The model whose published script divided the test images by 225 instead of 255.
SLIPPED = "mlp"


def published_2020() -> Reference:
    """Return the machines, times and accuracies of the 2020 annex."""
    path = resources.files("mnist_bench.reference") / "published_2020.json"
    document = parse_json(path.read_text(encoding="utf-8"))
    return Reference(
        year="2020",
        dataset="mnist",
        requires=REQUIRES,
        rounding_s=ROUNDING_S,
        rounding_ms=ROUNDING_MS,
        steps=STEPS,
        spread=SPREAD,
        machines=tuple(_machine(document, *names) for names in MACHINES),
        runs=tuple(_run(run) for run in document["runs"]),
        results=tuple(_result(row) for row in document["accuracy_grid"]),
        source=document["source"],
        note=document["note"],
        results_by=("model", "optimizer", "batch_size"),
        caveat=(
            "The published MLP test figures contain a mistake: the test images were divided by 225 "
            "instead of 255. Ours are divided by 255 unless a job was run as published."
        ),
        caveat_heading="test slip",
        memory_note=(
            "The 2020 laptop warned that one allocation of 188160000 bytes (179 MiB) exceeded "
            "10 % of its free memory."
        ),
        agreements=AGREEMENTS,
        calibrations=calibrations(),
    )


def _machine(document: Mapping[str, Any], file_key: str, key: str, name: str) -> ReferenceMachine:
    published = next(one for one in document["machines"] if one["machine"] == file_key)
    facts = {
        "kind": published["kind"],
        "instruction_sets": published["cpu_instructions"],
        "cpu_now_hz": published["cpu_hz"],
        "threads_inter_op": published["inter_op_threads"],
    }
    return ReferenceMachine(key, name, published["label"], facts)


def _axes(published: Mapping[str, Any]) -> dict[str, Value]:
    return {
        "model": published["model"],
        "optimizer": published["optimizer"],
        **REQUIRES,
        "batch_size": published["batch_size"],
        "backend": "tensorflow",
    }


def _run(published: Mapping[str, Any]) -> ReferenceRun:
    keys = {file_key: key for file_key, key, _ in MACHINES}
    metrics = {
        "train_loss": tuple(published["train_loss_by_epoch"]),
        "train_accuracy": tuple(published["train_accuracy_by_epoch"]),
    }
    return ReferenceRun(
        machine=keys[published["machine"]],
        label=published["label"],
        axes=_axes(published),
        epochs=published["epochs"],
        epoch_s=tuple(published["epoch_s"]),
        step_ms=tuple(published["step_ms"]),
        total_s=published.get("total_s"),
        epoch_metrics=metrics,
    )


def _result(published: Mapping[str, Any]) -> ReferenceResult:
    return ReferenceResult(
        axes=_axes(published),
        epochs=published["epochs"],
        metrics={name: published[name] for name in ("train_accuracy", "test_accuracy")},
        caveat_axis="as_published" if published["model"] == SLIPPED else None,
    )
