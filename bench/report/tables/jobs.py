"""The tables beside capacity: epochs, memory, failures, and how to do it again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from bench import units
from bench.analysis.pairs import GROUP
from bench.record.run import Run
from bench.report.column import Table, number, plain, text
from bench.report.evidence import (
    GROUP_COLUMNS,
    JOB,
    MACHINE,
    Evidence,
    flagged,
    groups,
    median,
    scaled,
    whole,
)
from bench.report.tables.machines import limit_column
from bench.report.tables.published import epoch_rows

_EPOCH_GROUP = tuple("job_epochs" if key == "epochs" else key for key in GROUP)


def epochs_table(evidence: Evidence, document: Mapping[str, Any]) -> Table:
    """Return every epoch, medians over jobs; people see only those published for the same jobs."""
    measured = [
        {**head, **_epoch_medians(rows)}
        for head, rows in groups(evidence.epochs, evidence.names, (*_EPOCH_GROUP, "epoch"))
    ]
    old = epoch_rows(document)
    keys = ("model", "optimizer", "job_epochs", "batch_size")
    seen = {tuple(row[key] for key in keys) for row in measured}
    shown = [row for row in old if tuple(row[key] for key in keys) in seen]
    return Table(
        name="epochs",
        title="Epoch by epoch",
        columns=(MACHINE, JOB, *GROUP_COLUMNS, number("epoch", "epoch"), *_EPOCH_FIGURES),
        rows=(*measured, *old),
        brief=(*measured, *shown),
        note=evidence.note(
            "Medians over n jobs; steps in milliseconds; loss and accuracy are those of the "
            "training log; disturbed: how many of the n epochs were. The first "
            "step of epoch 1 holds trace and compile. Published epochs "
            "(2020) are rounded to whole seconds and milliseconds and shown for the same jobs; "
            "the others are in tables/epochs.csv."
        ),
    )


def memory_table(evidence: Evidence) -> Table:
    """Return the memory of whole jobs, medians over jobs; bytes in the rows, MiB to read."""
    facts = {machine.key: machine.facts for machine in evidence.machines}
    final = evidence.jobs[evidence.jobs["is_final"].astype(bool)]
    rows = []
    for head, pooled in groups(final, evidence.names):
        machine = facts[head["machine_key"]]
        rows.append(
            {
                **head,
                **_memory(pooled),
                "host_total_bytes": machine.memory_total_bytes,
                "limit_bytes": machine.memory_limit_bytes,
                "limit_known": "memory_limit_bytes" not in machine.unknown,
            }
        )
    return Table(
        name="memory",
        title="Memory, MiB",
        columns=(MACHINE, JOB, *GROUP_COLUMNS, *_MEMORY_FIGURES),
        rows=tuple(rows),
        note=evidence.note(
            "Resident memory of the job's own process, medians over n jobs. Own: peak less what "
            "the imported framework takes, so the share of model and data. With children: the "
            "largest sum seen of the job's processes, no less than its own peak. GPU peak: as the "
            "framework's own allocator counted it; GPU held: all that the driver had given away, "
            "what the framework reserves and others' use included. The 2020 laptop warned "
            "that one allocation of 188160000 bytes (179 MiB) exceeded 10 % of its free memory."
        ),
    )


def failures_table(evidence: Evidence) -> Table:
    """Return every failed attempt and every job that was not run; empty where all were measured."""
    rows = [
        {**row, "log_last_line": _last_line(row["log_tail"])}
        for row in map(plain, evidence.failures.to_dict("records"))
    ]
    return Table(
        name="failures",
        title="Failures",
        columns=(
            text("label", "machine", width=28, foldable=True),
            text("job_id", "job"),
            text("reason", "reason"),
            number("attempt", "attempt", foldable=True),
            text("exception", "exception", width=20, foldable=True),
            text("message", "message", width=40),
            text("log_last_line", "last log line", width=24, foldable=True),
            text("measured_later", "measured later", foldable=True),
        ),
        rows=tuple(rows),
        note=evidence.note("Whole messages and logs are in summary.json." if rows else ""),
    )


def reproduce_table(evidence: Evidence, commands: Sequence[str]) -> Table:
    """Return what is needed to run the same again, as names and values, run by run."""
    rows = [{"run": None, "name": "report command", "value": command} for command in commands]
    rows += [row for run in evidence.runs for row in _run_rows(run)]
    return Table(
        name="reproduce",
        title="To reproduce",
        columns=(
            text("run", "run", foldable=True),
            text("name", "name"),
            text("value", "value"),
        ),
        rows=tuple(rows),
        note=evidence.note("Digests are SHA-256."),
    )


_EPOCH_FIGURES = (
    number("n", "n", foldable=True),
    number("wall_s", "wall s"),
    number("step_p10_ms", "p10"),
    number("step_median_ms", "median"),
    number("step_mean_ms", "mean"),
    number("step_p95_ms", "p95"),
    number("step_first_ms", "first"),
    number("cpu_s", "CPU s"),
    number("rss_bytes", "memory MiB", units.mebibytes),
    number("train_loss", "loss"),
    number("train_accuracy", "accuracy"),
    number("disturbed", "disturbed", foldable=True),
)
_MEMORY_FIGURES = (
    number("n", "n", foldable=True),
    number("after_import_bytes", "after import", units.mebibytes),
    number("after_data_bytes", "after data", units.mebibytes),
    number("peak_bytes", "peak", units.mebibytes),
    number("own_bytes", "own", units.mebibytes),
    text("peak_source", "peak from", foldable=True),
    number("tree_rss_peak_bytes", "with children", units.mebibytes),
    number("gpu_peak_bytes", "GPU peak", units.mebibytes, foldable=True),
    number("gpu_held_bytes", "GPU held", units.mebibytes, foldable=True),
    number("host_total_bytes", "host total", units.mebibytes, foldable=True),
    limit_column("limit_bytes"),
)


def _epoch_medians(rows: pd.DataFrame) -> dict[str, Any]:
    def of(key: str, factor: float = 1) -> float | None:
        return scaled(median(rows[key]), factor)

    return {
        "n": len(rows),
        "disturbed": flagged(rows),
        "wall_s": of("wall_s"),
        "step_p10_ms": of("step_p10_s", 1000),
        "step_median_ms": of("step_median_s", 1000),
        "step_mean_ms": median(1000 * rows["wall_s"] / rows["steps"].where(rows["steps"] > 0)),
        "step_p95_ms": of("step_p95_s", 1000),
        "step_first_ms": of("step_first_s", 1000),
        "cpu_s": of("cpu_s"),
        "rss_bytes": whole(of("rss_bytes")),
        "rss_peak_bytes": whole(of("rss_peak_bytes")),
        "foreign_cpus": of("foreign_cpus"),
        "steal_share": of("steal_share"),
        "train_loss": of("train_loss"),
        "train_accuracy": of("train_accuracy"),
    }


def _memory(rows: pd.DataFrame) -> dict[str, Any]:
    keys = (
        *("after_import_bytes", "after_data_bytes", "peak_bytes"),
        *("tree_rss_peak_bytes", "gpu_peak_bytes", "gpu_held_bytes"),
    )
    numbers = rows[list(keys)].apply(pd.to_numeric, errors="coerce")
    own = numbers["peak_bytes"] - numbers["after_import_bytes"]
    tree = numbers["tree_rss_peak_bytes"]  # seen by samples, which may miss a short peak
    numbers["tree_rss_peak_bytes"] = tree.where(
        tree.isna(), numbers[["peak_bytes", tree.name]].max(axis=1)
    )
    return {
        "n": len(rows),
        **{key: whole(median(numbers[key])) for key in keys},
        "own_bytes": whole(median(own)),
        "peak_source": " ".join(sorted(rows["peak_source"].dropna().unique())) or None,
    }


def _last_line(log: str | None) -> str | None:
    lines = [line for line in (log or "").splitlines() if line.strip()]
    return lines[-1] if lines else None


def _run_rows(run: Run) -> list[dict[str, Any]]:
    header = run.header
    code = dict.fromkeys(record.measurement.digests.code for record in run.measured)
    versions = {"python": header.machine.python, **header.machine.packages}
    pairs = [
        ("command", header.command),
        ("started", header.started_at),
        ("grid", header.grid),
        ("jobs planned", len(header.jobs)),
        ("jobs measured", len({record.job_id for record in run.measured})),
        ("order seed", header.order_seed),
        ("seeds", " ".join(str(seed) for seed in sorted({job.seed for job in header.jobs}))),
        ("dataset", header.dataset),
        ("dataset source", header.dataset_source),
        ("data digest", header.data_digest),
        *(("code digest", digest) for digest in code),
        *((f"{name} version", version) for name, version in versions.items() if version),
        ("journal schema version", header.schema_version),
        ("journal", run.path.name),
        *(
            ("journal warning", warning.replace(str(run.path), run.path.name))
            for warning in run.warnings
        ),
    ]
    return [{"run": header.run_id, "name": name, "value": value} for name, value in pairs]
