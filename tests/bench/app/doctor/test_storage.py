"""Data that are missing or damaged, and a disk that is full: a real file system of its own."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
from command_line import PROGRAM
from doctors import found

OWN = PROGRAM.workload


@pytest.fixture
def bare(tmp_path, monkeypatch):
    """An environment in which there are no data, and where none can be downloaded."""
    for name in ("HOME", "KERAS_HOME", "XDG_CACHE_HOME"):
        monkeypatch.setenv(name, str(tmp_path / name))
    monkeypatch.delenv("MNIST_BENCH_DATA", raising=False)
    monkeypatch.setattr("mnist_bench.data.MIRRORS", ("http://127.0.0.1:9/none.npz",))


@pytest.mark.slow
def test_data_that_are_not_here_are_named_with_the_option_that_gives_them(bare, synthetic_at_once):
    (one,) = found("data", workload=OWN)
    assert one.state == "warning"
    assert "Keras cache" in one.seen
    assert "no download" in one.seen
    assert "run --data FILE" in one.cure


@pytest.mark.slow
def test_wanted_data_that_are_not_here_would_stop_a_run(bare):
    (one,) = found("data", workload=OWN, dataset="mnist")
    assert one.state == "problem"
    assert "MNIST is not available" in one.seen
    assert "--data" in one.cure


def test_one_flipped_bit_in_the_data_is_found(tmp_path, mnist_file):
    if mnist_file is None:
        pytest.skip("the real MNIST is not here")
    content = bytearray(mnist_file.read_bytes())
    content[len(content) // 2] ^= 1
    damaged = tmp_path / "mnist.npz"
    damaged.write_bytes(content)
    (one,) = found("data", workload=OWN, data=str(damaged))
    assert one.state == "problem"
    assert str(damaged) in one.seen
    assert "valid mnist.npz" in one.cure


def test_sound_data_are_shown_with_digest_and_source(mnist_file):
    if mnist_file is None:
        pytest.skip("the real MNIST is not here")
    (one,) = found("data", workload=OWN, data=str(mnist_file))
    assert one.state == "ok"
    assert one.seen.startswith("mnist, digest ")


def test_a_workload_without_data_has_nothing_to_check():
    (one,) = found("data", workload="tiny_workload:WORKLOAD")
    assert one.state == "skipped"


@pytest.fixture
def full_disk(tmp_path):
    """A file system of 1 MiB without a free byte."""
    if sys.platform != "linux" or os.geteuid() != 0:
        pytest.skip("a file system of its own needs root on Linux")
    place = tmp_path / "disk"
    place.mkdir()
    words = ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(place)]
    if subprocess.run(words, capture_output=True).returncode:
        pytest.skip("no file system can be mounted here")
    try:
        with pytest.raises(OSError, match="No space"):
            (place / "filler").write_bytes(b"x" * 2**21)
        yield place
    finally:
        subprocess.run(["umount", str(place)], check=True)


@pytest.mark.parametrize(
    ("check", "variable", "option"),
    [
        ("results", None, "--out FOLDER"),
        ("temporary", "TMPDIR", "TMPDIR"),
        ("cache", "XDG_CACHE_HOME", "XDG_CACHE_HOME"),
    ],
)
def test_a_full_disk_is_named_with_what_is_free_and_where_to_go_instead(
    full_disk, monkeypatch, check, variable, option
):
    if variable:
        monkeypatch.setenv(variable, str(full_disk))
        monkeypatch.setattr("tempfile.tempdir", str(full_disk))
    (one,) = found(check, out=full_disk / "reports")
    assert one.state == "problem"
    assert one.seen.startswith("only 0 MiB free on the disk of ")
    assert str(full_disk) in one.seen
    assert option in one.cure
    assert not (full_disk / "reports").exists(), "the doctor makes nothing"


def test_a_folder_that_cannot_be_is_named(tmp_path):
    (tmp_path / "a file").write_text("in the way")
    (one,) = found("results", out=tmp_path / "a file" / "reports")
    assert one.state == "problem"
    assert "cannot be written" in one.seen
    assert one.cure.startswith(f"chmod u+w '{tmp_path}/a file', or ")


def test_a_disk_with_space_says_how_much(tmp_path):
    (one,) = found("results", out=tmp_path / "not" / "yet")
    assert one.state == "ok"
    assert "free on the disk of" in one.seen
    assert list(tmp_path.iterdir()) == []
