"""Downloads the arrays of MNIST from a mirror, within a deadline."""

from __future__ import annotations

import io
import queue
import threading
import time
import urllib.request
import zlib
from http.client import HTTPException

import numpy as np

from bench.errors import DataError
from mnist_bench.npz import read_npz, reason
from mnist_bench.synthetic import Arrays

IDX_FILES: dict[str, str] = {
    "x_train": "train-images-idx3-ubyte.gz",
    "y_train": "train-labels-idx1-ubyte.gz",
    "x_test": "t10k-images-idx3-ubyte.gz",
    "y_test": "t10k-labels-idx1-ubyte.gz",
}

# An address that ends in '/' is a folder of IDX files; any other is a file in Keras's layout.
MIRRORS: tuple[str, ...] = (
    "https://storage.googleapis.com/tensorflow/tf-keras-datasets/mnist.npz",
    "https://ossci-datasets.s3.amazonaws.com/mnist/",
)
CONNECT_TIMEOUT_S = 5.0
DOWNLOAD_TIMEOUT_S = 60.0  # for all mirrors together
DOWNLOAD_LIMIT_BYTES = 100_000_000  # MNIST has 11 MB compressed and 55 MB uncompressed


def fetch(mirror: str, deadline: float) -> Arrays:
    """Return the arrays that `mirror` serves, without checking their digests.

    `deadline` is in monotonic seconds. Raises DataError if the download fails.
    """
    if mirror.endswith("/"):
        contents = {name: _get(mirror + file, deadline) for name, file in IDX_FILES.items()}
        return Arrays(**{name: _read_idx(c, name, mirror) for name, c in contents.items()})
    return read_npz(io.BytesIO(_get(mirror, deadline)), mirror)


def _read_idx(content: bytes, name: str, place: str) -> np.ndarray:
    """Read a gzipped IDX file of uint8 (yann.lecun.com/exdb/mnist); raises DataError if broken."""
    try:
        gzipped = zlib.decompressobj(wbits=31)
        raw = gzipped.decompress(content, DOWNLOAD_LIMIT_BYTES)
        if not gzipped.eof:
            raise ValueError("it is truncated, or too large")
        # 0, 0, 8 for uint8, the rank, the sizes, the values
        shape = np.frombuffer(raw, ">u4", count=raw[3], offset=4)
        if raw[:3] != b"\0\0\x08":
            raise ValueError("its magic number does not mean uint8")
        return np.frombuffer(raw, np.uint8, offset=4 + 4 * raw[3]).reshape(shape).copy()
    except (ValueError, IndexError, EOFError, OSError, zlib.error) as error:
        raise DataError(f"{place}: {IDX_FILES[name]} is broken: {reason(error)}") from error


def _get(url: str, deadline: float) -> bytes:
    """Download an address by `deadline` (monotonic seconds); raises DataError with the reason.

    It runs in a thread that may be abandoned: no socket timeout covers a silent name server.
    """
    answer: queue.SimpleQueue[bytes | Exception] = queue.SimpleQueue()

    def answer_it() -> None:
        try:
            with urllib.request.urlopen(url, timeout=CONNECT_TIMEOUT_S) as response:
                answer.put(response.read(DOWNLOAD_LIMIT_BYTES))
        except (OSError, HTTPException, ValueError) as error:
            answer.put(error)

    threading.Thread(target=answer_it, name="mnist-download", daemon=True).start()
    try:
        content = answer.get(timeout=max(0.0, deadline - time.monotonic()))
    except queue.Empty:
        raise DataError(f"{url}: no answer within the time limit") from None
    if isinstance(content, Exception):
        raise DataError(f"{url}: {reason(content)}") from content
    return content
