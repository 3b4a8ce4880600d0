"""Puts the lines of one file together to runs: each line counts once, and in its own run.

A file holds one run, or several if journals were joined. Lines are told apart by the id of their
run. What does not count is named: lines that are there twice, that are missing, or that belong to
no run or no machine of the file.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from bench.record.facts import MachineFacts
from bench.record.lines import (
    ClusterEntry,
    JobRecord,
    Line,
    MachineEntry,
    OutOfTime,
    ReportEntry,
    RunHeader,
)
from bench.record.run import Run
from bench.text import visible


@dataclass(frozen=True)
class Placed:
    """A sound line, and where it stands.

    `number` is its line in the file, `digest` that of its bytes, and `count` its number in its
    seal; None if it has no seal.
    """

    line: RunHeader | Line
    number: int
    digest: int
    count: int | None = None


@dataclass
class _Part:
    """The lines of one run. `seen` holds the number of the first line with each digest."""

    header: RunHeader | None = None
    lines: list[Placed] = field(default_factory=list)
    flaws: list[tuple[int, str]] = field(default_factory=list)
    seen: dict[int, int] = field(default_factory=dict)
    counts: set[int] = field(default_factory=set)


class Assembly:
    """Takes the lines of the file at `path` one after the other, and then returns its runs."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._parts: dict[str, _Part] = {}
        self._damaged: list[tuple[int, str]] = []

    def damaged(self, number: int, words: str) -> None:
        """Take note of a line that cannot be read."""
        self._damaged.append((number, words))

    def take(self, placed: Placed) -> None:
        """Take a sound line, unless it was taken before."""
        part = self._parts.setdefault(placed.line.run_id, _Part())
        first = part.seen.setdefault(placed.digest, placed.number)
        if first != placed.number:
            part.flaws.append((placed.number, f"repeats line {first} and counts once"))
            return
        if placed.count is not None:
            part.counts.add(placed.count)
        if not isinstance(placed.line, RunHeader):
            part.lines.append(placed)
        elif part.header is None:
            part.header = placed.line
        elif part.header != placed.line:
            words = "is another header of the same run, and the first one counts"
            part.flaws.append((placed.number, words))

    def runs(self) -> tuple[Run, ...]:
        """Return the runs of the file in order of appearance; none if it holds no header."""
        flaws = list(self._damaged)
        for run_id, part in self._parts.items():
            if part.header is None:
                flaws += self._strangers(run_id, part)
        parts = [part for part in self._parts.values() if part.header is not None]
        return tuple(self._run(part, [] if place else flaws) for place, part in enumerate(parts))

    def _strangers(self, run_id: str, part: _Part) -> Iterator[tuple[int, str]]:
        for placed in part.lines:
            words = f"belongs to the run {visible(run_id)}, which has no header here"
            yield placed.number, self._words(placed.number, f"{words}: it does not count")

    def _run(self, part: _Part, more: list[tuple[int, str]]) -> Run:
        """Return the run of a part; `more` are flaws of the file that stand with its first run."""
        assert part.header is not None, "only a part with a header is a run"
        lines = _in_order(part.lines)
        machines = _machines(lines)
        kept, flaws = _records(lines, part.header, machines)
        named = [(number, self._words(number, words)) for number, words in part.flaws + flaws]
        rebuilt = _rebuilt(part.header, kept, machines)
        return Run(
            self._path,
            part.header,
            records=tuple(one for one in kept if not one.only_ceilings),
            ceiling_records=tuple(one for one in kept if one.only_ceilings),
            warnings=tuple(words for _, words in (*sorted(named + more), *self._missing(part))),
            machines=(*machines, *rebuilt),
            clusters=tuple(one.line for one in lines if isinstance(one.line, ClusterEntry)),
            ends=tuple(one.line for one in lines if isinstance(one.line, OutOfTime)),
            is_reported=_is_reported(part.header, lines),
            rebuilt=frozenset(entry.label for entry in rebuilt),
        )

    def _missing(self, part: _Part) -> Iterator[tuple[int, str]]:
        """Yield a sentence if more lines are missing than were damaged."""
        if not part.counts:
            return
        last = max(part.counts)
        gone = last - len(part.counts)
        if gone > len(self._damaged):
            missing = [count for count in range(1, last + 1) if count not in part.counts]
            shown = ", ".join(map(str, missing[:10])) + (" and others" if gone > 10 else "")
            yield last, f"{self._path.name}: of {last} lines, {gone} are missing: {shown}"

    def _words(self, number: int, words: str) -> str:
        return f"{self._path.name}, line {number} {words}"


def _in_order(lines: list[Placed]) -> list[Placed]:
    """Return lines in the order in which they were written; without seals, as they stand."""
    if any(one.count is None for one in lines):
        return lines
    return sorted(lines, key=lambda one: one.count or 0)


def _machines(lines: list[Placed]) -> list[MachineEntry]:
    """Return the lines of machines.

    A cluster's share that is begun again looks for every machine anew, so that the machines that
    were unavailable before it do not count.
    """
    begun: dict[str, int] = {}  # the place of each share by its job
    for place, one in enumerate(lines):
        if isinstance(one.line, ClusterEntry):
            begun.setdefault(one.line.job, place)
    last = max(begun.values()) if len(begun) > 1 else 0
    return [
        one.line
        for place, one in enumerate(lines)
        if isinstance(one.line, MachineEntry)
        and (one.line.machine is not None or one.line.own or place >= last)
    ]


def _records(
    lines: list[Placed], header: RunHeader, machines: list[MachineEntry]
) -> tuple[list[JobRecord], list[tuple[int, str]]]:
    """Return the records that count, and what is wrong with the others."""
    labels = {entry.label for entry in machines if entry.machine is not None} or {header.label}
    kept: list[JobRecord] = []
    flaws: list[tuple[int, str]] = []
    first: dict[tuple[str, ...], int] = {}
    for one in lines:
        if not isinstance(one.line, JobRecord):
            continue
        words = _stranger(one, one.line, labels)
        if words is None:
            before = first.setdefault(_outcome(one.line), one.number)
            if before != one.number:
                job = f"{visible(one.line.job_id)} on {visible(one.line.label)}"
                words = f"is a second record of {job}, and the record in line {before} counts"
        if words is None:
            kept.append(one.line)
        else:
            flaws.append((one.number, words))
    return kept, flaws


def _stranger(place: Placed, record: JobRecord, labels: set[str]) -> str | None:
    """Return why a record belongs to no job or machine of the run; None if it belongs to it.

    A seal vouches for the label of a record. Without one, it must be the label of a machine.
    """
    if record.job_id != record.job.job_id:
        called = visible(record.job_id)
        return f"is called {called}, but holds {visible(record.job.job_id)}: it does not count"
    if place.count is None and record.label not in labels:
        return f"names {visible(record.label)}, which is no machine of the run: it does not count"
    return None


def _outcome(record: JobRecord) -> tuple[str, ...]:
    """Return what only one record of a run may be.

    A job that was lost is tried again when the run is continued, and attempts are counted anew.
    """
    began = "" if record.measurement is not None else record.started_at
    return record.label, record.job_id, str(record.attempt), began


def _rebuilt(
    header: RunHeader, records: list[JobRecord], machines: list[MachineEntry]
) -> list[MachineEntry]:
    """Return a line for each machine that has records but whose own line is lost.

    The lost line alone said which jobs the machine was given. The machine on which the command was
    typed is taken to have been given all of them, another one only its records.
    """
    known = {entry.label for entry in machines if entry.machine is not None}
    lost: dict[str, MachineFacts] = {}
    for record in records:
        if record.label not in known:
            lost.setdefault(record.label, record.machine)
    found = []
    for label, facts in lost.items():
        recorded = {one.job.original.job_id for one in records if one.label == label}
        own = label == header.label
        found.append(
            MachineEntry(
                run_id=header.run_id,
                label=label,
                own=own,
                machine=facts,
                jobs=tuple(job.job_id for job in header.jobs if own or job.job_id in recorded),
            )
        )
    return found


def _is_reported(header: RunHeader, lines: list[Placed]) -> bool:
    """Say whether a report holds all lines. Before schema 3 no line told it, so it is assumed."""
    if header.schema_version < 3:
        return True
    return bool(lines) and isinstance(lines[-1].line, ReportEntry)
