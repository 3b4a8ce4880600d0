"""Reads and writes the four arrays as npz files; every faulty file gives a DataError."""

from __future__ import annotations

import io
import math
import tempfile
import zipfile
from pathlib import Path

import numpy as np

from bench.errors import DataError
from mnist_bench.synthetic import Arrays

#: The most bytes of the arrays together: MNIST has 55 MB.
MOST_BYTES = 256 * 2**20


def read_path(path: Path, place: str) -> Arrays:
    """Read the four arrays of an npz on disk; raises DataError that starts with `place`."""
    try:
        with path.open("rb") as file:
            return read_npz(file, place)
    except (OSError, ValueError) as error:  # ValueError: an impossible file name
        raise DataError(f"{place} cannot be read: {reason(error)}") from error


def read_npz(file: io.BufferedIOBase, place: str) -> Arrays:
    """Read the four arrays of an npz; raises DataError (what it holds) or OSError (the disk)."""
    if file.read(4) != b"PK\3\4" or not zipfile.is_zipfile(file):
        raise DataError(f"{place} is not an npz file, or it is truncated")
    file.seek(0)
    try:
        npz = np.load(file, allow_pickle=False)
    except Exception as error:  # flipped bits make zipfile raise many kinds of errors
        raise DataError(f"{place} is not a valid npz file: {reason(error)}") from error
    with npz:
        _check_sizes(npz, place)
        return Arrays(*(_read_member(npz, name, place) for name in Arrays._fields))


def _check_sizes(npz: np.lib.npyio.NpzFile, place: str) -> None:
    """Raise DataError if the file would take more memory than any set of these arrays does.

    A zip of a few MB may say that it holds many GB, and so may the header of an array in it.
    """
    assert npz.zip is not None, "the file is open"
    if sum(member.file_size for member in npz.zip.infolist()) > MOST_BYTES:
        raise DataError(f"{place} holds more than {MOST_BYTES // 2**20} MiB of arrays")
    for name in Arrays._fields:
        if f"{name}.npy" in npz.zip.namelist():
            try:
                bytes_ = _declared_bytes(npz.zip, f"{name}.npy")
            except Exception as error:  # a broken header raises many kinds of errors
                raise DataError(f"{place}: array {name} is broken: {reason(error)}") from error
            if bytes_ > MOST_BYTES:
                raise DataError(f"{place}: array {name} is too large", seen=f"{bytes_} bytes")


def _declared_bytes(archive: zipfile.ZipFile, member: str) -> int:
    """Return the bytes that an array has by its own header."""
    with archive.open(member) as file:
        version = np.lib.format.read_magic(file)
        reads = {
            (1, 0): np.lib.format.read_array_header_1_0,
            (2, 0): np.lib.format.read_array_header_2_0,
        }
        shape, _, dtype = reads[version](file)
    return math.prod(shape) * dtype.itemsize


def _read_member(npz: np.lib.npyio.NpzFile, name: str, place: str) -> np.ndarray:
    """Read one array of an npz; raises DataError if it is missing, broken or not an array."""
    if name not in npz.files:
        raise DataError(f"{place} has no array {name}", seen=", ".join(npz.files))
    try:
        array = npz[name]
    except Exception as error:  # flipped bits make zlib, zipfile and numpy raise many kinds
        raise DataError(f"{place}: array {name} is broken: {reason(error)}") from error
    if not isinstance(array, np.ndarray):
        raise DataError(f"{place}: {name} is not an array", seen=type(array).__name__)
    return np.ascontiguousarray(array)


def write_npz(arrays: Arrays, path: Path) -> None:
    """Write an uncompressed npz under a temporary name, then rename it; raises OSError."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=path.parent, prefix=".writing-") as scratch:
        unfinished = Path(scratch) / path.name
        np.savez(unfinished, **arrays._asdict())
        unfinished.replace(path)


def reason(error: Exception) -> str:
    """Return a short text for an error, without the path that its message may repeat."""
    return getattr(error, "strerror", None) or str(error) or type(error).__name__
