"""The journal: the only writer of results. Each line is one JSON document and is fsynced.

The first line is the run's header. The other lines are machines, job records, and the beginning and
end of a cluster's share. Lines are only appended. If a line was cut off (power failure, full disk),
it is moved to another file when the run is continued.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic_core import from_json

from bench.errors import OutputError, StoreError
from bench.record.lift import Lift
from bench.record.lines import (
    SCHEMA_VERSION,
    ClusterEntry,
    JobRecord,
    Line,
    MachineEntry,
    OutOfTime,
    RunHeader,
    SeriesPlace,
)
from bench.record.pool import Pool
from bench.record.run import Run
from bench.text import first_line, first_problem

#: The kinds of lines after the header, by the value of their key `entry`.
LINES: Mapping[str, type[BaseModel]] = {
    "record": JobRecord,
    "machine": MachineEntry,
    "cluster": ClusterEntry,
    "out_of_time": OutOfTime,
}


class Journal:
    """Appends a run's header and records to one file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def create(self, header: RunHeader) -> None:
        """Write the header to a new file. Raises OutputError if it cannot."""
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._write(header.model_dump_json(), flags=os.O_CREAT | os.O_EXCL)
            _fsync_directory(self.path.parent)
        except OSError as error:
            raise unwritable(self.path, error) from error

    def append(self, line: Line) -> None:
        """Write one line; it is on disk when this returns. Raises OutputError if it cannot."""
        try:
            self._write(line.model_dump_json())
        except OSError as error:
            raise unwritable(self.path, error) from error

    def mend(self) -> Path | None:
        """Move a cut-off last line to a file beside the journal; return that file, or None."""
        text = self.path.read_bytes()
        keep = text.rfind(b"\n") + 1
        if keep == len(text):
            return None
        if _is_json(text[keep:]):  # only the line's end is missing: nothing is lost
            self._write("")
            return None
        torn = self.path.with_suffix(f".torn-{len(text)}")
        torn.write_bytes(text[keep:])
        with self.path.open("r+b") as file:
            file.truncate(keep)
            os.fsync(file.fileno())
        return torn

    def _write(self, line: str, flags: int = 0) -> None:
        descriptor = os.open(self.path, os.O_WRONLY | os.O_APPEND | flags, 0o644)
        with os.fdopen(descriptor, "ab", buffering=0) as file:
            rest = memoryview(line.encode() + b"\n")
            while rest:  # a raw write may write only a part
                rest = rest[file.write(rest) or 0 :]
            os.fsync(descriptor)


def unwritable(path: Path, error: OSError) -> OutputError:
    """Return an error that says that `path` cannot be written, and what to do."""
    return OutputError(
        f"cannot write {path}",
        seen=error.strerror or str(error),
        next_step="name a writable folder with --out",
    )


def read_run(path: Path, pool: Pool | None = None) -> Run:
    """Return the run that the journal at `path` holds.

    Journals that are read with one `pool` share the parts that they have in common. A cut-off or
    damaged line is skipped and named in `warnings`. Raises StoreError if the journal does not
    exist, its header is unreadable, or its schema is newer.
    """
    try:
        text = path.read_text(encoding="utf-8", errors="replace")
    except OSError as error:
        raise StoreError(
            f"cannot read the journal {path}", seen=error.strerror, next_step="check the path"
        ) from error
    first, *others = text.removesuffix("\n").split("\n")  # splitlines() would cut at U+2028
    document, pool = _document(first, path, 1), pool or Pool()
    if document["schema_version"] == 1:
        header, lines, warnings = _read_lifted(document, others, path, pool)
    else:
        header = _validated(RunHeader, document, path, 1, pool)
        lines, warnings = _read_lines(others, path, pool)
    return Run(
        path,
        header,
        records=tuple(line for line in lines if isinstance(line, JobRecord)),
        warnings=tuple(warnings),
        machines=tuple(line for line in lines if isinstance(line, MachineEntry)),
        clusters=tuple(line for line in lines if isinstance(line, ClusterEntry)),
        ends=tuple(line for line in lines if isinstance(line, OutOfTime)),
    )


def parse_line(document: Mapping[str, Any]) -> Line:
    """Return the line after the header that a JSON object holds. Raises ValidationError."""
    kind = LINES.get(str(document.get("entry", "record")), JobRecord)
    return kind.model_validate(document)  # type: ignore[return-value]


def find_journals(folder: Path) -> list[Path]:
    """Return the journals in `folder`, the oldest first (names begin with a UTC time)."""
    return sorted(folder.glob("*.jsonl"))


def unfinished(
    journals: Iterable[Path], request_digest: str, series: SeriesPlace | None = None
) -> Run | None:
    """Return the newest run of the same request if it is not complete, else None.

    If a place in a series is given, only the run that has this place counts.
    """
    for path in sorted(journals, reverse=True):
        try:
            run = read_run(path)
        except StoreError:
            continue
        in_place = series is None or run.header.series == series
        if in_place and run.header.request_digest == request_digest:
            return None if run.complete else run
    return None


def _read_lines(texts: Iterable[str], path: Path, pool: Pool) -> tuple[list[Line], list[str]]:
    lines, warnings = [], []
    for number, text in enumerate(texts, start=2):
        try:
            lines.append(_line(_document(text, path, number), path, number, pool))
        except StoreError as error:
            warnings.append(str(error))
    return lines, warnings


def _read_lifted(
    first: Mapping[str, Any], texts: Iterable[str], path: Path, pool: Pool
) -> tuple[RunHeader, list[Line], list[str]]:
    """Return the header, the lines and the warnings of a journal of schema 1."""
    documents: dict[int, Mapping[str, Any]] = {}
    warnings = []
    for number, text in enumerate(texts, start=2):
        try:
            documents[number] = _document(text, path, number)
        except StoreError as error:
            warnings.append(str(error))
    lift = Lift.of(documents.values())
    try:
        header, own = lift.header(first)
    except (KeyError, TypeError) as error:
        raise _unreadable("RunHeader", f"no key {error}", path, 1) from error
    lines = [] if own is None else [_line(own, path, 1, pool)]
    for number, document in documents.items():
        try:
            lines.append(_line(lift.line(document, header["jobs"]), path, number, pool))
        except StoreError as error:
            warnings.append(str(error))
        except (AttributeError, KeyError, TypeError) as error:
            warnings.append(str(_unreadable("JobRecord", f"no key {error}", path, number)))
    return _validated(RunHeader, header, path, 1, pool), lines, warnings


def _document(text: str, path: Path, number: int) -> dict[str, Any]:
    """Return the JSON object of a line. Raises StoreError if its schema version is not read."""
    model = "RunHeader" if number == 1 else "JobRecord"
    try:
        document = from_json(text)  # twice as fast as json.loads
    except ValueError as error:
        raise _unreadable(model, first_line(error), path, number) from error
    version = document.get("schema_version") if isinstance(document, dict) else None
    if not isinstance(version, int) or not 1 <= version <= SCHEMA_VERSION:
        raise StoreError(
            f"{path}, line {number}: this version reads schema versions 1 to {SCHEMA_VERSION}",
            seen=version,
            next_step="update this program",
        )
    return dict(document)


def _line(document: Mapping[str, Any], path: Path, number: int, pool: Pool) -> Line:
    kind = LINES.get(str(document.get("entry", "record")), JobRecord)
    line: Line = _validated(kind, document, path, number, pool)
    return line


def _validated(model: Any, document: Mapping[str, Any], path: Path, number: int, pool: Pool) -> Any:
    try:
        return model.model_validate(pool.filled(document))
    except (ValidationError, RecursionError) as error:
        problem = first_problem(error) if isinstance(error, ValidationError) else "RecursionError"
        raise _unreadable(model.__name__, problem, path, number) from error


def _unreadable(model: str, seen: str, path: Path, number: int) -> StoreError:
    return StoreError(
        f"{path}, line {number} is not a {model}",
        seen=seen,
        next_step="choose another journal"
        if number == 1
        else "the line is skipped, and its job counts as not measured",
    )


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
