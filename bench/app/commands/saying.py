"""Prints a line of a command that may quote what someone else wrote."""

from __future__ import annotations

from bench.text import printable


def say(line: str) -> None:
    """Print `line` without what could control the terminal."""
    print(printable(line))
