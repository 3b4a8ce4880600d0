"""The journal: the one writer of results. One JSON document a line, fsynced a line at a time.

The first line is the run's header, every further line one record; a run on a cluster also has a
line for each of its machines and for the begin and end of its part. Lines are only ever appended.
A line that was cut off (power, a full disk) is moved aside when the journal is taken up again.
"""

from __future__ import annotations

import itertools
import json
import os
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from bench.errors import OutputError, StoreError
from bench.record.lines import SCHEMA_VERSION, JobRecord, MachineEntry, RunHeader, SiteEntry

#: The lines that are no records, by what their key `entry` says.
ENTRIES = {"machine": MachineEntry, "site": SiteEntry}


@dataclass(frozen=True)
class Run:
    """A journal as read: its header, its records in order of arrival, and what was unreadable.

    `machines` and `sites` are the lines on a cluster's part. `done` and `missing` are about the
    header's own machine; `parts` gives each machine as a run of its own, and a cluster's with the
    `entry` that the journal holds of it.
    """

    path: Path
    header: RunHeader
    records: tuple[JobRecord, ...]
    warnings: tuple[str, ...] = ()
    machines: tuple[MachineEntry, ...] = ()
    sites: tuple[SiteEntry, ...] = ()
    entry: MachineEntry | None = None

    @property
    def done(self) -> frozenset[str]:
        """Ids of the jobs of the header's machine that have a record."""
        own = self.header.label
        return frozenset(record.job_id for record in self.records if record.label == own)

    @property
    def missing(self) -> tuple[str, ...]:
        """Ids of the jobs planned for the header's machine without a record, in grid order."""
        if not self.header.measured:
            return ()
        return tuple(job.job_id for job in self.header.jobs if job.job_id not in self.done)

    @property
    def measured(self) -> tuple[JobRecord, ...]:
        """The records that hold a measurement."""
        return tuple(record for record in self.records if record.measurement is not None)

    @property
    def refused(self) -> tuple[MachineEntry, ...]:
        """The machines that were counted on and could not be had."""
        return tuple(entry for entry in self.machines if entry.machine is None)

    @property
    def open_site(self) -> SiteEntry | None:
        """The cluster's part that was begun and has not ended, None where there is none."""
        return self.sites[-1] if self.sites and self.sites[-1].outcome is None else None

    @property
    def complete(self) -> bool:
        """Whether no planned job of any machine misses its record and no part is under way."""
        return self.open_site is None and not any(part.missing for part in self.parts)

    @property
    def parts(self) -> tuple[Run, ...]:
        """This run machine by machine, each with its own label, facts, jobs and records."""
        known = {entry.label: entry for entry in self.machines if entry.machine is not None}
        own = replace(self, records=self._of(self.header.label), machines=self.refused)
        others = [self._part(entry) for entry in known.values()]
        return (own, *others) if self.header.measured else tuple(others)

    def _of(self, label: str) -> tuple[JobRecord, ...]:
        return tuple(record for record in self.records if record.label == label)

    def _part(self, entry: MachineEntry) -> Run:
        wanted = {job.job_id: job for job in self.header.jobs}
        wanted |= {skip.job.job_id: skip.job for skip in self.header.skipped}
        ids = wanted if entry.jobs is None else entry.jobs
        changes = {
            "label": entry.label,
            "machine": entry.machine,
            "jobs": tuple(wanted[job_id] for job_id in ids if job_id in wanted),
            "skipped": entry.skipped,
            "look": entry.look,
            "measured": True,
        }
        header = self.header.model_copy(update=changes)
        return Run(self.path, header, self._of(entry.label), entry=entry)

    def labelled(self, label: str) -> Run:
        """Return this run with the header's machine under another name."""
        own, change = self.header.label, {"label": label}
        records = tuple(
            record.model_copy(update=change) if record.label == own else record
            for record in self.records
        )
        return replace(self, header=self.header.model_copy(update=change), records=records)


class Journal:
    """Appends a run's header and records to one file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def create(self, header: RunHeader) -> None:
        """Write the header to a new file. Raises OutputError where that cannot be done."""
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._write(header.model_dump_json(), flags=os.O_CREAT | os.O_EXCL)
            _fsync_directory(self.path.parent)
        except OSError as error:
            raise unwritable(self.path, error) from error

    def append(self, record: JobRecord | MachineEntry | SiteEntry) -> None:
        """Write one line; it is on disk when this returns. Raises OutputError."""
        try:
            self._write(record.model_dump_json())
        except OSError as error:
            raise unwritable(self.path, error) from error

    def mend(self) -> Path | None:
        """Move a cut-off last line to a file beside the journal; return that file, or None."""
        text = self.path.read_bytes()
        keep = text.rfind(b"\n") + 1
        if keep == len(text):
            return None
        if _is_json(text[keep:]):  # a whole line that lacks its end alone: nothing is lost
            self._write("")
            return None
        aside = self.path.with_suffix(f".torn-{len(text)}")
        aside.write_bytes(text[keep:])
        with self.path.open("r+b") as file:
            file.truncate(keep)
            os.fsync(file.fileno())
        return aside

    def _write(self, line: str, flags: int = 0) -> None:
        descriptor = os.open(self.path, os.O_WRONLY | os.O_APPEND | flags, 0o644)
        with os.fdopen(descriptor, "ab", buffering=0) as file:
            rest = memoryview(line.encode() + b"\n")
            while rest:  # a raw write may take only a part
                rest = rest[file.write(rest) or 0 :]
            os.fsync(descriptor)


def unwritable(path: Path, error: OSError) -> OutputError:
    """Return the error that says that `path` cannot be written, and what to do."""
    return OutputError(
        f"cannot write {path}",
        seen=error.strerror or str(error),
        next_step="name a writable folder with --out",
    )


def read_run(path: Path) -> Run:
    """Return the run that the journal at `path` holds.

    A cut-off or damaged record line is skipped and named in `warnings`. Raises StoreError where
    there is no journal, its header is unreadable, or it is of a newer schema.
    """
    try:
        text = path.read_text(encoding="utf-8", errors="replace")
    except OSError as error:
        raise StoreError(
            f"cannot read the journal {path}", seen=error.strerror, next_step="check the path"
        ) from error
    lines = text.removesuffix("\n").split("\n")  # splitlines() would cut at U+2028 in a text
    header = _parse(RunHeader, lines[0], path, 1)
    found: dict[type, list[Any]] = {JobRecord: [], MachineEntry: [], SiteEntry: []}
    warnings = []
    for number, line in enumerate(lines[1:], start=2):
        try:
            entry = _parse(kind_of(line), line, path, number)
            found[type(entry)].append(entry)
        except StoreError as error:
            warnings.append(str(error))
    records, machines, sites = (tuple(entries) for entries in found.values())
    return Run(path, header, records, tuple(warnings), machines, sites)


def kind_of(line: str) -> type[JobRecord] | type[MachineEntry] | type[SiteEntry]:
    """Return what a line after the header is; a damaged one counts as a record."""
    try:
        document = json.loads(line)
    except (ValueError, RecursionError):
        return JobRecord
    entry = document.get("entry") if isinstance(document, dict) else None
    return ENTRIES.get(entry, JobRecord) if isinstance(entry, str) else JobRecord


def merged(runs: Iterable[Run]) -> list[Run]:
    """Return `runs` machine by machine with each record once: given twice, a run is one run.

    Its records are joined by job and attempt; what was double is named in its warnings.
    """
    together: dict[tuple[str, str], Run] = {}
    for run in itertools.chain.from_iterable(each.parts for each in runs):
        key = (run.header.label, run.header.run_id)
        known = together.get(key)
        records = {
            (record.job_id, record.attempt): record
            for record in (*run.records, *(known.records if known else ()))
        }
        double = len(run.records) + (len(known.records) if known else 0) - len(records)
        note = f"{run.path.name}: {double} records were there twice and count once"
        warnings = dict.fromkeys((*(known.warnings if known else ()), *run.warnings))
        together[key] = replace(
            known or run,
            records=tuple(records.values()),
            warnings=(*warnings, note) if double else tuple(warnings),
        )
    return list(together.values())


def find_journals(folder: Path) -> list[Path]:
    """Return the journals in `folder`, oldest name first (names begin with a UTC time)."""
    return sorted(folder.glob("*.jsonl"))


def unfinished(journals: Iterable[Path], request_digest: str) -> Run | None:
    """Return the newest run of the same request that is not complete, or None."""
    for path in sorted(journals, reverse=True):
        try:
            run = read_run(path)
        except StoreError:
            continue
        if run.header.request_digest == request_digest:
            return None if run.complete else run
    return None


def _parse(model: Any, line: str, path: Path, number: int) -> Any:
    try:
        document = json.loads(line)
        version = document.get("schema_version") if isinstance(document, dict) else None
        if not isinstance(version, int) or not 1 <= version <= SCHEMA_VERSION:
            raise StoreError(
                f"{path}, line {number}: this version reads schema versions 1 to {SCHEMA_VERSION}",
                seen=version,
                next_step="update mnist-bench",
            )
        return model.model_validate(document)
    except (ValueError, ValidationError, RecursionError) as error:
        text = _first_problem(error)
        raise StoreError(
            f"{path}, line {number} is not a {model.__name__}",
            seen=text,
            next_step="the line is skipped; its job counts as not measured"
            if model is JobRecord
            else "name another journal",
        ) from error


def _first_problem(error: Exception) -> str:
    if isinstance(error, ValidationError):
        first = error.errors(include_url=False)[0]
        return f"{'.'.join(map(str, first['loc']))}: {first['msg']}"
    return (str(error).splitlines() or [type(error).__name__])[0]


def _is_json(text: bytes) -> bool:
    try:
        json.loads(text)
    except ValueError:
        return False
    return True


def _fsync_directory(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
