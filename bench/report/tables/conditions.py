"""The table of conditions: what disturbed each job, as far as it was seen from outside."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

import pandas as pd

from bench import units
from bench.report.column import Column, Table, number, plain, text
from bench.report.evidence import GROUP_COLUMNS, JOB, MACHINE, Evidence

#: Jobs beyond these are in the CSV alone; disturbed ones come first.
MOST_SHOWN = 40

_NOTE = (
    "Seen from outside while each job trained. Every sample is kept: a disturbed job counts in all "
    "tables like any other. Foreign CPU is what processes of neither job nor benchmark used, in "
    "CPUs; steal is of the CPUs' time, pressure and throttling of the job's. Thresholds and their "
    "sources: docs/machine.md. tables/conditions.csv holds the rest, tables/epochs.csv how many "
    "epochs were disturbed."
)


def conditions_table(evidence: Evidence) -> Table:
    """Return one row for each job that was watched, the disturbed ones first."""
    rows = [_row(row, evidence.names) for row in evidence.conditions.to_dict("records")]
    rows.sort(key=lambda row: row["flag"] != "disturbed")
    return Table(
        name="conditions",
        title="Conditions",
        columns=(MACHINE, JOB, *GROUP_COLUMNS, *_FIGURES),
        rows=tuple(rows),
        brief=tuple(rows[:MOST_SHOWN]),
        note=evidence.note(
            *disturbed_words(evidence), _NOTE, *_looks(evidence), *_unknown(evidence)
        )
        if rows
        else evidence.note("No job of these runs was watched."),
    )


def disturbed_words(evidence: Evidence) -> tuple[str, ...]:
    """Return a sentence on how many jobs were disturbed and by what; nothing without jobs."""
    frame = evidence.conditions
    if not len(frame):
        return ()
    hit = frame[frame["flag"] == "disturbed"]
    causes = Counter(_cause(cause) for causes in hit["causes"] for cause in set(causes))
    if not len(hit):
        unknown = int((frame["flag"] == "unknown").sum())
        blind = f" ({unknown} could not be watched)" if unknown else ""
        return (f"No job of {len(frame)} was seen disturbed{blind}.",)
    by = ", ".join(f"{name} {count}" for name, count in causes.most_common())
    return (f"{len(hit)} of {len(frame)} jobs were disturbed (by {by}): see Conditions.",)


def _cause(words: str) -> str:
    return words.partition(" (")[0]


def _row(row: Mapping[str, Any], names: Mapping[str, str]) -> dict[str, Any]:
    row = {key: _known(value) for key, value in row.items()}
    switches, seconds = row["involuntary_switches"], row["job_cpu_s"]
    return {
        "machine": names[row["machine_key"]],
        **row,
        "energy": [f"{e['source']} {e['joules']:.0f} J" for e in row["energy"] or ()],
        "involuntary_per_cpu_s": switches / seconds if switches is not None and seconds else None,
    }


def _known(value: Any) -> Any:
    return plain(value) if isinstance(value, list | tuple | dict) or pd.notna(value) else None


def _looks(evidence: Evidence) -> list[str]:
    """Return what was seen of each machine before its first job, where it was not quiet."""
    looks = [(run.header.label, run.header.look) for run in evidence.runs if run.header.look]
    if not looks:
        return []
    loud = dict.fromkeys(f"{label}: {look.words}" for label, look in looks if not look.quiet)
    calm = sum(look.quiet is True for _, look in looks)
    words = [f"Looks before the first job: {calm} of {len(looks)} found a quiet machine."]
    return words + [f"{each.rstrip('.')}." for each in loud]


def _unknown(evidence: Evidence) -> list[str]:
    """Return why sources gave nothing, each reason once with its sources."""
    reasons: dict[str, dict[str, None]] = {}
    for run in evidence.runs:
        for record in run.measured:
            for name, reason in (record.conditions.unknown if record.conditions else {}).items():
                reasons.setdefault(reason, {})[name] = None
    parts = [f"{', '.join(names)}: {reason.rstrip('.')}." for reason, names in reasons.items()]
    return [f"Not seen: {' '.join(parts)}"] if parts else []


def _percent(value: float | None) -> str:
    return units.NOT_AVAILABLE if value is None else f"{100 * value:.1f}%"


def _share(key: str, heading: str) -> Column:
    return number(key, heading, _percent, foldable=True)


_FIGURES = (
    number("seed", "seed", str),
    text("flag", "flag"),
    text("causes", "by", width=60),
    number("epochs_disturbed", "epochs disturbed"),
    number("foreign_cpus", "foreign CPU"),
    text("foreign_processes", "busiest others", width=40),
    _share("steal_share", "steal"),
    _share("throttled_periods_share", "throttled"),
    number("involuntary_per_cpu_s", "preempted per CPU s"),
    _share("pressure_memory_full_share", "memory pressure"),
    _share("pressure_io_full_share", "I/O pressure"),
    number("frequency_hz", "clock GHz", units.gigahertz, foldable=True),
    number("temperature_max_c", "hottest C", foldable=True),
    number("swapped_bytes", "swapped MiB", units.mebibytes, foldable=True),
    number("load_1min", "load"),
)
