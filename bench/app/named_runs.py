"""The runs that a command was given: of journals, of folders, or of the folder of reports."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from bench.app.folder_runs import FolderRuns, runs_of
from bench.app.only import only
from bench.app.out_folder import journals_in, journals_of
from bench.errors import MEASURE_FIRST, RequestError, StoreError
from bench.record.journal import find_journals, read_runs


def named_runs(journals: Sequence[Path], out: Path) -> list[FolderRuns]:
    """Return the runs of each journal or folder in turn; without any, of the folder of reports.

    Raises StoreError if a journal that was named cannot be read, and RequestError if a folder holds
    no journal. A journal of a folder that is unreadable or of another workload is left out.
    """
    default = not journals
    return [
        _read_folder(path, default)
        if default or os.path.isdir(path)
        else FolderRuns(read_runs(path))
        for path in journals or (out,)
    ]


def chosen_runs(journals: Sequence[Path], out: Path, names: Sequence[str]) -> FolderRuns:
    """Return the runs of all journals and folders together, with the named machines alone.

    `names` are as in `only`. Raises what `named_runs` and `only` raise.
    """
    found = named_runs(journals, out)
    runs = only([run for one in found for run in one.runs], names)
    return FolderRuns(tuple(runs), tuple(journal for one in found for journal in one.left_out))


def _read_folder(folder: Path, default: bool) -> FolderRuns:
    inner = journals_in(folder)
    paths = find_journals(inner) if default else journals_of(folder)
    if not paths:
        raise RequestError(
            "there is no journal yet" if default else "there is no journal in this folder",
            seen=inner if default else folder,
            next_step=MEASURE_FIRST if default else "name a .jsonl file",
        )
    found = runs_of(paths)
    if not found.runs:
        raise StoreError(
            f"no journal in {paths[0].parent} can be read",
            seen="; ".join(f"{one.name}: {one.reason}" for one in found.left_out),
            next_step="name another folder, or measure again",
        )
    return found
