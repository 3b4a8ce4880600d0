"""Keeps one uncompressed copy of a dataset on a machine, for its jobs' child processes."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from bench.errors import DataError
from bench.paths import cache_folder
from mnist_bench.data import Dataset, combined_digest, load_staged, stage


def stage_in_cache(dataset: Dataset) -> Path:
    """Return a staged copy of `dataset`, made now or checked by digest if it is there already.

    It lies in the user's cache folder, or in the temporary folder where that cannot be written.
    Raises DataError where neither can be.
    """
    wanted = combined_digest(dataset.digests)
    temporary = Path(tempfile.gettempdir()) / f"mnist-bench-{os.getuid()}"
    for folder in (cache_folder("mnist-bench"), temporary):
        path = folder / f"{dataset.name}-{wanted[:12]}.npz"
        if _holds(path, wanted):
            return path
        try:
            return stage(dataset, folder)
        except DataError as error:
            failure = error
    raise failure


def _holds(path: Path, wanted: str) -> bool:
    try:
        return combined_digest(load_staged(path)) == wanted
    except DataError:
        return False
