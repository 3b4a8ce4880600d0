"""Reads and writes the four arrays as npz files, every fault a DataError in words."""

from __future__ import annotations

import io
import tempfile
import zipfile
from pathlib import Path

import numpy as np

from bench.errors import DataError
from mnist_bench.synthetic import Arrays


def read_path(path: Path, where: str) -> Arrays:
    """Read the four arrays of an npz on disk; raises DataError that starts with `where`."""
    try:
        with path.open("rb") as file:
            return read_npz(file, where)
    except (OSError, ValueError) as error:  # ValueError: a name that no file can have
        raise DataError(f"{where} cannot be read: {reason(error)}") from error


def read_npz(file: io.BufferedIOBase, where: str) -> Arrays:
    """Read the four arrays of an npz; raises DataError (what it holds) or OSError (the disk)."""
    if file.read(4) != b"PK\3\4" or not zipfile.is_zipfile(file):
        raise DataError(f"{where} is not an npz file, or is cut short")
    file.seek(0)
    try:
        npz = np.load(file, allow_pickle=False)
    except Exception as error:  # zipfile raises of many kinds on a directory with flipped bits
        raise DataError(f"{where} is no sound npz file: {reason(error)}") from error
    with npz:
        return Arrays(*(_read_member(npz, name, where) for name in Arrays._fields))


def _read_member(npz: np.lib.npyio.NpzFile, name: str, where: str) -> np.ndarray:
    """Read one array of an npz; raises DataError if it is missing, broken or no array at all."""
    if name not in npz.files:
        raise DataError(f"{where} has no array {name}", seen=", ".join(npz.files))
    try:
        array = npz[name]
    except Exception as error:  # zlib, zipfile and numpy raise of many kinds on flipped bits
        raise DataError(f"{where}: array {name} is broken: {reason(error)}") from error
    if not isinstance(array, np.ndarray):
        raise DataError(f"{where}: {name} is not an array", seen=type(array).__name__)
    return np.ascontiguousarray(array)


def write_npz(arrays: Arrays, path: Path) -> None:
    """Write an uncompressed npz under a temporary name, then rename it; raises OSError."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=path.parent, prefix=".writing-") as scratch:
        unfinished = Path(scratch) / path.name
        np.savez(unfinished, **arrays._asdict())
        unfinished.replace(path)


def reason(error: Exception) -> str:
    """Return an error in a few words, without the path that its message may repeat."""
    return getattr(error, "strerror", None) or str(error) or type(error).__name__
