"""The lines of a journal's file as bytes, one at a time, whatever else the file holds."""

from __future__ import annotations

import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from bench.errors import StoreError

#: A longer line is damaged. A job of 20 million steps takes about 100 MB.
MOST_BYTES = 2**28

#: What some programs put before a text in UTF-8 (the byte-order mark).
BYTE_ORDER_MARK = b"\xef\xbb\xbf"

#: What a path is that is no regular file, by its type.
ODD_FILES = {
    stat.S_IFIFO: "a named pipe",
    stat.S_IFDIR: "a folder",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
}


@dataclass(frozen=True)
class TextLine:
    """A line of a file: its number, and its bytes without the line's end.

    `ended` is False for a last line that has no line's end, because it is being written or was cut
    off. `too_long` marks a line of more than MOST_BYTES; its bytes are not kept.
    """

    number: int
    text: bytes
    ended: bool = True
    too_long: bool = False


def odd_kind(path: Path) -> str | None:
    """Return what `path` is if it is no regular file, None if it is one. Raises OSError."""
    mode = path.stat().st_mode
    return None if stat.S_ISREG(mode) else ODD_FILES.get(stat.S_IFMT(mode), "no regular file")


def text_lines(path: Path) -> Iterator[TextLine]:
    """Yield the lines of a file. Raises StoreError if it cannot be read or is no regular file.

    A byte-order mark before the first line is passed over.
    """
    try:
        if kind := odd_kind(path):  # reading a pipe would wait for a writer
            raise StoreError(f"{path} is no journal", seen=kind, next_step="name a .jsonl file")
        with path.open("rb") as file:
            number = 0
            while line := _next_line(file, number := number + 1):
                yield line
    except OSError as error:
        raise StoreError(
            f"cannot read the journal {path}",
            seen=error.strerror or type(error).__name__,
            next_step="check the path",
        ) from error
    except ValueError as error:  # a path with a null byte
        raise StoreError(f"cannot read the journal {path!r}", seen=error) from error


def _next_line(file: BinaryIO, number: int) -> TextLine | None:
    text = file.readline(MOST_BYTES + 1)
    if not text:
        return None
    too_long, ended = len(text) > MOST_BYTES, text.endswith(b"\n")
    while too_long and not ended:
        text = file.readline(MOST_BYTES)
        ended = not text or text.endswith(b"\n")
    if number == 1:
        text = text.removeprefix(BYTE_ORDER_MARK)
    return TextLine(number, b"" if too_long else text.rstrip(b"\r\n"), ended, too_long)
