"""What a child leaves for its parent: its files, and a pipe for the record if a disk takes none."""

from __future__ import annotations

import contextlib
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from bench.errors import OutsideError
from bench.outside.documents import parse_model
from bench.outside.files import read_bytes
from bench.record.lines import JobRecord
from bench.spec.privacy import Privacy

#: Bytes that are read from the pipe at once.
CHUNK_BYTES = 2**16


class SparePipe:
    """A pipe whose other end a child inherits; a context manager, whose end closes it.

    A pipe holds little, and a child waits until it takes more: the parent reads while it follows
    the child.
    """

    def __init__(self) -> None:
        self._taken = bytearray()

    def __enter__(self) -> Self:
        self._mine, self.child_s = os.pipe()
        os.set_blocking(self._mine, False)
        return self

    def __exit__(self, *exception: object) -> None:
        os.close(self._mine)
        os.close(self.child_s)

    def take(self) -> bytes:
        """Read what is there by now; return all that has come so far."""
        with contextlib.suppress(BlockingIOError):
            while found := os.read(self._mine, CHUNK_BYTES):
                self._taken += found
        return bytes(self._taken)


@dataclass(frozen=True)
class Files:
    """The files of a job in its folder, and the pipe beside them."""

    launch: Path
    record: Path
    events: Path
    log: Path
    spare: SparePipe

    def read_record(self) -> tuple[JobRecord | None, str]:
        """Return the record that the child left, or None and what is wrong with it."""
        spare = self.spare.take()
        if not spare and not self.record.exists():
            return None, ""
        try:
            return parse_model(JobRecord, spare or read_bytes(self.record)), ""
        except OutsideError as error:
            return None, f"the record that the child left cannot be read: {error.what}"

    def log_tail(self, privacy: Privacy) -> str | None:
        """Return the end of the child's output with names redacted; None if it is empty."""
        return tail(self.log, privacy)


def tail(log: Path, privacy: Privacy, limit: int = 2000) -> str | None:
    """Return the end of a log with host names and homes redacted; None if it is empty."""
    try:
        with log.open("rb") as file:
            file.seek(max(0, log.stat().st_size - 2 * limit))
            text = file.read().decode(errors="replace")
    except OSError:
        return None
    # redact before cutting: half a name is still a name
    return privacy.redacted(text)[-limit:].strip() or None
