"""Reads a file that someone else wrote: not more than a limit, and UTF-8 text alone."""

from __future__ import annotations

import codecs
from pathlib import Path
from typing import BinaryIO

from bench.errors import OutsideError

#: The most bytes of a file that a user writes by hand: a grid, prices, a cluster file.
MOST_WRITTEN = 512 * 1024

#: The most bytes of what describes one machine or one job, or answers one question.
MOST_TOLD = 4 * 1024 * 1024

#: The most bytes of a request, which holds all jobs of a run.
MOST_REQUESTED = 64 * 1024 * 1024

#: The most bytes of what a job leaves: a record holds a row for each of its epochs.
MOST_MADE = 256 * 1024 * 1024


def read_bytes(path: Path, most: int = MOST_MADE) -> bytes:
    """Return what the file holds.

    Raises OutsideError if it cannot be read, or if it holds more than `most` bytes.
    """
    try:
        file = open(path, "rb")  # noqa: SIM115  closed below
    except (OSError, ValueError) as error:  # ValueError: a name that no file can have
        raise OutsideError(getattr(error, "strerror", None) or str(error)) from error
    with file:
        return read_stream(file, most)


def read_stream(stream: BinaryIO, most: int = MOST_MADE) -> bytes:
    """Return what is left of a stream, such as standard input.

    Raises OutsideError if it cannot be read, or if it holds more than `most` bytes.
    """
    try:
        content = stream.read(most + 1)
    except OSError as error:
        raise OutsideError(error.strerror or str(error)) from error
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
