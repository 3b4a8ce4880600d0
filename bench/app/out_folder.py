"""The folder into which a run writes: its journals, and the look whether it can be written."""

from __future__ import annotations

import tempfile
from pathlib import Path

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
