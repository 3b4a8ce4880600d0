"""Where the data come from: found, checked by digest, staged for the child processes."""

from __future__ import annotations

import gzip
import hashlib
import io
import os
import queue
import tempfile
import threading
import time
import urllib.request
import zipfile
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from http.client import HTTPException
from pathlib import Path

import numpy as np

from bench.errors import DataError
from mnist_bench.synthetic import SYNTHETIC_DIGESTS, Arrays, make_synthetic

# SHA-256 of the raw bytes, C order (DESIGN.md, "Dataset").
MNIST_DIGESTS: dict[str, str] = {
    "x_train": "741c988805d008ac6e4c904b69001ba184c24b2c540a4ef403f4c71b676cf757",
    "y_train": "1feba77c54802fa5339a11837ea4b2866434b83314ec45192930f1df69120c13",
    "x_test": "6d87418db22cc8025d05968bec9bd5c3932904b23485740db143a061a2c9d161",
    "y_test": "ddeff807876a9661a1110d45c266c86239a3a1b7d37da0c3716a7a683c852ff5",
}
MNIST_SHAPES = ((60000, 28, 28), (60000,), (10000, 28, 28), (10000,))  # in the same order
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
DOWNLOAD_LIMIT_BYTES = 100_000_000  # the set is 11 MB compressed, 55 MB as it is

PATH_VARIABLE = "MNIST_BENCH_DATA"
OFFLINE_VARIABLE = "MNIST_BENCH_OFFLINE"
GIVEN_STEP = "give the path of a good mnist.npz, or none at all to look elsewhere"
NOWHERE_STEP = f"give the path of mnist.npz in --data or {PATH_VARIABLE}, or ask for synthetic"


@dataclass(frozen=True)
class Dataset:
    """A dataset and how it was come by; compared by name, source, digests and note."""

    name: str  # 'mnist' or 'synthetic'
    arrays: Arrays = field(repr=False, compare=False)
    source: str  # where it came from, in words
    digests: Mapping[str, str] = field(repr=False)  # array name -> SHA-256
    note: str | None = None  # what the reader of a report must know about it


def digests_of(arrays: Arrays) -> dict[str, str]:
    """Return the SHA-256 of each array's raw bytes, C order; shape and dtype play no part."""
    flat = {name: np.ascontiguousarray(array) for name, array in arrays._asdict().items()}
    return {name: hashlib.sha256(array).hexdigest() for name, array in flat.items()}


def combined_digest(data: Arrays | Mapping[str, str]) -> str:
    """Return one SHA-256 for the whole set, from its arrays or from their digests."""
    digests = digests_of(data) if isinstance(data, Arrays) else data
    lines = "".join(f"{name}:{digests[name]}\n" for name in Arrays._fields)
    return hashlib.sha256(lines.encode("ascii")).hexdigest()


def resolve(
    which: str,
    path: str | os.PathLike[str] | None,
    *,
    env: Mapping[str, str] = os.environ,
    allow_download: bool = True,
    mirrors: Sequence[str] = MIRRORS,
    download_timeout_s: float = DOWNLOAD_TIMEOUT_S,
) -> Dataset:
    """Return the dataset that `which` ('auto', 'mnist' or 'synthetic') asks for.

    Raises DataError for an unknown `which`, for a given path (`path`, else MNIST_BENCH_DATA) that
    does not hold the real MNIST, and for 'mnist' that is nowhere to be had. Order of the places:
    DESIGN.md, "Dataset".
    """
    if which not in ("auto", "mnist", "synthetic"):
        step = "choose one of auto, mnist, synthetic"
        raise DataError("the dataset is unknown", seen=which, next_step=step)
    if which == "synthetic":
        if path is not None:
            raise DataError("synthetic is read from no path", seen=path, next_step="leave it out")
        return _generate(None)
    for option, given in (("--data", path), (PATH_VARIABLE, env.get(PATH_VARIABLE) or None)):
        if given is not None:
            return _read_given(given, option)
    failures: list[DataError] = []
    for found in _search(env, allow_download, mirrors, time.monotonic() + download_timeout_s):
        if isinstance(found, Dataset):
            return found
        failures.append(found)
    tried = "; ".join(map(str, failures))
    if which == "mnist":
        raise DataError(f"MNIST cannot be had. Tried: {tried}", next_step=NOWHERE_STEP)
    return _generate(f"Synthetic digits took the place of MNIST, which could not be had: {tried}.")


def stage(dataset: Dataset, directory: str | os.PathLike[str]) -> Path:
    """Write the arrays as an uncompressed npz that child processes load fast; return its path.

    Raises DataError if it cannot be written.
    """
    path = Path(directory) / f"{dataset.name}-{combined_digest(dataset.digests)[:12]}.npz"
    try:
        _write_npz(dataset.arrays, path)
    except OSError as error:
        step = "free some space, or choose a directory that can be written"
        raise DataError(f"{path} cannot be written", seen=error, next_step=step) from error
    return path


def load_staged(path: str | os.PathLike[str]) -> Arrays:
    """Read back what `stage` wrote, its CRCs checked; raises DataError if it cannot be read."""
    try:
        return _read_path(Path(path), str(path))
    except DataError as error:
        step = "start the run again, which stages the data afresh"
        raise DataError(error.what, seen=error.seen, next_step=step) from error


def _generate(note: str | None) -> Dataset:
    """Draw the synthetic set; where it is not the pinned one, the note says so."""
    arrays = make_synthetic()
    digests = digests_of(arrays)
    if digests != SYNTHETIC_DIGESTS:
        drift = f"The synthetic set differs from the pinned one (numpy {np.__version__})."
        note = f"{note} {drift}" if note else drift
    return Dataset("synthetic", arrays, "generated", digests, note)


def _read_given(path: str | os.PathLike[str], option: str) -> Dataset:
    """Read the file that the user named; raises DataError with the next step if it is no MNIST."""
    try:
        return _read_file(Path(os.path.expanduser(path)), f"{option} {os.fspath(path)}", option)
    except DataError as error:
        raise DataError(error.what, seen=error.seen, next_step=GIVEN_STEP) from error


def _search(
    env: Mapping[str, str], allow_download: bool, mirrors: Sequence[str], deadline: float
) -> Iterator[Dataset | DataError]:
    """Look in each place in its order, yielding the real MNIST or why that place has none."""
    home = Path(env.get("HOME") or os.path.expanduser("~"))
    keras = Path(env.get("KERAS_HOME") or home / ".keras") / "datasets" / "mnist.npz"
    kept = Path(env.get("XDG_CACHE_HOME") or home / ".cache") / "mnist-bench" / "mnist.npz"
    for source, path in (("Keras cache", keras), ("download cache", kept)):
        shown = f"~/{path.relative_to(home)}" if path.is_relative_to(home) else str(path)
        try:
            yield _read_file(Path(os.path.expanduser(path)), f"{source} {shown}", source)
        except DataError as error:
            yield error
    if not allow_download or env.get(OFFLINE_VARIABLE, "0") not in ("", "0"):
        why = f"{OFFLINE_VARIABLE} is set" if allow_download else "it was not allowed"
        yield DataError(f"no download, as {why}")
        return
    for mirror in mirrors:
        try:
            yield _download(mirror, deadline, Path(os.path.expanduser(kept)))
        except DataError as error:
            yield error


def _read_file(path: Path, where: str, source: str) -> Dataset:
    """Read and check a file in Keras's layout; raises DataError that starts with `where`."""
    arrays = _read_path(path, where)
    return Dataset("mnist", arrays, source, _verify(arrays, where))


def _read_path(path: Path, where: str) -> Arrays:
    """Read the four arrays of an npz on disk; raises DataError that starts with `where`."""
    try:
        with path.open("rb") as file:
            return _read_npz(file, where)
    except (OSError, ValueError) as error:  # ValueError: a name that no file can have
        raise DataError(f"{where} cannot be read: {_reason(error)}") from error


def _read_npz(file: io.BufferedIOBase, where: str) -> Arrays:
    """Read the four arrays of an npz; raises DataError (what it holds) or OSError (the disk)."""
    if file.read(4) != b"PK\3\4" or not zipfile.is_zipfile(file):
        raise DataError(f"{where} is not an npz file, or is cut short")
    file.seek(0)
    try:
        npz = np.load(file, allow_pickle=False)
    except Exception as error:  # zipfile raises of many kinds on a directory with flipped bits
        raise DataError(f"{where} is no sound npz file: {_reason(error)}") from error
    with npz:
        return Arrays(*(_read_member(npz, name, where) for name in Arrays._fields))


def _read_member(npz: np.lib.npyio.NpzFile, name: str, where: str) -> np.ndarray:
    """Read one array of an npz; raises DataError if it is missing, broken or no array at all."""
    if name not in npz.files:
        raise DataError(f"{where} has no array {name}", seen=", ".join(npz.files))
    try:
        array = npz[name]
    except Exception as error:  # zlib, zipfile and numpy raise of many kinds on flipped bits
        raise DataError(f"{where}: array {name} is broken: {_reason(error)}") from error
    if not isinstance(array, np.ndarray):
        raise DataError(f"{where}: {name} is not an array", seen=type(array).__name__)
    return np.ascontiguousarray(array)


def _verify(arrays: Arrays, where: str) -> dict[str, str]:
    """Return the digests of the real MNIST; raises DataError at the first array that is not it."""
    for name, array, shape in zip(Arrays._fields, arrays, MNIST_SHAPES, strict=True):
        seen, expected = f"{array.shape} {array.dtype}", f"{shape} uint8"
        if seen != expected:
            raise DataError(f"{where}: array {name} should be {expected}", seen=seen)
    digests = digests_of(arrays)
    for name, expected in MNIST_DIGESTS.items():
        if digests[name] != expected:
            what = f"{where}: array {name} should have the SHA-256 {expected[:12]}..."
            raise DataError(what, seen=f"{digests[name][:12]}...")
    return digests


def _download(mirror: str, deadline: float, keep_at: Path) -> Dataset:
    """Fetch and check the set, and keep it for the next time; raises DataError if it is not had."""
    if mirror.endswith("/"):
        contents = {name: _get(mirror + file, deadline) for name, file in IDX_FILES.items()}
        arrays = Arrays(**{name: _read_idx(c, name, mirror) for name, c in contents.items()})
    else:
        arrays = _read_npz(io.BytesIO(_get(mirror, deadline)), mirror)
    found = Dataset("mnist", arrays, "download", _verify(arrays, mirror))
    try:
        _write_npz(arrays, keep_at)
    except OSError as error:  # the set is in memory and good: a full disk costs only the next run
        return replace(found, source=f"download (not kept: {_reason(error)})")
    return found


def _read_idx(content: bytes, name: str, where: str) -> np.ndarray:
    """Read a gzipped IDX file of uint8 (yann.lecun.com/exdb/mnist); raises DataError if broken."""
    try:
        raw = gzip.decompress(content)  # 0, 0, 8 for uint8, the rank, the sizes, the values
        shape = np.frombuffer(raw, ">u4", count=raw[3], offset=4)
        if raw[:3] != b"\0\0\x08":
            raise ValueError("its magic number is not that of uint8")
        return np.frombuffer(raw, np.uint8, offset=4 + 4 * raw[3]).reshape(shape).copy()
    except (ValueError, IndexError, EOFError, OSError, zlib.error) as error:
        raise DataError(f"{where}: {IDX_FILES[name]} is broken: {_reason(error)}") from error


def _get(url: str, deadline: float) -> bytes:
    """Fetch an address by `deadline` (monotonic seconds); raises DataError saying why not.

    In a thread that can be left behind: no socket timeout covers a name server that is silent.
    """
    answer: queue.SimpleQueue[bytes | Exception] = queue.SimpleQueue()

    def fetch() -> None:
        try:
            with urllib.request.urlopen(url, timeout=CONNECT_TIMEOUT_S) as response:
                answer.put(response.read(DOWNLOAD_LIMIT_BYTES))
        except (OSError, HTTPException, ValueError) as error:
            answer.put(error)

    threading.Thread(target=fetch, name="mnist-download", daemon=True).start()
    try:
        content = answer.get(timeout=max(0.0, deadline - time.monotonic()))
    except queue.Empty:
        raise DataError(f"{url}: no answer in the time allowed") from None
    if isinstance(content, Exception):
        raise DataError(f"{url}: {_reason(content)}") from content
    return content


def _write_npz(arrays: Arrays, path: Path) -> None:
    """Write an uncompressed npz under a temporary name, then rename it; raises OSError."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=path.parent, prefix=".writing-") as scratch:
        unfinished = Path(scratch) / path.name
        np.savez(unfinished, **arrays._asdict())
        unfinished.replace(path)


def _reason(error: Exception) -> str:
    """Return an error in a few words, without the path that its message may repeat."""
    return getattr(error, "strerror", None) or str(error) or type(error).__name__
