"""The machines of the 2020 annex: their published figures, and how fast ours are beside them."""

from __future__ import annotations

import json
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from typing import Any

from bench.analysis.warmup import steady_epochs
from bench.report.column import Row
from bench.report.evidence import BATCH_2020, LOOP_2020, PRECISION_2020

PUBLISHED = "published 2020, rounded"
#: The published machines: key in the published file, key in the tables, name in headings.
REFERENCES = (
    ("asus-zenbook-2020", "laptop_2020", "2020 laptop"),
    ("aws-basic-vm-2020", "vm_2020", "2020 VM"),
)
#: Published epoch seconds are whole numbers.
ROUNDING_S = 0.5


@dataclass(frozen=True)
class Relative:
    """How many times as fast as a published machine, or the reason why that is unknown.

    `basis` is `total` or `epoch`; `covers` says what the bounds hold: spread between jobs, the
    rounding of the published figure, or both.
    """

    speed: float | None = None
    low: float | None = None
    high: float | None = None
    basis: str | None = None
    covers: str | None = None
    reason: str | None = None


def published() -> dict[str, Any]:
    """Return the published figures: `machines`, `runs`, `accuracy_grid`, `workload`, `source`."""
    path = files(__package__).joinpath("published_2020.json")
    return json.loads(path.read_text(encoding="utf-8"))


def group_of(run: Mapping[str, Any]) -> dict[str, Any]:
    """Return the axes of a published run as a measured group names them."""
    return {
        "model": run["model"],
        "optimizer": run["optimizer"],
        "epochs": run["epochs"],
        "batch_size": run["batch_size"],
        "loop": LOOP_2020,
        "precision": PRECISION_2020,
        "backend": "tensorflow",
        "dataset": "mnist",
        "as_published": None,
        "data_digest": None,
    }


def relative(row: Row, machine: str, runs: Sequence[Mapping[str, Any]]) -> Relative:
    """Return the speed of the group `row` against the published `machine`.

    By total time where that machine published the same job's, else by the median steady epoch of
    the same model, optimizer and batch size. `row` holds `total_s` and `epoch_s` with their bounds.
    """
    reason = _unlike(row)
    if reason is not None:
        return Relative(reason=reason)
    alike = [
        run
        for run in runs
        if run["machine"] == machine and _axes(run) == (row["model"], row["optimizer"])
    ]
    for run in alike:
        exact = run.get("total_s") if run["epochs"] == row["epochs"] else None
        if exact is not None and row.get("total_s") is not None:
            return _by_total(row, exact)
    timed = [run for run in alike if run.get("epoch_s")]
    if not timed:
        return Relative(reason="no time was published for this model and optimizer")
    if row.get("epoch_s") is None:
        return Relative(reason="no epoch time was measured")
    return _by_epoch(row, steady_median(timed[0]["epoch_s"]))


def steady_median(values: Sequence[float]) -> float:
    """Return the median of a published series by epoch, epoch 1 left out as in ours."""
    return float(statistics.median(steady_epochs(values)))


def machine_rows(document: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the published machines as rows of the table of machines; what is unknown is absent."""
    return [
        {
            "machine": machine["label"],
            "source": PUBLISHED,
            "machine_key": machine["machine"],
            "label": machine["label"],
            "kind": machine["kind"],
            "instruction_sets": machine["cpu_instructions"],
            "cpu_now_hz": machine["cpu_hz"],
            "threads_inter_op": machine["inter_op_threads"],
        }
        for machine in document["machines"]
    ]


def capacity_rows(document: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return each published run as a row of the capacity table, epoch seconds with their rounding.

    Milliseconds per step are means over an epoch, as the training log prints them.
    """
    rows = []
    for run in document["runs"]:
        epoch_s = steady_median(run["epoch_s"])
        rows.append(
            {
                "machine": run["label"],
                "source": PUBLISHED,
                "machine_key": run["machine"],
                **group_of(run),
                "n": 1,
                "total_s": run.get("total_s"),
                "epoch_s": epoch_s,
                "epoch_low_s": epoch_s - ROUNDING_S,
                "epoch_high_s": epoch_s + ROUNDING_S,
                "step_mean_ms": steady_median(run["step_ms"]),
            }
        )
    return rows


def epoch_rows(document: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return every published epoch as a row of the table of epochs."""
    series = {
        "wall_s": "epoch_s",
        "step_mean_ms": "step_ms",
        "train_loss": "train_loss_by_epoch",
        "train_accuracy": "train_accuracy_by_epoch",
    }
    rows = []
    for run in document["runs"]:
        axes = group_of(run)
        head = {
            "machine": run["label"],
            "source": PUBLISHED,
            "machine_key": run["machine"],
            **axes,
            "job_epochs": axes.pop("epochs"),
        }
        head.pop("epochs")
        for place in range(len(run["epoch_s"])):
            values = {key: run[name][place] for key, name in series.items()}
            rows.append({**head, "epoch": place + 1, "n": 1, **values})
    return rows


def _unlike(row: Row) -> str | None:
    checks = (
        (row["batch_size"] == BATCH_2020, f"batch size is not {BATCH_2020}"),
        (row["loop"] == LOOP_2020, f"loop is not {LOOP_2020}"),
        (row["precision"] == PRECISION_2020, f"precision is not {PRECISION_2020}"),
    )
    return next((reason for is_alike, reason in checks if not is_alike), None)


def _axes(run: Mapping[str, Any]) -> tuple[str, str]:
    return run["model"], run["optimizer"]


def _by_total(row: Row, published_s: float) -> Relative:
    low, high = row.get("total_low_s"), row.get("total_high_s")
    if low is None or high is None:
        return Relative(published_s / row["total_s"], basis="total")
    return Relative(
        published_s / row["total_s"], published_s / high, published_s / low, "total", "jobs"
    )


def _by_epoch(row: Row, published_s: float) -> Relative:
    """Return the widest bounds that rounding and our own interval allow together."""
    own = row["epoch_s"]
    low, high = row.get("epoch_low_s"), row.get("epoch_high_s")
    has_own = low is not None and high is not None
    return Relative(
        speed=published_s / own,
        low=(published_s - ROUNDING_S) / (high if has_own else own),
        high=(published_s + ROUNDING_S) / (low if has_own else own),
        basis="epoch",
        covers="rounding and jobs" if has_own else "rounding alone",
    )
