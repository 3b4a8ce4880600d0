"""One line of a journal: from bytes to a typed line, or to an error that says what is damaged."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError

from bench.errors import OutsideError, StoreError
from bench.outside.documents import parse_json, problem_of, shaped
from bench.record.lines import (
    SCHEMA_VERSION,
    ClusterEntry,
    JobRecord,
    Line,
    MachineEntry,
    OutOfTime,
    ReportEntry,
    RunHeader,
)
from bench.record.pool import Pool
from bench.record.seal import Seal, seal_of, without_seal
from bench.record.text_lines import MOST_BYTES, TextLine
from bench.text import visible

#: The kinds of lines, by the value of their key `entry`. Schema 2 gave the header no such key.
LINES: Mapping[str, type[BaseModel]] = {
    "header": RunHeader,
    "record": JobRecord,
    "machine": MachineEntry,
    "cluster": ClusterEntry,
    "out_of_time": OutOfTime,
    "report": ReportEntry,
}

#: What each kind of line is, as the user reads it.
NAMES: Mapping[type[BaseModel], str] = {
    RunHeader: "the header of a run",
    JobRecord: "the record of a job",
    MachineEntry: "the line of a machine",
    ClusterEntry: "the line of a cluster",
    OutOfTime: "the line of jobs that had no time",
    ReportEntry: "the line of a report",
}

#: The first schema version whose lines have a seal.
SEALED_SINCE = 3


#: What to do with a journal that a newer version wrote.
UPDATE = "update this program"


def parse_line(document: Mapping[str, Any]) -> Line:
    """Return the line after the header that a JSON object holds. Raises OutsideError."""
    kind = kind_of(document)
    try:
        return shaped(kind, document)  # type: ignore[return-value]
    except OutsideError as error:
        raise OutsideError(f"it is not {NAMES[kind]}: {error.what}") from error


def kind_of(document: Mapping[str, Any]) -> type[BaseModel]:
    """Return the kind of line that a JSON object is meant to be."""
    if is_header(document):
        return RunHeader
    return LINES.get(str(document.get("entry", "record")), JobRecord)


def is_header(document: Mapping[str, Any]) -> bool:
    """Say whether a JSON object is meant to be a header. Before schema 3, it had no `entry`."""
    return document.get("entry") == "header" or (
        "entry" not in document and "request_digest" in document
    )


def document_of(line: TextLine, path: Path) -> tuple[dict[str, Any], Seal | None]:
    """Return a line's JSON object without its seal, and the seal; None if it has none.

    Raises StoreError if the line is damaged, or if its schema version is not read.
    """
    number = line.number
    if line.too_long:
        raise damaged(path, number, f"more than {MOST_BYTES} bytes")
    if not line.text:
        raise damaged(path, number, "an empty line")
    seal = seal_of(line.text)
    if seal is not None and not seal.holds:
        raise damaged(path, number, "its checksum does not fit its text")
    try:
        document = parse_json(line.text)
    except OutsideError as error:
        raise damaged(path, number, error.what) from error
    version = document.get("schema_version") if isinstance(document, dict) else None
    if type(version) is not int or not 1 <= version <= SCHEMA_VERSION:
        raise StoreError(
            f"{path}, line {number}: this version reads schema versions 1 to {SCHEMA_VERSION}",
            seen=None if version is None else visible(repr(version)[:40]),
            next_step=UPDATE,
        )
    if seal is None and version >= SEALED_SINCE:
        raise damaged(path, number, "it has no checksum")
    return without_seal(document) if seal else document, seal


def validated(document: Mapping[str, Any], path: Path, number: int, pool: Pool) -> Any:
    """Return the typed line that a JSON object holds; the object itself is used up.

    Raises StoreError if it does not fit its kind.
    """
    kind = kind_of(document)
    try:
        return kind.model_validate(pool.filled(document))
    except (ValidationError, RecursionError) as error:
        problem = problem_of(error) if isinstance(error, ValidationError) else "RecursionError"
        raise damaged(path, number, problem, kind) from error


def damaged(path: Path, number: int, seen: str, kind: type[BaseModel] | None = None) -> StoreError:
    """Return an error that names a damaged line.

    `kind` is what the line was meant to be; None if that is unknown. The first line is a header.
    """
    kind = kind or (RunHeader if number == 1 else None)
    return StoreError(
        f"{path}, line {number} is {'damaged' if kind is None else f'not {NAMES[kind]}'}",
        seen=seen,
        next_step="choose another journal",
    )
