"""The tables of a document: each stands between two markers, and a new one replaces the old."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

from shares import Table


def markers(name: str) -> tuple[str, str]:
    """Return the lines before and after a table."""
    return f"<!-- evidence:{name} -->", f"<!-- /evidence:{name} -->"


def renewed(text: str, tables: Iterable[Table]) -> str:
    """Return the document with new tables between their markers.

    Raises ValueError if a table has no place in it.
    """
    for table in tables:
        begin, end = markers(table.name)
        pattern = re.compile(f"{re.escape(begin)}.*?{re.escape(end)}", re.DOTALL)
        new = f"{begin}\n{table.markdown}\n{end}"
        text, count = pattern.subn(lambda _, new=new: new, text)
        if count != 1:
            raise ValueError(f"{count} places for the table {table.name}; its marker is {begin}")
    return text


def renew(path: Path, tables: Iterable[Table]) -> None:
    """Replace the tables of the document at `path`. Raises what `renewed` raises."""
    path.write_text(renewed(path.read_text(encoding="utf-8"), tables), encoding="utf-8")
