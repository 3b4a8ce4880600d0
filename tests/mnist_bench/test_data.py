"""Where the data come from: each place, each way in which a file can be bad, and what is said."""

from __future__ import annotations

import functools
import gzip
import http.server
import os
import shutil
import struct
import subprocess
import sys
import threading
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from bench.errors import DataError
from mnist_bench import data, download
from mnist_bench.data import (
    MNIST_DIGESTS,
    Arrays,
    MnistData,
    combined_digest,
    digests_of,
    load_copy,
    resolve,
    write_copy,
)
from mnist_bench.synthetic import SYNTHETIC_DIGESTS

pytestmark = pytest.mark.slow

SHARED = Path(__file__).resolve().parents[3] / "shared" / "data" / "mnist.npz"


@pytest.fixture(scope="session")
def mnist_path() -> Path:
    path = Path(os.environ.get("MNIST_BENCH_DATA") or SHARED)
    if not path.is_file():
        pytest.skip(f"the real MNIST is neither in MNIST_BENCH_DATA nor at {SHARED}")
    return path


@pytest.fixture(scope="session")
def mnist(mnist_path: Path) -> MnistData:
    return resolve("mnist", mnist_path)


@pytest.fixture
def bare(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, synthetic_at_once: None
) -> dict[str, str]:
    """An environment in which no dataset is to be found, and no proxy stands before 127.0.0.1."""
    monkeypatch.setenv("no_proxy", "*")
    names = {"HOME": "home", "KERAS_HOME": "keras", "XDG_CACHE_HOME": "cache"}
    for folder in names.values():
        (tmp_path / folder).mkdir()
    return {name: str(tmp_path / folder) for name, folder in names.items()}


@pytest.fixture
def offline(bare: dict[str, str]) -> dict[str, str]:
    return {**bare, "MNIST_BENCH_OFFLINE": "1"}


class _Handler(http.server.SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def served(tmp_path: Path) -> Iterator[tuple[Path, str]]:
    """A folder and the address at which a real server offers it."""
    folder = tmp_path / "served"
    folder.mkdir()
    handler = functools.partial(_Handler, directory=str(folder))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield folder, f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()


def kept_files(env: dict[str, str]) -> list[str]:
    cache = Path(env["XDG_CACHE_HOME"])
    return sorted(str(p.relative_to(cache)) for p in cache.rglob("*") if not p.is_dir())


def small(**changes: object) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(0)
    arrays = {
        "x_train": rng.integers(0, 256, (6, 28, 28), np.uint8),
        "y_train": rng.integers(0, 10, 6, np.uint8),
        "x_test": rng.integers(0, 256, (2, 28, 28), np.uint8),
        "y_test": rng.integers(0, 10, 2, np.uint8),
    }
    return {name: array for name, array in {**arrays, **changes}.items() if array is not None}


def flip(source: Path, target: Path, offset: int, bit: int = 0) -> Path:
    content = bytearray(source.read_bytes())
    content[offset] ^= 1 << bit
    target.write_bytes(content)
    return target


# --- the real set ---------------------------------------------------------------------------


@pytest.mark.parametrize("which", ["auto", "mnist"])
def test_the_real_file_is_read_and_its_digests_are_the_published_ones(
    which: str, mnist_path: Path, offline: dict[str, str]
) -> None:
    found = resolve(which, str(mnist_path), env=offline)
    assert (found.name, found.source, found.note) == ("mnist", "--data", None)
    assert found.digests == MNIST_DIGESTS == digests_of(found.arrays)
    assert found.arrays.x_train.shape == (60000, 28, 28)
    assert found.arrays.y_train[:5].tolist() == [5, 0, 4, 1, 9]


def test_the_variable_names_the_file_and_the_given_path_goes_before_it(
    mnist_path: Path, offline: dict[str, str]
) -> None:
    by_variable = {**offline, "MNIST_BENCH_DATA": str(mnist_path)}
    assert resolve("auto", None, env=by_variable).source == "MNIST_BENCH_DATA"
    elsewhere = {**offline, "MNIST_BENCH_DATA": "/nowhere/mnist.npz"}
    assert resolve("auto", mnist_path, env=elsewhere).source == "--data"


def test_the_keras_cache_is_used_when_no_path_is_given(
    mnist_path: Path, offline: dict[str, str]
) -> None:
    (Path(offline["KERAS_HOME"]) / "datasets").mkdir()
    shutil.copy(mnist_path, Path(offline["KERAS_HOME"]) / "datasets" / "mnist.npz")
    assert resolve("mnist", None, env=offline).source == "Keras cache"


def test_the_keras_cache_in_the_home_directory_is_found_without_keras_home(
    mnist_path: Path, offline: dict[str, str]
) -> None:
    del offline["KERAS_HOME"]
    folder = Path(offline["HOME"]) / ".keras" / "datasets"
    folder.mkdir(parents=True)
    shutil.copy(mnist_path, folder / "mnist.npz")
    assert resolve("auto", None, env=offline).source == "Keras cache"


# --- a given file that is bad ---------------------------------------------------------------


@pytest.mark.parametrize("share", [0.001, 0.2, 0.5, 0.8, 0.99])
@pytest.mark.parametrize("which", ["auto", "mnist"])
def test_a_flipped_bit_in_the_given_file_is_an_error_that_names_it(
    share: float, which: str, mnist_path: Path, tmp_path: Path, offline: dict[str, str]
) -> None:
    bad = flip(mnist_path, tmp_path / "bad.npz", int(mnist_path.stat().st_size * share))
    with pytest.raises(DataError, match=r"bad\.npz.*array [xy]_t.*Next: "):
        resolve(which, bad, env=offline)


def test_a_flipped_bit_under_a_sound_checksum_is_caught_by_its_digest(
    mnist: MnistData, tmp_path: Path, offline: dict[str, str]
) -> None:
    x_test = mnist.arrays.x_test.copy()
    x_test[1234, 14, 14] ^= 1
    np.savez(tmp_path / "bad.npz", **mnist.arrays._replace(x_test=x_test)._asdict())
    with pytest.raises(DataError) as caught:
        resolve("auto", tmp_path / "bad.npz", env=offline)
    said = str(caught.value)
    assert "bad.npz" in said
    assert "x_test" in said
    assert MNIST_DIGESTS["x_test"][:12] in said
    assert digests_of(mnist.arrays._replace(x_test=x_test))["x_test"][:12] in said


def test_any_flipped_bit_of_a_small_file_is_caught_or_changes_no_array(tmp_path: Path) -> None:
    good = tmp_path / "good.npz"
    np.savez_compressed(good, **small(x_train=np.zeros((2, 28, 28), np.uint8)))
    before = digests_of(load_copy(good))
    caught = 0
    for offset in range(good.stat().st_size):
        bad = flip(good, tmp_path / "bad.npz", offset, bit=offset % 8)
        try:
            assert digests_of(load_copy(bad)) == before
        except DataError:
            caught += 1
    assert caught > good.stat().st_size / 2


@pytest.mark.parametrize("length", [0, 1, 100, 5_000_000])
def test_a_file_that_is_cut_short_is_an_error(
    length: int, mnist_path: Path, tmp_path: Path, offline: dict[str, str]
) -> None:
    (tmp_path / "cut.npz").write_bytes(mnist_path.read_bytes()[:length])
    with pytest.raises(DataError, match=r"cut\.npz.*truncated"):
        resolve("auto", tmp_path / "cut.npz", env=offline)


@pytest.mark.parametrize("name", ["x_train", "y_train", "x_test", "y_test"])
def test_a_missing_array_is_an_error_that_names_it_and_those_that_are_there(
    name: str, tmp_path: Path, offline: dict[str, str]
) -> None:
    np.savez(tmp_path / "part.npz", **small(**{name: None}))
    with pytest.raises(DataError, match=rf"part\.npz has no array {name} \(seen: .*y_t"):
        resolve("mnist", tmp_path / "part.npz", env=offline)


def test_a_wrong_shape_is_an_error_that_gives_both_shapes(
    tmp_path: Path, offline: dict[str, str]
) -> None:
    np.savez(tmp_path / "small.npz", **small())
    with pytest.raises(DataError) as caught:
        resolve("auto", tmp_path / "small.npz", env=offline)
    said = str(caught.value)
    assert "x_train should be (60000, 28, 28) uint8 (seen: (6, 28, 28) uint8)" in said


def test_a_wrong_dtype_is_an_error_even_when_the_values_are_right(
    mnist: MnistData, tmp_path: Path, offline: dict[str, str]
) -> None:
    arrays = mnist.arrays._asdict() | {"y_test": mnist.arrays.y_test.astype(np.int8)}
    np.savez(tmp_path / "typed.npz", **arrays)
    with pytest.raises(DataError, match=r"array y_test should be .*uint8 \(seen: .*int8\)"):
        resolve("auto", tmp_path / "typed.npz", env=offline)


def write_npy_that_ends_like_a_zip(path: Path) -> None:
    write_npy(path)
    with zipfile.ZipFile(path, "a") as file:
        file.writestr("x_train.npy", "text")


def write_bomb(path: Path) -> None:
    """A file of some hundred KB whose first array takes 512 MB."""
    with (
        zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file,
        file.open("x_train.npy", "w") as to,
    ):
        header = {"descr": "|u1", "fortran_order": False, "shape": (2**29,)}
        np.lib.format.write_array_header_1_0(to, header)
        for _ in range(2**9):
            to.write(bytes(2**20))


def write_header_of_a_terabyte(path: Path) -> None:
    np.savez(path, **small())
    with zipfile.ZipFile(path, "w") as file, file.open("x_train.npy", "w") as to:
        header = {"descr": "|u1", "fortran_order": False, "shape": (2**40,)}
        np.lib.format.write_array_header_1_0(to, header)


def write_text(path: Path) -> None:
    path.write_text("not a dataset")


def write_npy(path: Path) -> None:
    with path.open("wb") as file:
        np.save(file, np.zeros(3))


def write_zip_of_text(path: Path) -> None:
    with zipfile.ZipFile(path, "w") as file:
        for name in Arrays._fields:
            file.writestr(f"{name}.npy", "text")


@pytest.mark.parametrize(
    "write",
    [
        write_text,
        write_npy,
        write_npy_that_ends_like_a_zip,
        write_zip_of_text,
        write_bomb,
        write_header_of_a_terabyte,
        Path.mkdir,
    ],
)
def test_what_is_not_an_npz_of_arrays_is_an_error(
    write: Callable[[Path], None], tmp_path: Path, offline: dict[str, str]
) -> None:
    write(tmp_path / "odd.npz")
    with pytest.raises(DataError, match=r"odd\.npz"):
        resolve("auto", tmp_path / "odd.npz", env=offline)


@pytest.mark.parametrize("which", ["auto", "mnist"])
def test_a_given_path_that_does_not_exist_is_an_error_and_never_a_fall_back(
    which: str, tmp_path: Path, offline: dict[str, str]
) -> None:
    path = str(tmp_path / "none.npz")
    with pytest.raises(DataError, match=r"--data .*none\.npz .*No such file.*Next: "):
        resolve(which, path, env=offline)
    with pytest.raises(DataError, match=r"MNIST_BENCH_DATA .*none\.npz .*No such file"):
        resolve(which, None, env={**offline, "MNIST_BENCH_DATA": path})


class _Payload:
    def __init__(self, target: Path) -> None:
        self.target = target

    def __reduce__(self) -> tuple[Callable[[Path], None], tuple[Path]]:
        return Path.touch, (self.target,)


def test_a_pickle_in_the_file_is_refused_and_never_run(
    tmp_path: Path, offline: dict[str, str]
) -> None:
    pickled = np.array([_Payload(tmp_path / "was-run")], dtype=object)
    np.savez(tmp_path / "odd.npz", **small(x_train=pickled))
    with pytest.raises(DataError, match=r"odd\.npz: array x_train is broken"):
        resolve("auto", tmp_path / "odd.npz", env=offline)
    assert not (tmp_path / "was-run").exists()


@pytest.mark.parametrize("path", ["", "a\0b.npz", "~no-such-user/mnist.npz"])
def test_a_path_that_no_file_can_have_is_an_error(path: str, offline: dict[str, str]) -> None:
    with pytest.raises(DataError, match=r"--data .* cannot be read"):
        resolve("auto", path, env=offline)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_given_file_that_may_not_be_read_is_an_error(
    tmp_path: Path, offline: dict[str, str]
) -> None:
    (tmp_path / "closed.npz").touch(mode=0)
    with pytest.raises(DataError, match="Permission denied"):
        resolve("auto", tmp_path / "closed.npz", env=offline)


@pytest.mark.parametrize("which", ["fashion", "", "MNIST"])
def test_an_unknown_dataset_is_an_error_that_lists_the_known_ones(which: str) -> None:
    with pytest.raises(DataError, match="auto, mnist, synthetic"):
        resolve(which, None)


def test_a_path_given_with_synthetic_is_an_error_but_the_variable_is_not(
    offline: dict[str, str],
) -> None:
    with pytest.raises(DataError, match="synthetic"):
        resolve("synthetic", "mnist.npz", env=offline)
    env = {**offline, "MNIST_BENCH_DATA": "/nowhere/mnist.npz"}
    assert resolve("synthetic", None, env=env).name == "synthetic"


# --- nothing given --------------------------------------------------------------------------


def test_auto_offline_makes_the_synthetic_set_and_says_why(offline: dict[str, str]) -> None:
    found = resolve("auto", None, env=offline)
    assert (found.name, found.source) == ("synthetic", "generated")
    assert found.digests == SYNTHETIC_DIGESTS
    assert found.note is not None
    assert found.tried is not None
    assert "MNIST_BENCH_OFFLINE" in found.tried
    assert found.note.startswith("Synthetic digits took the place of MNIST")


def test_synthetic_that_was_asked_for_needs_no_note(offline: dict[str, str]) -> None:
    found = resolve("synthetic", None, env=offline)
    assert (found.name, found.source, found.note) == ("synthetic", "generated", None)


def test_a_synthetic_set_that_is_not_the_pinned_one_says_so(
    offline: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(data, "make_synthetic", lambda: Arrays(**small()))
    note = resolve("auto", None, env=offline).note
    assert note is not None
    assert "took the place" in note
    assert "differs from the pinned" in note


def test_mnist_that_cannot_be_had_lists_every_place_and_why(
    bare: dict[str, str], served: tuple[Path, str]
) -> None:
    mirrors = [f"{served[1]}mnist.npz", f"{served[1]}idx/"]
    with pytest.raises(DataError) as caught:
        resolve("mnist", None, env=bare, mirrors=mirrors)
    said = str(caught.value)
    assert "Keras cache" in said
    assert "download cache" in said
    assert "--data" in said
    assert said.count("No such file") == 2
    assert f"{mirrors[0]}: HTTP Error 404" in said
    assert f"{mirrors[1]}train-images" in said


def test_the_home_directory_is_not_spelt_out_in_the_note(offline: dict[str, str]) -> None:
    del offline["KERAS_HOME"], offline["XDG_CACHE_HOME"]
    tried = resolve("auto", None, env=offline).tried
    assert tried is not None
    assert offline["HOME"] not in tried
    assert "~/.keras" in tried


# --- downloads ------------------------------------------------------------------------------


def test_a_download_is_checked_kept_and_found_again_offline(
    mnist_path: Path, bare: dict[str, str], served: tuple[Path, str]
) -> None:
    folder, address = served
    shutil.copy(mnist_path, folder / "mnist.npz")
    first = resolve("mnist", None, env=bare, mirrors=[f"{address}mnist.npz"])
    assert (first.source, first.digests) == ("download", MNIST_DIGESTS)
    assert kept_files(bare) == ["mnist-bench/mnist.npz"]
    again = resolve("mnist", None, env={**bare, "MNIST_BENCH_OFFLINE": "1"})
    assert (again.source, again.digests) == ("download cache", MNIST_DIGESTS)


def test_a_bad_keras_cache_is_skipped_and_the_next_mirror_serves_after_bad_ones(
    mnist_path: Path, bare: dict[str, str], served: tuple[Path, str]
) -> None:
    folder, address = served
    (Path(bare["KERAS_HOME"]) / "datasets").mkdir()
    flip(mnist_path, Path(bare["KERAS_HOME"]) / "datasets" / "mnist.npz", 4_000_000)
    flip(mnist_path, folder / "bad.npz", 4_000_000)
    shutil.copy(mnist_path, folder / "good.npz")
    mirrors = [address + name for name in ("none.npz", "bad.npz", "good.npz")]
    assert resolve("auto", None, env=bare, mirrors=mirrors).source == "download"


def test_a_corrupt_download_leaves_nothing_behind_and_is_named(
    mnist_path: Path, bare: dict[str, str], served: tuple[Path, str]
) -> None:
    folder, address = served
    flip(mnist_path, folder / "bad.npz", 4_000_000)
    (folder / "cut.npz").write_bytes(mnist_path.read_bytes()[:1_000_000])
    np.savez(folder / "other.npz", **small())
    mirrors = [address + name for name in ("bad.npz", "cut.npz", "other.npz")]
    with pytest.raises(DataError, match=r"bad\.npz.*x_train.*cut\.npz.*other\.npz"):
        resolve("mnist", None, env=bare, mirrors=mirrors)
    found = resolve("auto", None, env=bare, mirrors=mirrors)
    assert found.name == "synthetic"
    assert found.tried is not None
    assert "bad.npz" in found.tried
    assert kept_files(bare) == []


def test_a_mirror_of_idx_files_gives_the_same_arrays(
    mnist: MnistData, bare: dict[str, str], served: tuple[Path, str]
) -> None:
    folder, address = served
    for name, array in mnist.arrays._asdict().items():
        head = struct.pack(f">BBBB{array.ndim}I", 0, 0, 8, array.ndim, *array.shape)
        content = gzip.compress(head + array.tobytes(), compresslevel=1)
        (folder / download.IDX_FILES[name]).write_bytes(content)
    found = resolve("mnist", None, env=bare, mirrors=[address])
    assert found.source == "download"
    assert found.digests == MNIST_DIGESTS
    assert kept_files(bare) == ["mnist-bench/mnist.npz"]


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"no gzip",
        gzip.compress(b""),
        gzip.compress(b"\0\0\x08\x01\0\0\0\x09123"),  # nine values announced, three there
        gzip.compress(b"\0\0\x0d\x01\0\0\0\x01\0"),  # says float32
        gzip.compress(b"\0\0\x08\x03\0"),
    ],
    ids=["empty", "no gzip", "nothing in it", "cut short", "wrong type", "cut header"],
)
def test_a_broken_idx_file_is_a_reason_and_no_crash(
    content: bytes, bare: dict[str, str], served: tuple[Path, str]
) -> None:
    folder, address = served
    for file in download.IDX_FILES.values():
        (folder / file).write_bytes(content)
    with pytest.raises(DataError, match=r"train-images.* is broken"):
        resolve("mnist", None, env=bare, mirrors=[address])
    assert kept_files(bare) == []


@pytest.mark.parametrize(
    "refusal", [{"allow_download": False}, {"env": {"MNIST_BENCH_OFFLINE": "1"}}]
)
def test_nothing_is_downloaded_when_downloads_are_off(
    refusal: dict, mnist_path: Path, bare: dict[str, str], served: tuple[Path, str]
) -> None:
    folder, address = served
    shutil.copy(mnist_path, folder / "mnist.npz")
    options = {**refusal, "env": bare | refusal.get("env", {})}
    with pytest.raises(DataError, match="no download, because"):
        resolve("mnist", None, mirrors=[f"{address}mnist.npz"], **options)
    assert kept_files(bare) == []


def test_a_silent_mirror_is_left_when_the_time_allowed_is_over(bare: dict[str, str]) -> None:
    with http.server.socketserver.TCPServer(("127.0.0.1", 0), None) as silent:
        address = f"http://127.0.0.1:{silent.server_address[1]}/mnist.npz"
        with pytest.raises(DataError, match="no answer within the time limit"):
            resolve("mnist", None, env=bare, mirrors=[address], download_timeout_s=0.2)


def test_a_cache_that_cannot_be_written_costs_only_the_copy(
    mnist_path: Path, bare: dict[str, str], served: tuple[Path, str]
) -> None:
    folder, address = served
    shutil.copy(mnist_path, folder / "mnist.npz")
    (Path(bare["XDG_CACHE_HOME"]) / "mnist-bench").write_text("a file where a folder should be")
    found = resolve("mnist", None, env=bare, mirrors=[f"{address}mnist.npz"])
    assert found.digests == MNIST_DIGESTS
    assert "not kept" in found.source


# --- digests and the copy --------------------------------------------------------------------


def test_a_digest_is_of_the_values_in_c_order_whatever_their_layout() -> None:
    arrays = Arrays(**small())
    turned = arrays._replace(x_train=np.asfortranarray(arrays.x_train))
    assert digests_of(turned) == digests_of(arrays)


def test_the_combined_digest_is_one_for_arrays_and_for_their_digests() -> None:
    arrays = Arrays(**small())
    swapped = Arrays(arrays.x_test, arrays.y_test, arrays.x_train, arrays.y_train)
    assert combined_digest(arrays) == combined_digest(digests_of(arrays))
    assert combined_digest(arrays) != combined_digest(swapped)


def small_dataset() -> MnistData:
    arrays = Arrays(**small())
    return MnistData("synthetic", arrays, "generated", digests_of(arrays))


def test_staged_arrays_come_back_bit_for_bit_from_an_uncompressed_file(tmp_path: Path) -> None:
    dataset = small_dataset()
    path = write_copy(dataset, tmp_path / "new" / "folder")
    assert digests_of(load_copy(path)) == dataset.digests
    with zipfile.ZipFile(path) as file:
        assert {info.compress_type for info in file.infolist()} == {zipfile.ZIP_STORED}
    assert os.listdir(path.parent) == [path.name]


def test_writing_the_copy_twice_gives_one_file_and_mends_a_broken_one(tmp_path: Path) -> None:
    path = write_copy(small_dataset(), tmp_path)
    path.write_bytes(b"broken")
    with pytest.raises(DataError, match=r"truncated.*Next: "):
        load_copy(path)
    assert write_copy(small_dataset(), tmp_path) == path
    assert digests_of(load_copy(path)) == small_dataset().digests


def test_a_write_that_fails_halfway_leaves_neither_file_nor_scraps(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full_disk(path: Path, **arrays: np.ndarray) -> None:
        Path(path).write_bytes(b"half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(np, "savez", full_disk)
    with pytest.raises(DataError, match=r"No space left.*Next: "):
        write_copy(small_dataset(), tmp_path)
    assert os.listdir(tmp_path) == []


def test_a_staged_file_that_is_gone_is_an_error_with_a_next_step(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"gone\.npz.*No such file.*Next: "):
        load_copy(tmp_path / "gone.npz")


def test_importing_the_module_writes_nothing_and_opens_no_connection(tmp_path: Path) -> None:
    code = (
        "import sys; seen = []\n"
        "sys.addaudithook(lambda event, args: seen.append((event, args)))\n"
        "import mnist_bench.data\n"
        "bad = [e for e in seen if e[0].startswith('socket.') or e[0] == 'os.mkdir']\n"
        "print(bad)"
    )
    env = {**os.environ, "HOME": str(tmp_path), "PYTHONDONTWRITEBYTECODE": "1"}
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, env=env, capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
    assert os.listdir(tmp_path) == []
