"""The journal: the only writer of results, and how they are read.

Each line is one JSON document with a seal, and is fsynced. Lines are only appended. If a line was
cut off (power failure, full disk), it is moved to another file when the run is continued.
"""

from __future__ import annotations

import contextlib
import json
import os
from pathlib import Path

from bench.errors import OutputError, OutsideError, StoreError
from bench.outside.documents import parse_json
from bench.record.lines import JobRecord, Line, RunHeader
from bench.record.parsing import parse_line
from bench.record.reading import read_header, read_run, read_runs
from bench.record.seal import seal_of, sealed
from bench.record.text_lines import text_lines

__all__ = [
    "SUFFIX",
    "Journal",
    "find_journals",
    "parse_line",
    "read_header",
    "read_run",
    "read_runs",
    "unwritable",
]

#: How the name of a journal ends.
SUFFIX = ".jsonl"

#: Bytes of a line within which its run is named, and bytes that are looked at in one go.
HEAD_BYTES, TAIL_BYTES = 400, 2**20


class Journal:
    """Appends a run's header and records to one file.

    `header` is the header of a run that is continued. It is written again before the first record,
    so that a damaged first line does not lose the run.
    """

    def __init__(self, path: Path, header: RunHeader | None = None) -> None:
        self.path = path
        self._header = header
        self._count: int | None = None  # lines of the run; None: not known yet

    def create(self, header: RunHeader) -> None:
        """Write the header to a new file. Raises OutputError if it cannot."""
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._write(sealed(header.model_dump_json(), 1), flags=os.O_CREAT | os.O_EXCL)
        except FileExistsError as error:
            raise unwritable(self.path, error) from error
        except OSError as error:
            with contextlib.suppress(OSError):
                self.path.unlink()  # a journal without its header cannot be read
            raise unwritable(self.path, error) from error
        _fsync_directory(self.path.parent)
        self._header, self._count = header, 1

    def append(self, line: Line) -> None:
        """Write one line; it is on disk when this returns. Raises OutputError if it cannot."""
        try:
            if self._count is None:
                self._count = _lines_of_run(self.path, line.run_id)
            again = self._header if isinstance(line, JobRecord) else None
            documents = [one.model_dump_json() for one in (again, line) if one is not None]
            numbered = enumerate(documents, start=self._count + 1)
            self._write(b"".join(sealed(text, count) for count, text in numbered))
        except OSError as error:
            raise unwritable(self.path, error) from error
        except StoreError as error:
            raise OutputError(
                f"cannot write {self.path}",
                seen=error.seen,
                next_step="name a writable folder with --out",
            ) from error
        self._count += len(documents)
        if again is not None:
            self._header = None

    def mend(self) -> Path | None:
        """Move a cut-off last line to a file beside the journal; return that file, or None.

        If that is impossible now (a full disk), the line stays, and counts as damaged.
        """
        with contextlib.suppress(OSError):
            keep, torn = _torn(self.path)
            if not torn:
                return None
            aside = self.path.with_suffix(f".torn-{keep + len(torn)}")
            aside.write_bytes(torn)
            with self.path.open("r+b") as file:
                file.truncate(keep)
                os.fsync(file.fileno())
            return aside
        return None

    def _write(self, text: bytes, flags: int = 0) -> None:
        """Append whole lines, or nothing."""
        descriptor = os.open(self.path, os.O_RDWR | os.O_APPEND | flags, 0o644)
        try:
            size = os.fstat(descriptor).st_size
            if size and os.pread(descriptor, 1, size - 1) != b"\n":
                text = b"\n" + text  # no line is joined to one that was cut off
            try:
                rest = memoryview(text)
                while rest:  # a write may write only a part
                    rest = rest[os.write(descriptor, rest) :]
                os.fsync(descriptor)
            except OSError:
                if os.fstat(descriptor).st_size <= size + len(text):
                    os.ftruncate(descriptor, size)
                raise
        finally:
            os.close(descriptor)


def unwritable(path: Path, error: OSError) -> OutputError:
    """Return an error that says that `path` cannot be written, and what to do."""
    return OutputError(
        f"cannot write {path}",
        seen=error.strerror or str(error),
        next_step="name a writable folder with --out",
    )


def find_journals(folder: Path) -> list[Path]:
    """Return the journals in `folder`, the oldest first (names begin with a UTC time).

    Hidden files are passed over, because other programs make them (`._x.jsonl`, `.#x.jsonl`). What
    is named like a journal but is no file is returned too, so that whoever reads it can name it.
    """
    if not os.path.isdir(folder):  # also of a name that the system refuses to look at
        return []
    return sorted(path for path in folder.glob(f"*{SUFFIX}") if not path.name.startswith("."))


def _torn(path: Path) -> tuple[int, bytes]:
    """Return how many bytes of a journal are whole lines, and the rest, if it must be moved."""
    size = path.stat().st_size
    with path.open("rb") as file:
        keep = size
        while keep:
            begin = max(0, keep - TAIL_BYTES)
            file.seek(begin)
            found = file.read(keep - begin).rfind(b"\n") + 1
            if found:
                keep = begin + found
                break
            keep = begin
        file.seek(keep)
        rest = file.read()
    return keep, b"" if _is_whole(rest) else rest


def _is_whole(text: bytes) -> bool:
    """Say whether only the end of a line is missing, so that nothing is lost."""
    seal = seal_of(text)
    if seal is not None:
        return seal.holds
    try:
        parse_json(text)
    except OutsideError:
        return False
    return True


def _lines_of_run(path: Path, run_id: str) -> int:
    """Return the number of the last line of a run in a file."""
    named = f'"run_id":{json.dumps(run_id, ensure_ascii=False)}'.encode()
    last = 0
    for line in text_lines(path):
        if named in line.text[:HEAD_BYTES]:
            seal = seal_of(line.text)
            last = max(last + 1, seal.count if seal else 0)
    return last


def _fsync_directory(folder: Path) -> None:
    """Put a new file's name on disk, if the file system can do that."""
    with contextlib.suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
