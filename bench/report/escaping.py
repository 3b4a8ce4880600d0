"""Plain text as Markdown: escaped and wrapped, so that no text from a machine becomes markup."""

from __future__ import annotations

import re
import textwrap

from bench.text import visible

#: Width at which paragraphs are wrapped.
WIDTH = 100

_ENTITIES = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}
#: Backslash, emphasis, code, table cells, strike-through, mathematics.
_ALWAYS = re.compile(r"([\\`*|~$])")
#: A bracket is markup only before one of these: a link, a reference, a definition.
_LINK = re.compile(r"\](?=[(\[:])")
#: An underscore inside a word (`step_p10`) is plain in GitHub's Markdown; at its edge it is not.
_EDGE = re.compile(r"(?<![A-Za-z0-9])_|_(?![A-Za-z0-9])")
_ADDRESS = re.compile(r"(:)(?=//)|(?<=www)(\.)", re.IGNORECASE)
#: What GitHub makes a mention, an issue or a commit of, wherever it stands in a text.
_MENTION = re.compile(r"(@)(?=\w)|(#)(?=\d)|(\bGH-)(?=\d)", re.IGNORECASE)
#: A space of no width, which keeps a mention from being one; a backslash does not.
_NO_SPACE = "&#8203;"
_LINE_START = re.compile(r"^([-+=#]|\d{1,9}(?=[.)](\s|$)))")


def escape(text: str) -> str:
    """Return `text` on one line, without outer space, so that Markdown shows it as it is."""
    line = "".join(_ENTITIES.get(character, character) for character in visible(text))
    line = _ALWAYS.sub(r"\\\1", line)
    line = _LINK.sub(r"\\]", line)
    line = _EDGE.sub(r"\\_", line)
    line = _MENTION.sub(rf"\g<0>{_NO_SPACE}", line)
    return _ADDRESS.sub(r"\\\g<0>", line)


def paragraph(text: str, *, bold: bool = False) -> str:
    """Return `text` escaped and wrapped; no line of it can begin a list, a heading or a rule."""
    escaped = escape(text)
    return "\n".join(_wrapped(f"**{escaped}**" if bold and escaped else escaped, WIDTH))


def bullet(text: str, head: str = "") -> str:
    """Return `text` as an item of a list, after a bold `head` and a colon if there is one."""
    escaped = f"**{escape(head)}**: {escape(text)}" if head else escape(text)
    first, *rest = _wrapped(escaped, WIDTH - 2) or [""]
    return "\n".join([f"- {first}".rstrip(), *(f"  {line}" for line in rest)])


def link(text: str, target: str) -> str:
    """Return a link to a heading of the same page; `text` is the heading."""
    return f"[{escape(text)}](#{target})"


def image(text: str, path: str) -> str:
    """Return an image at a relative `path`; `text`, without brackets, says what it shows."""
    inside = escape(text.translate({ord("["): "(", ord("]"): ")"}))
    return f"![{inside}]({path})"


def anchor(heading: str) -> str:
    """Return the target that GitHub gives a heading."""
    kept = "".join(c for c in heading.lower() if c.isalnum() or c in " -_")
    return kept.strip().replace(" ", "-")


def wrapped(markup: str) -> str:
    """Return text that is markup already, wrapped."""
    return "\n".join(_wrapped(markup, WIDTH))


def _wrapped(escaped: str, width: int) -> list[str]:
    lines = textwrap.wrap(escaped, width, break_long_words=False, break_on_hyphens=False)
    return [_inert(line) for line in lines]


def _inert(line: str) -> str:
    return _LINE_START.sub(
        lambda match: f"{match[1]}\\" if match[1].isdigit() else f"\\{match[1]}", line
    )
