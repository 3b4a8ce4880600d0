"""Writes docs/reference/: the pages of the manual that are made from the code.

Usage: python -m tools.reference [FOLDER]

`make reference` types this. Without FOLDER, docs/reference/ is written. A test compares the
committed pages with what the code gives, so no page can go stale.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path

from tools import reference_code, reference_columns, reference_commands

TARGET = Path(__file__).resolve().parents[1] / "docs" / "reference"

#: The first line of each page. It says that the page is not to be edited by hand.
MADE = "<!-- Made from the code by `make reference`; changes belong into the code. -->"


def pages() -> Mapping[str, str]:
    """Return the text of each page by its file name."""
    made = {
        "commands.md": reference_commands.commands(),
        "grids.md": reference_code.grids(),
        "axes.md": reference_code.axes(),
        "columns.md": reference_columns.columns(),
        "failures.md": reference_code.failures(),
        "journal.md": reference_code.journal(),
        "facts.md": reference_code.facts(),
    }
    return {name: f"{MADE}\n\n{text.strip()}\n" for name, text in made.items()}


def main(arguments: list[str]) -> int:
    """Write the pages into the folder that `arguments` name; return the exit code."""
    target = Path(arguments[0]) if arguments else TARGET
    target.mkdir(parents=True, exist_ok=True)
    for name, text in pages().items():
        (target / name).write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
