"""The table of sameness: whether repeats, and jobs on two machines, were the same job."""

from __future__ import annotations

from typing import Any

from bench.analysis.results import Results
from bench.analysis.same_jobs import Equality, SameJobs
from bench.report.column import Column, Table
from bench.report.rows import Row
from bench.report.shared_columns import MACHINE, job_text, warnings
from bench.report.words import sameness as words

_COLUMNS = (
    MACHINE,
    Column("against", "against", width=28),
    Column("jobs", "jobs", "number", "jobs that were repeated, or that both machines measured"),
    Column("same_data", "same data", foldable=True),
    Column("same_start", "same first weights", foldable=True),
    Column("same_order", "same batch order", foldable=True),
    Column("same_end", "same final weights", meaning="in how many of these jobs, bit for bit"),
    Column(
        "gap_percent",
        "greatest difference",
        "number",
        "the greatest relative difference of two curves in any job",
        unit="%",
        suffix=" %",
        why="gap_reason",
    ),
    Column("gap_job", "in job", meaning="the job whose curves exceed their tolerance most"),
    Column(
        "first_parted",
        "parts in epoch",
        "number",
        "the first epoch in which the curves of a job differ by more than the tolerance",
        absent=("within", "never"),
        why="tolerance_reason",
    ),
    Column("finding", "finding"),
    Column(
        "telling",
        "what differs",
        "list",
        "the facts that may explain it, most telling first",
        width=100,
    ),
)


def sameness_table(results: Results) -> Table:
    """Return the repeats of each machine, then each machine beside one other."""
    found = results.sameness.jobs
    axes = {axis.name: axis for axis in results.outline.axes}
    usual = {name: axis.default for name, axis in axes.items()}
    agreements = () if results.reference is None else results.reference.agreements
    rows = [_row(one, results) for one in found]
    plain = all(one.second is None and one.equality is Equality.IDENTICAL for one in found)
    return Table(
        name="sameness",
        title="The same job",
        columns=_COLUMNS,
        rows=tuple(rows),
        brief=() if plain else tuple(_brief(found, rows)),
        stands=bool(found),
        notes=(
            *warnings(results),
            *([] if found else [words.NOTHING_COMPARED]),
            *([] if plain else words.explained(agreements, axes)),
            *words.sameness(results.sameness, usual),
        ),
    )


def _row(found: SameJobs, results: Results) -> dict[str, Any]:
    worst = found.worst
    gap = None if worst is None else worst.gap
    finite = gap is not None and gap.greatest != float("inf")
    judged = found.judged == found.jobs
    differs = words.what_differs(found)
    return {
        "machine": found.first,
        "against": words.ITSELF if found.second is None else found.second,
        "jobs": found.jobs,
        "same_data": words.alike(found.data),
        "same_start": words.alike(found.initial_weights),
        "same_order": words.alike(found.batch_order),
        "same_end": words.alike(found.final_weights),
        "final_weights_identical_jobs": found.final_weights.same,
        "gap_metric": None if gap is None else gap.metric,
        "gap_percent": 100 * gap.greatest if gap is not None and finite else None,
        "gap_reason": words.NOT_FINITE if gap is not None and not finite else None,
        "gap_job": None if worst is None else job_text(worst.cell, results.outline),
        "gap_seed": None if worst is None else worst.seed,
        "gap_epoch": None if gap is None else gap.greatest_at,
        "tolerance_percent": None if gap is None or gap.tolerance is None else 100 * gap.tolerance,
        "tolerance_reason": None if judged or gap is None else words.NO_TOLERANCE,
        "first_parted": found.first_parted,
        "within": judged and not found.parted,
        "jobs_parted": found.parted,
        "finding": words.EQUALITIES[found.equality, found.second is None],
        "telling": differs[: words.MOST_TELLING],
        "differences": differs,
    }


def _brief(found: tuple[SameJobs, ...], rows: list[dict[str, Any]]) -> list[Row]:
    """Return the rows that people read: machines whose jobs are all identical share a row."""
    shown: list[dict[str, Any]] = []
    merged: dict[tuple[Any, ...], tuple[dict[str, Any], list[str]]] = {}
    for one, row in zip(found, rows, strict=True):
        if one.equality is not Equality.IDENTICAL:
            shown.append(row)
            continue
        same = (row["against"], row["jobs"], tuple(row["differences"]))
        if same not in merged:
            merged[same] = ({**row}, [])
            shown.append(merged[same][0])
        merged[same][1].append(row["machine"])
    for row, names in merged.values():
        row["machine"] = names[0] if len(names) == 1 else f"{names[0]} and {len(names) - 1} more"
    return list(shown)
