"""Checks the words of a command line before anything reads them."""

from __future__ import annotations

from collections.abc import Sequence

from bench.errors import OutsideError

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
        try:
            word.encode("utf-8")
        except UnicodeEncodeError:
            raise OutsideError(
                f"word {place} of the command line is not UTF-8 text",
                seen=word.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace"),
                next_step="write it in UTF-8",
            ) from None
