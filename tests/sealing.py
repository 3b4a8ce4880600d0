"""Journals that a test changes: lines with right checksums, so that the change is no damage."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from bench.record.seal import sealed, sealed_lines, without_seal


def write_sealed(path: Path, lines: Iterable[BaseModel]) -> Path:
    """Write a journal of some lines, the header first."""
    path.write_bytes(b"".join(sealed_lines(lines)))
    return path


def documents(path: Path) -> list[dict[str, Any]]:
    """Return the lines of a journal as JSON objects without their seals."""
    return [without_seal(json.loads(line)) for line in path.read_text("utf-8").splitlines()]


def write_documents(path: Path, lines: Iterable[dict[str, Any]]) -> Path:
    """Write lines that `documents` returned, with their seals."""
    texts = [json.dumps(line, separators=(",", ":"), ensure_ascii=False) for line in lines]
    path.write_bytes(b"".join(sealed(text, count) for count, text in enumerate(texts, start=1)))
    return path


def changed(path: Path, change: Callable[[str], str]) -> Path:
    """Change the text of a journal as a program would have written it."""
    texts = [
        json.dumps(line, separators=(",", ":"), ensure_ascii=False) for line in documents(path)
    ]
    lines = change("\n".join(texts) + "\n").splitlines()
    path.write_bytes(b"".join(sealed(text, count) for count, text in enumerate(lines, start=1)))
    return path


def cut_last_record(path: Path) -> None:
    """Cut a journal off before its last record, as a killed run leaves it."""
    lines = path.read_bytes().splitlines(keepends=True)
    last = max(place for place, line in enumerate(lines) if line.startswith(b'{"entry":"record"'))
    path.write_bytes(b"".join(lines[:last]))
