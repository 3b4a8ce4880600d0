"""The labels of the machines in a folder of journals, read fast enough to complete a word."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

#: How a line of a machine begins; other lines are skipped unread.
MACHINE = b'{"entry":"machine"'


def labels_in(folder: Path) -> list[str]:
    """Return the label of every machine in the journals of `folder`, each once.

    An unreadable journal or line is skipped, because a word that is being typed needs no error.
    """
    return list(dict.fromkeys(label for path in _journals(folder) for label in _labels(path)))


def _journals(folder: Path) -> list[Path]:
    try:
        return sorted(folder.glob("*.jsonl"))
    except OSError:
        return []


def _labels(path: Path) -> Iterator[str]:
    try:
        with path.open("rb") as file:
            lines = [line for line in file if line.startswith(MACHINE)]
    except OSError:
        return
    for line in lines:
        try:
            label = json.loads(line)["label"]
        except (ValueError, KeyError, TypeError):
            continue
        if isinstance(label, str):
            yield label
