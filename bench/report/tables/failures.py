"""The table of failures: failed attempts, jobs that did not run, and unavailable machines."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from bench.analysis.failures import Unmeasured
from bench.analysis.results import Results
from bench.record.failure import OUT_OF_MEMORY
from bench.report.column import Column, Table
from bench.report.rows import Row
from bench.report.shared_columns import warnings
from bench.report.words import notes, phrases

_COLUMNS = (
    Column("label", "machine", width=28, foldable=True),
    Column("run_id", "run", foldable=True),
    Column("job_id", "job"),
    Column("reason", "reason"),
    Column("attempt", "attempt", "number", foldable=True),
    Column("exception", "exception", foldable=True, width=20),
    Column("message", "message", width=40),
    Column("log_last_line", "last log line", foldable=True, width=24),
    Column(
        "measured_later",
        "measured later",
        meaning="whether another attempt measured the job",
        foldable=True,
    ),
)

#: What failures share that are told once. The message on memory that was used up holds figures,
#: which differ each time: the first one stands for all.
_SAME = ("job_id", "attempt", "reason", "exception", "message", "measured_later")


def failures_table(results: Results) -> Table:
    """Return every failed attempt, every job that did not run, and every unavailable machine."""
    rows = tuple(map(_row, results.unmeasured))
    runs = len({share.header.run_id for share in results.shares})
    failures = [found.failure for found in results.unmeasured if found.failure]
    reasons = {failure.reason: failure.why for failure in failures}
    return Table(
        name="failures",
        title="Failures",
        columns=tuple(one for one in _COLUMNS if one.key != "run_id" or runs > 1),
        rows=rows,
        brief=_once_each(rows),
        notes=(
            *warnings(results),
            *(notes.advice(reason) for reason in reasons.values()),
            notes.FAILURES_NOTE if rows else notes.NOTHING_FAILED,
        ),
    )


def _once_each(rows: Sequence[Row]) -> tuple[Row, ...]:
    """Return the rows with each failure of a job once, and the machines that share it in a list."""
    groups: dict[tuple[Any, ...], list[Row]] = {}
    for row in rows:
        same = {**row, "message": None} if row["reason"] == OUT_OF_MEMORY else row
        groups.setdefault(tuple(same[key] for key in _SAME), []).append(row)
    return tuple(
        {**group[0], "label": ", ".join(dict.fromkeys(row["label"] for row in group))}
        for group in groups.values()
    )


def _row(found: Unmeasured) -> dict[str, Any]:
    failure = found.failure
    log = None if failure is None else failure.log_tail
    return {
        "label": found.label,
        "run_id": found.run_id,
        "job_id": found.job_id,
        "attempt": found.attempt,
        "reason": found.outcome if failure is None else failure.reason,
        "exception": None if failure is None else failure.exception,
        "message": phrases.why_unmeasured(found) if failure is None else failure.message,
        "advice": None if failure is None else failure.why.advice,
        "log_tail": log,
        "measured_later": found.measured_later,
        "log_last_line": _last_line(log),
    }


def _last_line(log: str | None) -> str | None:
    lines = [line for line in (log or "").splitlines() if line.strip()]
    return lines[-1] if lines else None
