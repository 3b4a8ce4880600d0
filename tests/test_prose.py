"""Texts are plain English: none of the phrases that readers stumbled over comes back.

Each phrase here is wrong wherever it occurs, so a text that
contains it needs another sentence and not an exception.
"""

from __future__ import annotations

import ast
import io
import re
import tokenize
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]

#: Folders and files whose texts are not plain yet; the aim is an empty tuple.
PENDING: tuple[str, ...] = ()

#: Each phrase, and what to write instead.
BANNED = {
    r"\b(?:not|never) had\b(?! to\b)": "unavailable",
    r"\b(?:can|could)(?:not| not)? be had\b|\bto be had\b": "available, unavailable",
    r"\bwith a word\b": "with a note",
    r"\b(?:leaves?|left|puts?) aside\b|\b\w+ aside(?=[:;,.)])": "skipped, or: without X",
    r"\btaken up\b": "continued",
    r"\bof which\b": "repeat the noun, or: whose",
    r"\bnone that\b": "repeat the noun: no job that",
    r"\bthose that\b": "repeat the noun: the jobs that",
    r"\b(?!there\b)\w+ (?:is|are) none\b": "there is no X, or: is not an X",
    r"\b[Ww]here (?:there|none|nobody) (?:is|are|does|cannot|can)\b": "if",
    r"\bNone where\b": "None if",
    r"\b[Rr]aises? \w+ where\b": "raises X if",
    r"\bof its own kind\b": "its own, separate",
    r"\bcannot be told\b(?! apart)": "is unknown",
}
PATTERNS = {re.compile(phrase.replace(" ", r"\s+")): instead for phrase, instead in BANNED.items()}

SOURCES = sorted(
    path for name in ("bench", "mnist_bench", "examples") for path in (ROOT / name).rglob("*.py")
)
DOCUMENTS = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def is_pending(path: Path) -> bool:
    return name_of(path).startswith(PENDING)


def source_texts(source: str) -> Iterator[tuple[int, str]]:
    """Yield (line, text) of each block of comments and of each string of a module.

    Comments on successive lines are one text. Parts of an f-string are joined with `...`.
    """
    comments: list[tuple[int, str]] = []
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.COMMENT:
            text = token.string.lstrip("#: ")
            if comments and token.start[0] == comments[-1][0] + comments[-1][1].count("\n") + 1:
                line, before = comments.pop()
                text = f"{before}\n{text}"
                comments.append((line, text))
            else:
                comments.append((token.start[0], text))
    yield from comments
    tree = ast.parse(source)
    joined = [node for node in ast.walk(tree) if isinstance(node, ast.JoinedStr)]
    for node in joined:
        yield node.lineno, "".join(text_of(value) for value in node.values)
    parts = {id(value) for node in joined for value in node.values}
    for constant in (node for node in ast.walk(tree) if isinstance(node, ast.Constant)):
        if isinstance(constant.value, str) and id(constant) not in parts:
            yield constant.lineno, constant.value


def text_of(value: ast.expr) -> str:
    return str(value.value) if isinstance(value, ast.Constant) else "..."


def texts(path: Path) -> Iterator[tuple[int, str]]:
    """Yield (line, text) of a Python file's texts, or of a document's paragraphs without code."""
    content = path.read_text(encoding="utf-8")
    if path.suffix == ".py":
        yield from source_texts(content)
        return
    line = 1
    for number, part in enumerate(re.split(r"^```", content, flags=re.MULTILINE)):
        if number % 2 == 0:
            yield line, part
        line += part.count("\n")


def offences(path: Path) -> list[str]:
    """Return a message for each banned phrase in a file's texts, also across line breaks."""
    messages = []
    for line, text in texts(path):
        for pattern, instead in PATTERNS.items():
            for match in pattern.finditer(text):
                at = line + text[: match.start()].count("\n")
                phrase = " ".join(match[0].split())
                messages.append(f"{name_of(path)}:{at}: {phrase!r}; write instead: {instead}")
    return messages


@pytest.mark.parametrize("path", [*SOURCES, *DOCUMENTS], ids=name_of)
def test_no_text_holds_a_phrase_that_is_hard_to_read(path: Path) -> None:
    if is_pending(path):
        pytest.skip("this text is still to be rewritten (PENDING)")
    assert offences(path) == []


#: A document of this repository that a source names, and perhaps one of its sections.
CITATION = re.compile(r'\b((?:docs/)?[\w/-]+\.md)\b(?:,\s+"([^"]+)")?')
#: Documents that the program writes for a user, and the places of documents named by file only.
WRITTEN = {"summary.md", "summary.es.md"}
PLACES = (ROOT, ROOT / "docs", ROOT / "docs" / "reference")


def lost_citations(text: str) -> list[str]:
    """Return the documents and sections that a text names and that do not exist."""
    lost = []
    for name, section in CITATION.findall(" ".join(text.split())):
        found = [place / name for place in PLACES if (place / name).is_file()]
        if not found:
            lost += [name] if name not in WRITTEN else []
        elif section:
            headings = re.findall(r"^#+ (.+)$", found[0].read_text(encoding="utf-8"), re.MULTILINE)
            lost += [f'{name}, "{section}"'] if section not in headings else []
    return lost


@pytest.mark.parametrize("path", SOURCES, ids=name_of)
def test_documents_that_a_source_names_exist(path: Path) -> None:
    assert [lost for _, text in texts(path) for lost in lost_citations(text)] == []


@pytest.mark.parametrize(
    ("text", "lost"),
    [
        ('see docs/statistics.md, "The\n    formulas"', []),
        ('see docs/statistics.md, "The estimator"', ['docs/statistics.md, "The estimator"']),
        ("DESIGN.md gives the order", ["DESIGN.md"]),
        ("it is written into summary.md", []),
    ],
)
def test_a_citation_of_what_does_not_exist_is_found(text: str, lost: list[str]) -> None:
    assert lost_citations(text) == lost


def test_whatever_is_pending_still_needs_a_rewrite() -> None:
    """A folder without banned phrases leaves the list, so that no phrase comes back."""
    files = [*SOURCES, *DOCUMENTS]
    done = [
        name
        for name in PENDING
        if not any(offences(path) for path in files if name_of(path).startswith(name))
    ]
    assert done == []


def test_phrases_are_found_in_docstrings_comments_and_f_strings() -> None:
    docstring, comment = '"""A journal,\nor none\nthat is."""', "# the types of\n# which one is"
    source = f'{docstring}\n{comment}\nx = f"{{1}} not had"\n'
    caught = {
        text: sum(bool(pattern.search(text)) for pattern in PATTERNS)
        for _, text in source_texts(source)
    }
    assert list(caught.values()) == [1, 1, 1]


@pytest.mark.parametrize("text", ["it has not had to wait", "and they are not there", "set aside"])
def test_plain_phrases_are_not_banned(text: str) -> None:
    assert [pattern for pattern in PATTERNS if pattern.search(text)] == []
