"""Faked roots for tests: files by their absolute names, and what the machine answers."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from bench.probe.root import Answers, Root


def faked_root(folder: Path, files: Mapping[str, object] = {}, **answers: Any) -> Root:
    """Write `files` below `folder`, each with a line end, and return the root of the machine."""
    for name, text in files.items():
        path = folder / name.lstrip("/")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"{text}\n")
    return Root(folder, Answers(**answers))
