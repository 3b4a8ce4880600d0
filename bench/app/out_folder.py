"""The folder into which a run writes: its journals, its check, and its lock for one run."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from bench.errors import RequestError
from bench.record.journal import unwritable


def journals_in(out: Path) -> Path:
    """Return the folder of the journals within a folder of reports."""
    return out / "journals"


def prepare_folder(out: Path) -> None:
    """Make sure that `out` can be written. Raises OutputError if it cannot."""
    missing: list[Path] = []
    try:
        missing = [folder for folder in (out, *out.parents) if not folder.exists()]
        out.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=out):
            pass
    except OSError as error:
        for folder in missing:
            if folder.is_dir():
                folder.rmdir()
        raise unwritable(out, error) from error


@contextmanager
def held(out: Path) -> Iterator[None]:
    """Hold the folder: two runs at once would disturb each other and mix their reports."""
    lock = FileLock(out / ".lock")
    try:
        acquired = lock.acquire(timeout=0)
    except Timeout as error:
        raise RequestError(
            f"another run is writing to {out}",
            next_step="wait for it: two runs on one machine spoil each other's figures",
        ) from error
    with acquired:
        yield
