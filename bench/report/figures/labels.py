"""Texts from machines as labels of a chart: one line, short, safe, and each of them unlike."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable

#: The characters of a label, whose end often tells most: `..., 2 CPUs [3]`.
WIDTH = 40


def label(text: str, width: int = WIDTH) -> str:
    """Return `text` on one line, without control characters, cut in its middle to `width`.

    Marks that turn the direction of writing are control characters: in a label, they would move
    the text of its neighbours.
    """
    line = " ".join(
        "".join(
            character if unicodedata.category(character)[0] != "C" else " " for character in text
        ).split()
    )
    if len(line) <= width:
        return line or "?"
    tail = (width - 1) // 2
    return f"{line[: width - 1 - tail]}…{line[-tail:]}"


def labels(names: Iterable[str], width: int = WIDTH) -> dict[str, str]:
    """Return the label of each name; a label that is taken is numbered."""
    found: dict[str, str] = {}
    for name in names:
        if name not in found:
            wanted = free = label(name, width)
            number = 1
            while free in found.values():
                number += 1
                free = f"{wanted} ({number})"
            found[name] = free
    return found
