"""The table of threads: what more threads give in each cell of each machine."""

from __future__ import annotations

from typing import Any

from bench.analysis.cells import Kind, kind_of
from bench.analysis.results import Results
from bench.analysis.threads import ThreadPoint, ThreadScaling
from bench.report.column import Column, Table
from bench.report.shared_columns import (
    MEASURED,
    bound_keys,
    bounded,
    cell_row,
    group_columns,
    job_text,
    warnings,
)
from bench.report.words import threads as words

_FIGURES = (
    Column("threads", "threads", "name", "the threads that the jobs were given"),
    Column("n", "n", "number", "jobs that count in the row"),
    Column(
        "step_mean_ms",
        "mean ms",
        "number",
        "the mean step: the seconds of the steady epochs over their steps",
        unit="ms",
        better="lower",
    ),
    Column(
        "speedup",
        "speed-up",
        "number",
        "how many times as fast as the fewest threads of the cell",
        better="higher",
        bounds=bound_keys("speedup"),
        suffix="x",
    ),
    Column(
        "efficiency",
        "efficiency",
        "decimal",
        "the speed-up over how many times as many threads it took; 1 is perfect",
        better="higher",
        digits=2,
    ),
    Column(
        "finding",
        "more threads",
        meaning="what the jobs show beside the fastest of all smaller numbers of threads",
    ),
    Column("fastest", "fastest", meaning="whether this number of threads was the fastest"),
    Column(
        "cpus_used",
        "CPUs used",
        "decimal",
        "the CPU seconds of a job's steady epochs over their seconds",
        digits=2,
    ),
)


def threads_table(results: Results) -> Table:
    """Return a row for each number of threads; a note in words for each machine and kind of job."""
    rows = [
        {
            "machine": scaling.host,
            "source": MEASURED,
            **cell_row(scaling.cell, results.outline),
            **_figures(scaling, point),
        }
        for scaling in results.threads
        for point in scaling.points
    ]
    return Table(
        name="threads",
        title="Threads",
        columns=(*group_columns(results), *_FIGURES),
        rows=tuple(rows),
        notes=(
            *warnings(results),
            *(
                words.scaling(f"{one.host}, {job_text(one.cell, results.outline)}", one)
                for one in _telling(results)
            ),
            words.THREADS_NOTE,
        ),
    )


def _figures(scaling: ThreadScaling, point: ThreadPoint) -> dict[str, Any]:
    return {
        "threads": point.threads,
        "n": point.jobs,
        "step_mean_ms": 1000 * point.step_s,
        **bounded("speedup", point.speedup),
        **({"speedup": 1.0} if point is scaling.base else {}),
        "efficiency": scaling.efficiency(point),
        **bounded("beside_fewer", point.beside),
        "finding": words.FEWEST if point.finding is None else words.FINDINGS[point.finding],
        "fastest": point is scaling.fastest,
        "cpus_used": point.cpus,
    }


def _telling(results: Results) -> list[ThreadScaling]:
    """Return, for each machine and kind of job, the cell with the most threads and jobs."""
    best: dict[tuple[str, Kind], ThreadScaling] = {}
    for one in sorted(results.threads, key=lambda each: (-len(each.points), -each.jobs)):
        best.setdefault((one.host, kind_of(one.cell, results.outline)), one)
    return [one for one in results.threads if one in best.values()]
