"""The commands that the documentation shows: every line of shell in it, split into its programs."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PAGES = (
    *(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "SECURITY.md")),
    *sorted((ROOT / "docs").rglob("*.md")),
)

#: A fenced block: its indent, its language and its lines.
BLOCK = re.compile(r"^( *)```([^\n`]*)\n(.*?)^\1```$", re.MULTILINE | re.DOTALL)

#: Languages of blocks that hold commands; blocks in other languages may hold them after a `$ `.
SHELL = {"", "sh", "bash", "console"}

#: What stands between two programs on a line.
BETWEEN = re.compile(r"[|&;()]+")

#: Words of the shell that stand before a program.
BEFORE = {"do"}

#: The beginnings of lines that are commands of ours, also in a block that holds output.
OURS = re.compile(r"(mnist-bench|make|python3? -m mnist_bench[\w.]*) ")


@dataclass(frozen=True)
class Typed:
    """One program with its words, as the line of a page has it; `variables` stand before it."""

    page: str
    line: int
    variables: tuple[str, ...]
    words: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.page}:{self.line} {shlex.join(self.words)}"


def commands() -> list[Typed]:
    """Return every command of every page."""
    return [typed for path in PAGES for typed in of_page(path)]


def of_page(path: Path) -> Iterator[Typed]:
    """Yield the commands of a page in their order."""
    text = path.read_text(encoding="utf-8")
    for block in BLOCK.finditer(text):
        number = text.count("\n", 0, block.start(3)) + 1
        lines = [line.removeprefix(block[1]) for line in block[3].splitlines()]
        for place, line in _shell_lines(lines, block[2].strip()):
            for variables, words in programs(line):
                yield Typed(path.relative_to(ROOT).as_posix(), number + place, variables, words)


def _shell_lines(lines: list[str], language: str) -> Iterator[tuple[int, str]]:
    """Yield the lines that are typed, with their places; a line that goes on is one with the next.

    If some lines begin with a prompt, the others are output. A block without a language holds
    either commands or output, as its first line tells.
    """
    if any(line.startswith("$ ") for line in lines):
        yield from ((at, line[2:]) for at, line in enumerate(lines) if line.startswith("$ "))
    elif language in SHELL and (language or is_command(lines[0])):
        began, whole = 0, ""
        for place, line in enumerate(lines):
            began, whole = (began, f"{whole} {line.strip()}") if whole else (place, line)
            if not whole.rstrip().endswith(("|", "\\")):
                yield began, whole
                whole = ""


#: What the first word of a block of commands may be, beside programs of ours.
FIRST = re.compile(
    r"(mnist-bench|make|python3?|ray|git|cp|less|ssh|kubectl|echo|export|eval|for|PIP_\w+=|\.venv/)\b"
    r"|\. "
)


def is_command(line: str) -> bool:
    """Say whether the first line of a block without a language is a command."""
    return FIRST.match(line) is not None


def programs(line: str) -> Iterator[tuple[tuple[str, ...], tuple[str, ...]]]:
    """Yield the variables and the words of each program on a line of shell, without comments."""
    lexer = shlex.shlex(line, posix=True, punctuation_chars="|&;()")
    lexer.whitespace_split = True
    words: list[str] = []
    for token in [*lexer, ";"]:
        if not BETWEEN.fullmatch(token):
            words.append(token)
            continue
        while words and words[0] in BEFORE:
            del words[0]
        found = 0
        while found < len(words) and re.match(r"[A-Z_]+=", words[found]):
            found += 1
        if words[found:]:
            yield tuple(words[:found]), tuple(words[found:])
        words = []


def commands_in_output() -> list[str]:
    """Return the lines that look like commands of ours, but stand in blocks of output."""
    found = []
    for path in PAGES:
        for block in BLOCK.finditer(path.read_text(encoding="utf-8")):
            lines = [line.removeprefix(block[1]) for line in block[3].splitlines()]
            typed = {place for place, _ in _shell_lines(lines, block[2].strip())}
            if not typed and block[2].strip() in SHELL:
                found += [f"{path.name}: {line}" for line in lines if OURS.match(line)]
    return found
