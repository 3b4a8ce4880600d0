"""Makes messages and text from other machines short, safe to print and plain to read."""

from __future__ import annotations

import difflib
import re
import unicodedata
from collections.abc import Iterable, Sequence

from pydantic import ValidationError

#: A line of an error message is cut off after this many characters.
LINE_LIMIT = 300

#: A message is cut off after this many characters, and a word of it that is longer than a line
#: after this many.
MESSAGE_LIMIT, WORD_LIMIT = 2 * LINE_LIMIT, 100

#: How alike two short words are if one of them may be a slip: `gpu` and `gap` are no such words.
ALIKE = 0.7

#: Unicode's categories of characters that are not seen, apart from the space.
_ODD = {"Cc", "Cf", "Cs", "Co", "Zl", "Zp"}


def first_line(error: BaseException) -> str:
    """Return the first non-blank line of an error's message; if there is none, its type."""
    lines = (line for line in _message(error).splitlines() if line.strip())
    return next(lines, type(error).__name__)[:LINE_LIMIT]


def _message(error: BaseException) -> str:
    try:
        return str(error)
    except Exception:  # the text of a library's exception may fail too
        return ""


def type_and_line(error: BaseException) -> str:
    """Return an error's type and the first line of its message: `ValueError: not a number`."""
    name, line = type(error).__name__, first_line(error)
    return name if line == name else f"{name}: {line}"


def first_problem(error: ValidationError) -> str:
    """Return the first problem that pydantic found, with its place: `seeds.0: too small`.

    A problem of the whole document has no place. A place and a message that an outside text has
    made long are cut.
    """
    first = error.errors(include_url=False)[0]
    place = ".".join(map(str, first["loc"]))[:LINE_LIMIT]
    message = re.sub(r" or instance of \w+$", "", first["msg"])[:LINE_LIMIT]  # a name of our own
    return f"{place}: {message}" if place else message


def printable(text: str) -> str:
    """Return `text` with each character that could control a terminal as its code point.

    Control and direction characters could rewrite a terminal or reorder a line.
    """
    if text.isascii() and text.isprintable():  # as a rule
        return text
    return "".join(
        f"U+{ord(character):04X}" if unicodedata.category(character) in _ODD else character
        for character in text
    )


def shortened(text: str) -> str:
    """Return `text` as a part of a message: `...` stands for the rest of what is too long.

    A long word is cut first, so that what a message says after a value that it quotes is kept.
    """
    short = re.sub(rf"\S{{{LINE_LIMIT},}}", lambda long: f"{long[0][:WORD_LIMIT]}...", text)
    return short if len(short) <= MESSAGE_LIMIT else f"{short[:MESSAGE_LIMIT]}..."


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Return a question that offers the known word nearest to `word`; empty if none is near."""
    near = difflib.get_close_matches(word, list(known), n=1)
    return f"did you mean {near[0]}? " if near else ""


def is_near_miss(word: str, known: str) -> bool:
    """Say whether `word` may be a slip of the finger for a `known` word, or its beginning."""
    if sorted(word) == sorted(known) or (len(word) > 2 and known.startswith(word)):
        return True
    return difflib.SequenceMatcher(None, word, known).ratio() >= ALIKE


def counted(number: int, one: str, several: str = "") -> str:
    """Return `1 sitting` or `2 sittings`; `several` is the plural if it needs more than an s."""
    return f"{number} {one if number == 1 else several or f'{one}s'}"


def listed(names: Sequence[str], most: int) -> str:
    """Return the first `most` names, and the number of the others: `a, b and 3 more`."""
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more


def visible(text: str) -> str:
    """Return `text` on one line, without outer space, each odd character as its code point."""
    return printable(" ".join(text.split()))
