"""The table of what limits each job: its rate, its share of the machine's ceilings, its regime."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

import pandas as pd

from bench.analysis.limits import limits
from bench.analysis.pairs import GROUP, summary
from bench.analysis.pooling import machine_key
from bench.record.ceilings import Ceilings, CopyRate
from bench.report.column import Row, Table, number, text
from bench.report.evidence import GROUP_COLUMNS, JOB, MACHINE, Evidence, groups, scaled
from bench.units import percent, significant

#: What a batch sweep holds fixed: all that groups jobs but the batch size and the epochs.
SWEEP = tuple(key for key in ("machine_key", *GROUP) if key not in ("batch_size", "epochs"))

#: What names a group of jobs on one machine.
KEY = ("machine_key", *GROUP)

#: Fields of a row, all None where the limits of its group cannot be told.
FIELDS = (
    *("step_flops", "step_bytes", "flops_per_s", "ceiling_flops_per_s", "ceiling_share"),
    *("ceiling_bytes_per_s", "memory_share", "overhead_ms", "regime", "regime_basis"),
)

_NOTE = (
    "Work: operations of the matrix products and convolutions of one step, there and back, counted "
    "from the network's shape; activations, pooling, loss and optimizer are left out. Rate: work "
    "over the p10 step. Ceiling: the best rate at which this machine multiplied square matrices "
    "through the same backend in the same precision, once a run; memory share likewise, against "
    "the rate of copying arrays of the step's own size. Fixed: the milliseconds of a step that do "
    "not grow with its batch, by a line through the batch sizes measured. overhead-bound: more "
    "than half of the step is neither arithmetic nor memory; otherwise the larger of the two ideal "
    "times names the regime. By roofline: one batch size alone was measured, so what neither "
    "ceiling explains counts as overhead. A small MLP does not predict big-model speed: a big "
    "model's step is nearly all arithmetic and memory, of which there is little here."
)


def limits_table(evidence: Evidence, found: Mapping[tuple[Any, ...], Row]) -> Table:
    """Return one row per machine and job group; `found` is what `group_limits` returned."""
    rows = [
        {**head, "step_p10_ms": _p10_ms(pooled), **found[key_of(head)]}
        for head, pooled in groups(evidence.jobs, evidence.names)
    ]
    disturbed = sorted(_disturbed(evidence))
    reasons = Counter(row["limits_reason"] for row in rows if row["limits_reason"])
    why = "; ".join(f"{reason} (rows: {count})" for reason, count in reasons.items())
    return Table(
        name="limits",
        title="What limits it",
        columns=(
            MACHINE,
            JOB,
            *GROUP_COLUMNS,
            number("step_p10_ms", "step p10 ms"),
            number("step_flops", "work MFLOP", lambda value: _in(value, 1e6)),
            number("flops_per_s", "rate GFLOP/s", lambda value: _in(value, 1e9)),
            number("ceiling_flops_per_s", "ceiling GFLOP/s", lambda value: _in(value, 1e9)),
            number("ceiling_share", "of ceiling", percent),
            number("memory_share", "of memory rate", percent),
            number("overhead_ms", "fixed ms"),
            text("regime", "regime"),
            text("regime_basis", "by", foldable=True),
        ),
        rows=tuple(rows),
        note=evidence.note(
            _NOTE,
            f"Shares of {', '.join(disturbed)} may read too high: the job that measured the "
            "ceilings was disturbed."
            if disturbed
            else "",
            f"n/a: {why}." if why else "",
        ),
    )


def group_limits(evidence: Evidence) -> dict[tuple[Any, ...], Row]:
    """Return what limits each group of jobs, by `key_of` its row head."""
    ceilings = _ceilings(evidence)
    sweeps = _sweeps(evidence.jobs)
    return {
        key_of(head): _limits(head, rows, ceilings, sweeps)
        for head, rows in groups(evidence.jobs, evidence.names)
    }


def key_of(head: Mapping[str, Any]) -> tuple[Any, ...]:
    """Return the key of a group from its row head."""
    return tuple(head[name] for name in KEY)


def _limits(
    head: Row,
    rows: pd.DataFrame,
    ceilings: Mapping[tuple[str, str, str], Ceilings],
    sweeps: Mapping[tuple[Any, ...], Mapping[int, float]],
) -> dict[str, Any]:
    unknown = {**dict.fromkeys(FIELDS), "limits_reason": None}
    if rows["held_by_quota"].any():
        return {
            **unknown,
            "limits_reason": "its CPU quota pauses it, which is no overhead of a step",
        }
    step, work = summary(rows["step_p10_s"]), rows.iloc[0]
    ceiling = ceilings.get((head["machine_key"], head["backend"], head["precision"]))
    if step is None or pd.isna(work["step_flops"]):
        return {**unknown, "limits_reason": "the journal counts no work or no steady step"}
    if ceiling is None:
        return {**unknown, "limits_reason": "no ceilings measured in this backend and precision"}
    bytes_per_s = ceiling.bytes_per_s(int(work["working_set_bytes"]))
    flops, moved = int(work["step_flops"]), int(work["step_bytes"])
    sweep_s = sweeps[tuple(head[name] for name in SWEEP)]
    found = limits(step.estimate, flops, moved, ceiling.flops_per_s, bytes_per_s, sweep_s)
    return {
        "step_flops": flops,
        "step_bytes": moved,
        "flops_per_s": found.flops_per_s,
        "ceiling_flops_per_s": ceiling.flops_per_s,
        "ceiling_share": found.ceiling_share,
        "ceiling_bytes_per_s": bytes_per_s,
        "memory_share": found.memory_share,
        "overhead_ms": scaled(found.overhead_s, 1000),
        "regime": found.regime,
        "regime_basis": found.basis,
        "limits_reason": None,
    }


def _ceilings(evidence: Evidence) -> dict[tuple[str, str, str], Ceilings]:
    """Return the best ceilings of each machine, backend and precision, over all its records."""
    found: dict[tuple[str, str, str], list[Ceilings]] = {}
    for run in evidence.runs:
        for record in run.measured:
            if record.measurement.ceilings is not None:
                key = (machine_key(record), record.job.backend, record.job.precision)
                found.setdefault(key, []).append(record.measurement.ceilings)
    return {key: _best(several) for key, several in found.items()}


def _disturbed(evidence: Evidence) -> set[str]:
    """Return the names of the machines that measured ceilings in disturbed jobs alone."""
    flags: dict[str, set[str | None]] = {}
    for run in evidence.runs:
        for record in run.measured:
            if record.measurement.ceilings is not None:
                whole = record.conditions and record.conditions.whole
                flags.setdefault(machine_key(record), set()).add(whole and whole.flag)
    return {evidence.names[key] for key, found in flags.items() if found == {"disturbed"}}


def _best(several: list[Ceilings]) -> Ceilings:
    best: dict[int, CopyRate] = {}
    for rate in (rate for ceilings in several for rate in ceilings.copy_rates):
        known = best.setdefault(rate.size_bytes, rate)
        best[rate.size_bytes] = max(known, rate, key=lambda each: each.bytes_per_s)
    return Ceilings(
        matmul=tuple(rate for ceilings in several for rate in ceilings.matmul),
        copy_rates=tuple(best.values()),
        took_s=sum(ceilings.took_s for ceilings in several),
    )


def _sweeps(jobs: pd.DataFrame) -> dict[tuple[Any, ...], dict[int, float]]:
    """Return p10 step seconds by batch size for each set of jobs that differ in nothing else."""
    final = jobs[jobs["is_final"].astype(bool)]
    sweeps = {}
    for values, rows in final.groupby(list(SWEEP), sort=False, dropna=False):
        steps = {size: summary(part["step_p10_s"]) for size, part in rows.groupby("batch_size")}
        sweeps[values] = {int(size): step.estimate for size, step in steps.items() if step}
    return sweeps


def _p10_ms(rows: pd.DataFrame) -> float | None:
    step = summary(rows["step_p10_s"])
    return None if step is None else 1000 * step.estimate


def _in(value: float | None, unit: float) -> str:
    return significant(scaled(value, 1 / unit))
