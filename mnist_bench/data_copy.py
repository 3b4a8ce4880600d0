"""Keeps one uncompressed copy of a dataset on a machine for the child processes of its jobs."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from bench.errors import DataError
from bench.paths import cache_folder
from mnist_bench.data import MnistData, combined_digest, load_copy, write_copy


def cached_copy(dataset: MnistData) -> Path:
    """Return the path of a copy of `dataset`: an old copy with the right digest, or a new one.

    It is in the user's cache folder, or in the temporary folder if the cache folder is not
    writable. Raises DataError if neither folder is writable.
    """
    wanted = combined_digest(dataset.digests)
    temporary = Path(tempfile.gettempdir()) / f"mnist-bench-{os.getuid()}"
    for folder in (cache_folder("mnist-bench"), temporary):
        path = folder / f"{dataset.name}-{wanted[:12]}.npz"
        if _holds(path, wanted):
            return path
        try:
            return write_copy(dataset, folder)
        except DataError as error:
            failure = error
    raise failure


def _holds(path: Path, wanted: str) -> bool:
    try:
        return combined_digest(load_copy(path)) == wanted
    except DataError:
        return False
