"""Markdown for the pages of the reference: tables, and texts that stand in them."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterable, Sequence


def cell(text: object) -> str:
    """Return a text as a cell of a table: on one line, without markup by accident."""
    words = " ".join(str(text).split())
    parts = re.split(r"(`[^`]*`)", words)  # code needs no escape but of the bar
    escaped = (part if part.startswith("`") else plain(part) for part in parts)
    return "".join(escaped).replace("|", "\\|")


def plain(text: str) -> str:
    """Return a text without characters that Markdown or HTML would read as markup."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace("*", "\\*").replace("_", "\\_")


def code(text: object) -> str:
    """Return a text as code; an empty one stays empty."""
    return f"`{text}`" if str(text) else ""


def table(heads: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Return a table; a column without any text is left out."""
    cells = [[cell(value) for value in row] for row in rows]
    kept = [place for place in range(len(heads)) if any(row[place] for row in cells)]
    lines = [[heads[place] for place in kept], ["---"] * len(kept)]
    lines += [[row[place] for place in kept] for row in cells]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def page(*parts: str) -> str:
    """Return paragraphs, tables and headings with an empty line between them."""
    return "\n\n".join(_folded(part.strip("\n")) for part in parts if part)


def _folded(part: str) -> str:
    """Return paragraphs on lines that are not too long; anything else as it is."""
    if part.startswith(("|", "#", "```")):
        return part
    return "\n\n".join(
        textwrap.fill(one, 115, break_long_words=False, break_on_hyphens=False)
        for one in part.split("\n\n")
    )
