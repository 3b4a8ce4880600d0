"""The labels of the machines in journals, read fast enough to complete a word."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from pathlib import Path

from bench.app.out_folder import journals_of
from bench.errors import OutsideError, StoreError
from bench.outside.documents import parse_object
from bench.record.text_lines import text_lines

#: How a line of a machine begins; other lines are skipped unread.
MACHINE = b'{"entry":"machine"'


def labels_in(places: Iterable[Path]) -> list[str]:
    """Return the label of every machine in some journals or folders of them, each once.

    An unreadable journal or line is skipped, because a word that is being typed needs no error.
    """
    paths = (path for place in places for path in _journals(place))
    return list(dict.fromkeys(label for path in paths for label in _labels(path)))


def _journals(place: Path) -> list[Path]:
    try:
        if not os.path.isdir(place):
            return [place]
        return journals_of(place)
    except OSError:
        return []


def _labels(path: Path) -> Iterator[str]:
    try:
        lines = [line.text for line in text_lines(path) if line.text.startswith(MACHINE)]
    except StoreError:
        return
    for line in lines:
        try:
            label = parse_object(line)["label"]
        except (OutsideError, KeyError):
            continue
        if isinstance(label, str):
            yield label
