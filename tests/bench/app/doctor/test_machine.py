"""Too little memory, a noisy machine, a clock that is off, and an old driver of a GPU."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from datetime import UTC, datetime

import fake_nvml
import pytest
from conftest import ROOT
from doctors import GIB, found
from faked_roots import faked_root
from groups import Groups

from bench.app.doctor import machine
from bench.probe.timekeeping import is_synchronised
from bench.record.conditions import Interference
from bench.watch.look import Look

BURN = "while True: pass"

MEMINFO = "MemTotal: {total} kB\nMemAvailable: {free} kB"

LIMITED = {
    "/proc/self/cgroup": "0::/job",
    "/proc/self/mountinfo": "30 1 0:30 / /groups rw shared:9 - cgroup2 cgroup2 rw",
    "/groups/job/memory.max": 2 * GIB,
}


@pytest.mark.parametrize(
    ("total", "free", "files", "state", "words"),
    [
        (64, 60, {}, "ok", "64.0 GiB usable, 60.0 GiB of it free"),
        (64, 2, {}, "warning", "2.0 GiB of it free"),
        (4, 3, {}, "problem", "4.0 GiB usable"),
        (64, 60, LIMITED, "problem", "the control group allows 2.0 GiB"),
    ],
)
def test_too_little_memory_is_told_from_memory_that_is_only_taken(
    tmp_path, total, free, files, state, words
):
    text = MEMINFO.format(total=total * 2**20, free=free * 2**20)
    (one,) = found("memory", root=faked_root(tmp_path, {"/proc/meminfo": text, **files}))
    assert one.state == state
    assert words in one.seen
    assert "needs about 8.6 GiB" in one.seen
    assert ("docker run --memory 9g" in (one.cure or "")) == bool(files)


@pytest.mark.slow
def test_the_limit_of_a_real_control_group_is_a_problem():
    groups = Groups()
    try:
        try:
            groups.make(cpus=2.0, memory_bytes=GIB)
        except OSError as error:
            pytest.skip(f"no control group can be made here: {error}")
        words = [sys.executable, "-m", "mnist_bench", "doctor", "memory", "--json"]
        done = subprocess.run(
            groups.entered(groups.folders, words), cwd=ROOT, capture_output=True, text=True
        )
    finally:
        groups.remove()
    assert done.returncode == 1, done.stderr
    (one,) = json.loads(done.stdout)["findings"]
    assert one["seen"].startswith("the control group allows 1.0 GiB")
    assert one["cure"].startswith("raise the limit")


@pytest.mark.slow
def test_a_real_hog_is_named_with_its_pid():
    with subprocess.Popen([sys.executable, "-c", BURN]) as hog:
        try:
            (one,) = found("quiet")
        finally:
            hog.kill()
    assert one.state == "warning"
    assert "foreign CPU" in one.seen
    assert "close " in one.cure
    assert re.search(r"close .*\(pid \d+, ", one.cure), "the hog, or what is even busier here"
    assert "--wait-quiet" in one.cure


@pytest.mark.slow
def test_a_machine_that_cannot_be_watched_is_skipped(tmp_path):
    (one,) = found("quiet", root=faked_root(tmp_path))
    assert one.state == "skipped"
    assert "unknown whether the machine is quiet" in one.seen


@pytest.mark.parametrize(
    ("flag", "states"), [("quiet", ["warning"]), ("disturbed", ["warning", "warning"])]
)
def test_a_battery_is_named_beside_what_disturbs(monkeypatch, flag, states):
    seen = Interference(wall_s=3.0, flag=flag, causes=(), foreign_cpus=0.0, on_battery=True)
    monkeypatch.setattr(machine, "look", lambda *given, **more: Look(seen, ()))
    findings = found("quiet")
    assert [one.state for one in findings] == states
    assert findings[-1].seen == "it runs on battery, which may slow it down"


def test_a_clock_that_was_set_back_is_found_by_files_that_are_younger(tmp_path):
    """The clock is a function of the test's: no test may set the machine's own."""
    (one,) = found("clock", out=tmp_path, now=lambda: datetime(2001, 2, 3, tzinfo=UTC))
    assert one.state == "warning"
    assert "it was set back: the clock says 2001-02-03 00:00 UTC, but" in one.seen
    assert one.cure


def test_a_journal_from_the_future_shows_that_the_clock_was_set_back(tmp_path):
    (tmp_path / "journals").mkdir()
    for name in ("mine.jsonl", "20990101T000000Z-quick-1.jsonl"):
        (tmp_path / "journals" / name).touch()
    (one,) = found("clock", out=tmp_path, is_synchronised=lambda: True)
    assert one.state == "warning"
    assert "20990101T000000Z-quick-1.jsonl was made at 2099-01-01 00:00 UTC" in one.seen


@pytest.mark.parametrize(
    ("answer", "state", "words"),
    [
        (False, "warning", "no time server sets it"),
        (True, "ok", "a time server sets it"),
        (None, "ok", "is unknown"),
    ],
)
def test_a_clock_that_no_server_sets_is_named(tmp_path, answer, state, words):
    """What the kernel says is planted: its clock cannot be made to lose its server in a test."""
    (one,) = found("clock", out=tmp_path, is_synchronised=lambda: answer)
    assert one.state == state
    assert words in one.seen


def test_the_kernel_itself_is_asked_about_its_clock():
    assert is_synchronised() in {True, False, None}


#: What a driver says of one GPU.
GPU = {"index": 0, "model": "Planted GPU"}


@pytest.mark.parametrize(
    ("facts", "state", "words", "cure"),
    [
        ({"gpu_driver": "580.65.06"}, "ok", "Planted GPU; driver 580.65.06", None),
        ({"gpu_driver": "470.57.02"}, "problem", "need 580 or newer", "ubuntu-drivers install"),
        ({"gpu_driver": "590.1", "gpus_visible": 0}, "warning", "hides every GPU", "unset CUDA_"),
        (
            {"gpus": [GPU | {"unknown": {"model": "fell off the bus"}}], "gpu_driver": "590.1"},
            "problem",
            "fell off the bus",
            "nvidia-smi -L",
        ),
    ],
)
def test_an_old_driver_or_a_hidden_or_lost_gpu_is_named(tmp_path, facts, state, words, cure):
    root = faked_root(tmp_path, facts={"gpus": [GPU], "gpus_visible": 1, **facts})
    (one,) = found("gpu", root=root)
    assert one.state == state
    assert words in one.seen
    assert (one.cure is None) if cure is None else (cure in one.cure)


def test_an_old_driver_is_found_by_asking_nvml(monkeypatch):
    """tests/fake_nvml.py stands for NVIDIA's library, which needs a GPU."""
    monkeypatch.setitem(sys.modules, "pynvml", fake_nvml)
    monkeypatch.setattr("bench.probe.gpu._ASKED.answer", None)
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    (one,) = found("gpu")
    assert one.state == "problem"
    assert "driver 560.35.03, but the installed packages need 580 or newer" in one.seen


def test_a_gpu_that_no_installed_package_uses_is_named(tmp_path):
    root = faked_root(tmp_path, facts={"gpus": [GPU], "gpus_visible": 1, "gpu_driver": "590.1"})
    (one,) = found("gpu", workload="tiny_workload:WORKLOAD", root=root)
    assert one.state == "warning"
    assert "no installed package trains on a GPU" in one.seen


def test_a_device_without_a_driver_is_told_from_a_machine_without_a_gpu(tmp_path):
    device = "/sys/bus/pci/devices/0000:01:00.0"
    unknown = {"gpus": "no NVIDIA driver answers: planted"}
    (none,) = found("gpu", root=faked_root(tmp_path / "a", {"/etc/x": ""}, unknown=unknown))
    assert none.state == "skipped"
    files = {f"{device}/class": "0x030000", f"{device}/vendor": "0x10de"}
    (one,) = found("gpu", root=faked_root(tmp_path / "b", files, unknown=unknown))
    assert one.state == "warning"
    assert "an NVIDIA device is here, but no NVIDIA driver answers" in one.seen
    (broken,) = found("gpu", root=faked_root(tmp_path / "b", files))
    assert broken.state == "problem"
    assert "cannot be read" in broken.seen
