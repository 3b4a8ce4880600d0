"""What the fuzz asks of a message: one short line, in which every character is seen."""

from __future__ import annotations

from bench.text import printable

#: The most characters of a message, which quotes an input and names what is wrong.
MOST = 1000


class Fault(Exception):
    """The program has said or done what no input may cause."""


def check_message(text: str) -> None:
    """Raise Fault if an error's text is empty, too long, of several lines or not printable."""
    if not text.strip():
        raise Fault("the message is empty")
    if len(text) > MOST:
        raise Fault(f"the message has {len(text)} characters: {text[:200]!r}")
    if "\n" in text or printable(text) != text:
        raise Fault(f"a character that is not seen stands in the message: {text!r}")


def check_output(text: str) -> None:
    """Raise Fault if a character that could control a terminal stands in what is printed."""
    for line in text.split("\n"):
        if printable(line.replace("\t", " ")) != line.replace("\t", " "):
            raise Fault(f"a character that is not seen is printed: {line[:400]!r}")
