"""The seal of a journal's line: its number among the lines of its run, and a checksum.

The seal ends the JSON object of the line: `..., "line":7,"crc32":"0123abcd"}`. The checksum is the
CRC-32 that gzip and PNG use, over all bytes before `,"crc32"`. It finds every flipped bit and every
damage within 32 bits for certain, and any other damage but one in four billion.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel

#: The keys that a seal adds to a line.
KEYS = ("line", "crc32")

_SEAL = re.compile(rb',"line":(\d{1,9}),"crc32":"([0-9a-f]{8})"\}')
#: Bytes that a seal takes at most.
_LONGEST = len(b',"line":123456789,"crc32":"01234567"}')


@dataclass(frozen=True)
class Seal:
    """The seal that ends a line: the number of the line, and whether the checksum is right."""

    count: int
    holds: bool


def sealed(document: str, count: int) -> bytes:
    """Return a JSON object with its seal and the end of the line."""
    body = f'{document.removesuffix("}")},"line":{count}'.encode()
    return b'%b,"crc32":"%08x"}\n' % (body, zlib.crc32(body))


def sealed_lines(lines: Iterable[BaseModel]) -> Iterator[bytes]:
    """Yield the lines of a new journal, the header first."""
    for count, line in enumerate(lines, start=1):
        yield sealed(line.model_dump_json(), count)


def seal_of(text: bytes) -> Seal | None:
    """Return the seal at the end of a line; None if it has none."""
    found = _SEAL.search(text, max(0, len(text) - _LONGEST))
    if found is None or found.end() != len(text):
        return None
    return Seal(int(found[1]), _holds(text, 0, found))


def without_seal(document: dict[str, Any]) -> dict[str, Any]:
    """Return a line's JSON object without the keys of its seal; the object itself is used up."""
    for key in KEYS:
        document.pop(key, None)
    return document


def whole_parts(text: bytes) -> list[bytes]:
    """Return the whole lines within a damaged one.

    If the end of a line is damaged, the line and its neighbour look like one line. Both are whole.
    """
    parts, begin = [], 0
    for found in _SEAL.finditer(text):
        if _holds(text, begin, found):
            parts.append(text[begin : found.end()])
        begin = found.end() + 1  # behind the damaged end of the line
    return parts


def _holds(text: bytes, begin: int, seal: re.Match[bytes]) -> bool:
    body = memoryview(text)[begin : seal.end(1)]
    return zlib.crc32(body) == int(seal[2], 16)
