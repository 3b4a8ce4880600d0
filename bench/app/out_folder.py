"""The folder into which a run writes: its journals, and the look whether it can be written."""

from __future__ import annotations

import errno
import os
import shutil
import tempfile
from pathlib import Path

from bench import units
from bench.record.journal import find_journals, unwritable

#: A run needs some space for its journal, its report and the logs of its jobs.
LOW_BYTES = 64 * 2**20


def journals_in(out: Path) -> Path:
    """Return the folder of the journals within a folder of reports."""
    return out / "journals"


def journals_of(folder: Path) -> list[Path]:
    """Return the journals of a folder: in it, or in the folder of journals of its reports."""
    return find_journals(folder) or find_journals(journals_in(folder))


def prepare_folder(out: Path) -> None:
    """Make sure that `out` can be written. Raises OutputError if it cannot."""
    missing: list[Path] = []
    try:
        missing = [folder for folder in (out, *out.parents) if not os.path.exists(folder)]
        out.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=out):
            pass
    except OSError as error:
        for folder in missing:
            if os.path.isdir(folder):
                folder.rmdir()
        raise unwritable(out, error) from error


def check_folder(out: Path) -> None:
    """Raise OutputError if `out` cannot be written, as far as that is known without writing."""
    place = nearest_existing(out)
    if os.path.isdir(place) and os.access(place, os.W_OK | os.X_OK):
        return
    problem = errno.EACCES if os.path.isdir(place) else errno.ENOTDIR
    raise unwritable(out, OSError(problem, os.strerror(problem)))


def nearest_existing(folder: Path) -> Path:
    """Return the folder itself, or the nearest one above it that exists."""
    absolute = Path(os.path.abspath(folder))
    return next(path for path in (absolute, *absolute.parents) if os.path.lexists(path))


def low_space(folder: Path) -> str | None:
    """Return a note if the disk of `folder` is nearly full, else None."""
    try:
        free = shutil.disk_usage(folder).free
    except OSError:
        return None
    if free >= LOW_BYTES:
        return None
    return (
        f"note: only {units.mebibytes(free)} MiB are free on the disk of {folder}: the run pauses "
        "if the disk is full"
    )
