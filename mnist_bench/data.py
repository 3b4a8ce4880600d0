"""Finds the dataset, checks it by digest, and copies it for the child processes."""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from bench.errors import DataError
from bench.paths import cache_folder
from mnist_bench.download import DOWNLOAD_TIMEOUT_S, MIRRORS, fetch
from mnist_bench.npz import read_path, reason, write_npz
from mnist_bench.synthetic import SYNTHETIC_DIGESTS, Arrays, make_synthetic

#: SHA-256 of the raw bytes of each array, in C order.
MNIST_DIGESTS: dict[str, str] = {
    "x_train": "741c988805d008ac6e4c904b69001ba184c24b2c540a4ef403f4c71b676cf757",
    "y_train": "1feba77c54802fa5339a11837ea4b2866434b83314ec45192930f1df69120c13",
    "x_test": "6d87418db22cc8025d05968bec9bd5c3932904b23485740db143a061a2c9d161",
    "y_test": "ddeff807876a9661a1110d45c266c86239a3a1b7d37da0c3716a7a683c852ff5",
}
MNIST_SHAPES = ((60000, 28, 28), (60000,), (10000, 28, 28), (10000,))  # in the same order

PATH_VARIABLE = "MNIST_BENCH_DATA"
OFFLINE_VARIABLE = "MNIST_BENCH_OFFLINE"
GIVEN_STEP = "give the path of a valid mnist.npz, or leave the path out to search elsewhere"
IN_PLACE = "Synthetic digits took the place of MNIST, which was not available."
NOWHERE_STEP = f"give the path of mnist.npz in --data or {PATH_VARIABLE}, or choose synthetic"


@dataclass(frozen=True)
class MnistData:
    """The arrays of a run and where they came from; compared by name, source, digests and note."""

    name: str  # 'mnist' or 'synthetic'
    arrays: Arrays = field(repr=False, compare=False)
    source: str  # a description of where it came from
    digests: Mapping[str, str] = field(repr=False)  # array name -> SHA-256
    note: str | None = None  # what a reader of the report must know about it
    tried: str | None = None  # the places that did not have MNIST, and why


def digests_of(arrays: Arrays) -> dict[str, str]:
    """Return the SHA-256 of each array's raw bytes in C order, without its shape and dtype."""
    flat = {name: np.ascontiguousarray(array) for name, array in arrays._asdict().items()}
    return {name: hashlib.sha256(array.data).hexdigest() for name, array in flat.items()}


def combined_digest(data: Arrays | Mapping[str, str]) -> str:
    """Return one SHA-256 for the whole dataset, from its arrays or from their digests."""
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
) -> MnistData:
    """Return the dataset that `which` ('auto', 'mnist' or 'synthetic') asks for.

    Raises DataError if `which` is unknown, if a given path (`path`, else MNIST_BENCH_DATA) does not
    hold the real MNIST, or if 'mnist' is wanted but unavailable. The order of the places is given
    in docs/measuring.md, "Data".
    """
    if which not in ("auto", "mnist", "synthetic"):
        step = "choose one of auto, mnist, synthetic"
        raise DataError("the dataset is unknown", seen=which, next_step=step)
    if which == "synthetic":
        if path is not None:
            raise DataError(
                "the synthetic dataset is not read from a path",
                seen=path,
                next_step="leave the path out",
            )
        return _generate(None)
    for option, given in (("--data", path), (PATH_VARIABLE, env.get(PATH_VARIABLE) or None)):
        if given is not None:
            return _read_given(given, option)
    failures: list[DataError] = []
    for result in _search(env, allow_download, mirrors, time.monotonic() + download_timeout_s):
        if isinstance(result, MnistData):
            return result
        failures.append(result)
    tried = "; ".join(map(str, failures))
    if which == "mnist":
        raise DataError(f"MNIST is not available. Tried: {tried}", next_step=NOWHERE_STEP)
    return replace(_generate(IN_PLACE), tried=tried)


def write_copy(dataset: MnistData, directory: str | os.PathLike[str]) -> Path:
    """Write the arrays to an uncompressed npz, which child processes load fast; return its path.

    Raises DataError if it cannot be written.
    """
    path = Path(directory) / f"{dataset.name}-{combined_digest(dataset.digests)[:12]}.npz"
    try:
        write_npz(dataset.arrays, path)
    except OSError as error:
        step = "free some space, or choose a writable folder"
        raise DataError(f"{path} cannot be written", seen=error, next_step=step) from error
    return path


def load_copy(path: str | os.PathLike[str]) -> Arrays:
    """Read back what `write_copy` wrote and check its CRCs; raises DataError if that fails."""
    try:
        return read_path(Path(path), str(path))
    except DataError as error:
        step = "start the run again, which writes a new copy of the data"
        raise DataError(error.what, seen=error.seen, next_step=step) from error


def _generate(note: str | None) -> MnistData:
    """Draw the synthetic set; if it differs from the pinned one, the note says so."""
    arrays = make_synthetic()
    digests = digests_of(arrays)
    if digests != SYNTHETIC_DIGESTS:
        drift = f"The synthetic set differs from the pinned one (numpy {np.__version__})."
        note = f"{note} {drift}" if note else drift
    return MnistData("synthetic", arrays, "generated", digests, note)


def _read_given(path: str | os.PathLike[str], option: str) -> MnistData:
    """Read the file that the user named; raises DataError with a next step if it is not MNIST."""
    try:
        return _read_file(Path(os.path.expanduser(path)), f"{option} {os.fspath(path)}", option)
    except DataError as error:
        raise DataError(error.what, seen=error.seen, next_step=GIVEN_STEP) from error


def _search(
    env: Mapping[str, str], allow_download: bool, mirrors: Sequence[str], deadline: float
) -> Iterator[MnistData | DataError]:
    """Look in each place in order, and yield the real MNIST or the reason why it is not there."""
    home = Path(env.get("HOME") or os.path.expanduser("~"))
    keras = Path(env.get("KERAS_HOME") or home / ".keras") / "datasets" / "mnist.npz"
    download_cache = cache_folder("mnist-bench", env) / "mnist.npz"
    for source, path in (("Keras cache", keras), ("download cache", download_cache)):
        shown = f"~/{path.relative_to(home)}" if path.is_relative_to(home) else str(path)
        try:
            yield _read_file(Path(os.path.expanduser(path)), f"{source} {shown}", source)
        except DataError as error:
            yield error
    if not allow_download or env.get(OFFLINE_VARIABLE, "0") not in ("", "0"):
        why = f"{OFFLINE_VARIABLE} is set" if allow_download else "only a run downloads"
        yield DataError(f"no download, because {why}")
        return
    for mirror in mirrors:
        try:
            yield _download(mirror, deadline, download_cache)
        except DataError as error:
            yield error


def _read_file(path: Path, place: str, source: str) -> MnistData:
    """Read and check a file in Keras's layout; raises DataError that starts with `place`."""
    arrays = read_path(path, place)
    return MnistData("mnist", arrays, source, _verify(arrays, place))


def _verify(arrays: Arrays, place: str) -> dict[str, str]:
    """Return the digests of the real MNIST; raises DataError at the first array that differs."""
    for name, array, shape in zip(Arrays._fields, arrays, MNIST_SHAPES, strict=True):
        seen, expected = f"{array.shape} {array.dtype}", f"{shape} uint8"
        if seen != expected:
            raise DataError(f"{place}: array {name} should be {expected}", seen=seen)
    digests = digests_of(arrays)
    for name, expected in MNIST_DIGESTS.items():
        if digests[name] != expected:
            what = f"{place}: array {name} should have the SHA-256 {expected[:12]}..."
            raise DataError(what, seen=f"{digests[name][:12]}...")
    return digests


def _download(mirror: str, deadline: float, keep_at: Path) -> MnistData:
    """Download, check and keep the dataset; raises DataError if it is unavailable or wrong."""
    arrays = fetch(mirror, deadline)
    dataset = MnistData("mnist", arrays, "download", _verify(arrays, mirror))
    try:
        write_npz(arrays, keep_at)
    except OSError as error:  # the data in memory are good: only the next run needs the file
        return replace(dataset, source=f"download (not kept: {reason(error)})")
    return dataset
