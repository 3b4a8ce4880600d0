"""The table of memory: what whole jobs held, medians over jobs."""

from __future__ import annotations

from dataclasses import asdict

from bench.analysis.results import Results
from bench.report.column import Column, Table
from bench.report.shared_columns import group_columns, group_row, warnings
from bench.report.words import notes


def _memory(key: str, heading: str, meaning: str, *, foldable: bool = False) -> Column:
    return Column(key, heading, "mebibytes", meaning, unit="B", better="lower", foldable=foldable)


_FIGURES = (
    Column("n", "n", "number", "jobs pooled in the row", foldable=True),
    _memory("after_import_bytes", "after import", "the resident memory after the imports"),
    _memory("after_data_bytes", "after data", "the resident memory after the data are loaded"),
    _memory("peak_bytes", "peak", "the largest resident memory of the job's own process"),
    _memory("own_bytes", "own", "the peak less the memory after import: what model and data take"),
    Column("peak_source", "peak from", meaning="the counter that gave the peak", foldable=True),
    _memory(
        "tree_rss_peak_bytes",
        "with children",
        "the largest memory seen of the job's process and its children together",
    ),
    _memory(
        "gpu_peak_bytes",
        "GPU peak",
        "GPU memory as the job's own allocator counted it",
        foldable=True,
    ),
    _memory(
        "gpu_held_bytes",
        "GPU held",
        "all GPU memory in use according to the driver, including reserves and other processes",
        foldable=True,
    ),
    Column("host_total_bytes", "host total", "mebibytes", unit="B", foldable=True),
    Column(
        "limit_bytes",
        "memory limit MiB",
        "mebibytes",
        unit="B",
        foldable=True,
        absent=("limit_known", "none"),
    ),
)


def memory_table(results: Results) -> Table:
    """Return the memory of whole jobs; bytes in the rows, MiB to read."""
    facts = {machine.key: machine.facts for machine in results.machines}
    rows = [
        {
            **group_row(group, results.outline),
            **asdict(memory),
            "host_total_bytes": facts[group.machine_key].memory_total_bytes,
            "limit_bytes": facts[group.machine_key].memory_limit_bytes,
            "limit_known": "memory_limit_bytes" not in facts[group.machine_key].unknown,
        }
        for group, memory in results.memory
    ]
    reference = results.reference
    return Table(
        name="memory",
        title="Memory, MiB",
        columns=(*group_columns(results), *_FIGURES),
        rows=tuple(rows),
        notes=(
            *warnings(results),
            notes.MEMORY_NOTE,
            *([reference.memory_note] if reference and reference.memory_note else []),
        ),
    )
