"""Checks the words of a command line, and the paths that a run hands on, before their use."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from bench.errors import OutsideError, RequestError

#: The most characters of one word: longer than any path or list that a user types.
MOST_CHARACTERS = 32 * 1024


def check_words(words: Sequence[str]) -> None:
    """Raise OutsideError for the first word that is not UTF-8, or that is too long.

    A file name that is not UTF-8 is refused too: a journal could not hold the command.
    """
    for place, word in enumerate(words, start=1):
        if len(word) > MOST_CHARACTERS:
            raise OutsideError(
                f"word {place} of the command line is longer than {MOST_CHARACTERS} characters",
                seen=f"{word[:40]}...",
                next_step="put a long list into a grid file: docs/grids.md",
            )
        if not _is_utf8(word):
            raise OutsideError(
                f"word {place} of the command line is not UTF-8 text",
                seen=_shown(word),
                next_step="write it in UTF-8",
            )


def check_path(what: str, path: str | Path) -> None:
    """Raise RequestError if a job description could not hold the path of `what`.

    The words of the command line are checked before, but the folder in which the command is given,
    the home and the temporary folder add names of their own.
    """
    if not _is_utf8(os.fspath(path)):
        raise RequestError(
            f"the path of {what} is not UTF-8 text",
            seen=_shown(os.fspath(path)),
            next_step="use a folder with a name in UTF-8",
        )


def _is_utf8(text: str) -> bool:
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


def _shown(text: str) -> str:
    """Return a text with each byte that is not UTF-8 as `\\xfc`."""
    return text.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
