"""What the page holds beside the tables and figures of a report."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

#: What a row of a table is about, as attributes of its line that the script reads.
About = Callable[[Mapping[str, Any]], Mapping[str, str]]


@dataclass(frozen=True)
class Page:
    """The content of the script, the chips, and what the rows of tables are about.

    `content` are plain JSON values. A chip is its name, its figure and the name of the table that
    tells more. `note` is a sentence about what the charts leave out.
    """

    content: Mapping[str, Any]
    chips: tuple[tuple[str, str, str], ...]
    about: About
    note: str = ""
