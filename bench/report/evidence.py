"""What every table of the annex draws on: the gathered runs, their groups, and shared columns."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from bench.analysis.frames import conditions_frame, epochs_frame, failures_frame, jobs_frame
from bench.analysis.machines import Machine, machines
from bench.analysis.pairs import GROUP, PairedSpeed, paired_speeds
from bench.record.run import Run, merged
from bench.report.column import Column, Row, text

MEASURED = "measured"
#: The batch size, loop and precision of every job that was published in 2020.
BATCH_2020, LOOP_2020, PRECISION_2020 = 128, "fit", "float32"


@dataclass(frozen=True)
class Evidence:
    """Everything that was measured, framed once for all tables."""

    runs: tuple[Run, ...]
    machines: tuple[Machine, ...]
    jobs: pd.DataFrame
    epochs: pd.DataFrame
    failures: pd.DataFrame
    conditions: pd.DataFrame
    pairs: tuple[PairedSpeed, ...]

    @property
    def names(self) -> dict[str, str]:
        """The machines' names by key."""
        return {machine.key: machine.name for machine in self.machines}

    @property
    def warnings(self) -> tuple[str, ...]:
        """What every table must say: that other data took MNIST's place, where they did."""
        notes = dict.fromkeys(
            run.header.dataset_note for run in self.runs if run.header.dataset_note
        )
        if not notes:
            return ()
        where = "" if len(self.runs) == len(self._noted) else f" ({', '.join(self._noted)})"
        return tuple(f"Data{where}: {note.rstrip('.')}." for note in notes)

    @property
    def _noted(self) -> list[str]:
        return [run.header.run_id for run in self.runs if run.header.dataset_note]

    def note(self, *parts: str) -> str:
        """Return the note of a table: the warnings first, then `parts`."""
        return " ".join(part for part in (*self.warnings, *parts) if part)


def gather(runs: Sequence[Run]) -> Evidence:
    """Return `runs` framed, with machines named and every pair of machines compared."""
    runs = merged(runs)
    found, jobs = machines(runs), jobs_frame(runs)
    names = {machine.key: machine.name for machine in found}
    return Evidence(
        runs=tuple(runs),
        machines=found,
        jobs=jobs,
        epochs=epochs_frame(runs),
        failures=failures_frame(runs),
        conditions=conditions_frame(runs),
        pairs=paired_speeds(jobs, names),
    )


def groups(
    frame: pd.DataFrame, names: dict[str, str], keys: Sequence[str] = GROUP
) -> Iterator[tuple[dict[str, Any], pd.DataFrame]]:
    """Yield the group's row head and the rows pooled in it, machine by machine.

    `keys` are the columns that must agree; the head holds them, the machine's name and `source`.
    """
    rank = {key: place for place, key in enumerate(names)}
    columns = ["machine_key", *keys]
    parts = [(head, rows) for head, rows in frame.groupby(columns, sort=True, dropna=False)]
    for values, rows in sorted(parts, key=lambda part: rank[part[0][0]]):
        head = dict(zip(columns, values, strict=True))
        yield {"machine": names[head["machine_key"]], "source": MEASURED, **head}, rows


def median(values: pd.Series) -> float | None:
    """Return the median of the known values, None where none is known."""
    known = pd.to_numeric(values, errors="coerce").dropna()
    return float(known.median()) if len(known) else None


def flagged(rows: pd.DataFrame) -> int | None:
    """Return how many rows are flagged `disturbed`, None where none was watched."""
    known = rows["flag"].isin(("quiet", "disturbed"))
    return int((rows["flag"] == "disturbed").sum()) if known.any() else None


def whole(value: float | None) -> int | None:
    """Return a number of bytes as an integer."""
    return None if value is None else round(value)


def scaled(value: float | None, factor: float) -> float | None:
    """Return `value * factor`, None where it is unknown."""
    return None if value is None else value * factor


def job_text(row: Row) -> str:
    """Return a group as people name it: `cnn adam 15 ep`."""
    epochs = row.get("job_epochs", row.get("epochs"))
    suffix = " (as published)" if row.get("as_published") else ""
    return f"{row.get('model')} {row.get('optimizer')} {epochs} ep{suffix}"


JOB = Column("job", "job", job_text)
MACHINE = text("machine", "machine", width=28)
#: The rest of what names a group; each goes into the note where it is the same in all rows.
GROUP_COLUMNS = tuple(
    text(key, heading, foldable=True)
    for key, heading in (
        ("batch_size", "batch"),
        ("loop", "loop"),
        ("precision", "precision"),
        ("backend", "backend"),
        ("dataset", "data"),
    )
)
