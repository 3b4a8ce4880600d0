"""Reads a file that someone else wrote: not more than a limit, and UTF-8 text alone."""

from __future__ import annotations

import codecs
from pathlib import Path

from bench.errors import OutsideError

#: The most bytes of a file that a user writes by hand: a grid, prices, a cluster file.
MOST_WRITTEN = 512 * 1024

#: The most bytes of a file that a program wrote: a request, a record.
MOST_MADE = 256 * 1024 * 1024


def read_bytes(path: Path, most: int = MOST_MADE) -> bytes:
    """Return what the file holds.

    Raises OutsideError if it cannot be read, or if it holds more than `most` bytes.
    """
    try:
        with open(path, "rb") as file:
            content = file.read(most + 1)
    except (OSError, ValueError) as error:  # ValueError: a name that no file can have
        raise OutsideError(getattr(error, "strerror", None) or str(error)) from error
    if len(content) > most:
        raise OutsideError(f"it is larger than {most // 1024} KiB")
    return content


def read_text(path: Path, most: int = MOST_WRITTEN) -> str:
    """Return the text of the file, without a byte-order mark. Raises OutsideError."""
    return as_text(read_bytes(path, most))


def as_text(content: bytes) -> str:
    """Return UTF-8 as text, without a byte-order mark. Raises OutsideError for other bytes."""
    try:
        return content.removeprefix(codecs.BOM_UTF8).decode("utf-8")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise OutsideError(f"line {line}: it is not UTF-8 text") from error
