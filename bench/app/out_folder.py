"""The folder into which a run writes: its journals, its check, and its lock for one run."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from bench.errors import RequestError
from bench.record.journal import find_journals, unwritable


def journals_in(out: Path) -> Path:
    """Return the folder of the journals within a folder of reports."""
    return out / "journals"


def journals_of(given: Sequence[Path]) -> list[Path]:
    """Return the journals that a user named: files, or folders of journals or of reports.

    Raises RequestError if a folder holds no journal.
    """
    paths: list[Path] = []
    for path in given:
        found = find_journals(path) or find_journals(journals_in(path)) if path.is_dir() else [path]
        if not found:
            raise RequestError(
                "there is no journal in this folder", seen=path, next_step="name a .jsonl file"
            )
        paths += found
    return paths


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
