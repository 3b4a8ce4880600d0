"""What a training ended in: the digest of its arrays, and whether its numbers are finite."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from bench.errors import DivergedError

Arrays = Sequence[npt.NDArray[Any]]


def check_finite(metrics: Mapping[str, float], weights: Arrays) -> None:
    """Raise DivergedError if a metric or a weight is not finite."""
    for name, value in metrics.items():
        if not np.isfinite(value):
            raise DivergedError("the training diverged", seen=f"{name} is {value:g}")
    if any(not np.isfinite(array).all() for array in weights):
        raise DivergedError("the training diverged", seen="weights that are not finite")


def arrays_digest(arrays: Arrays) -> str:
    """Return the SHA-256 of the arrays' shapes and little-endian bytes, in order.

    Floating-point arrays are digested as float32 and integers as int32, so that a digest does not
    depend on the width that a framework uses.
    """
    digest = hashlib.sha256()
    for array in arrays:
        kind = "<f4" if np.issubdtype(array.dtype, np.floating) else "<i4"
        digest.update(str(tuple(array.shape)).encode())
        digest.update(np.ascontiguousarray(array, dtype=kind).tobytes())
    return digest.hexdigest()
