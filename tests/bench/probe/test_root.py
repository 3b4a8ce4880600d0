"""A faked root: its files are read, and no path or link of it leads out of it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from faked_roots import faked_root

from bench.errors import RequestError
from bench.probe.identity import BOOT_ID
from bench.probe.root import ANSWERS, HOST, Answers, faked

OUTSIDE = "the host's own\n"


@pytest.fixture
def outside(tmp_path):
    """A file beside the root, which no faked machine may see."""
    path = tmp_path / "outside"
    path.write_text(OUTSIDE)
    return path


@pytest.mark.parametrize("climb", ["../outside", "/{outside}", "../../../../{outside}", "a/../.."])
def test_a_link_of_a_faked_root_never_leads_out_of_it(tmp_path, outside, climb):
    root = faked_root(tmp_path / "root", {"/etc/x": "own"})
    target = climb.format(outside=str(outside).lstrip("/"))
    (root.folder / "etc/link").symlink_to(target)
    (root.folder / "etc/up").symlink_to("..")
    assert root.line("/etc/link") is None
    assert not root.exists("/etc/up/../outside")
    assert root.line("/../../outside") is None
    assert root.line("/etc/up/etc/x") == "own"


def test_a_link_is_followed_as_if_the_folder_were_the_root(tmp_path):
    root = faked_root(tmp_path, {"/usr/lib/os-release": "NAME=x", "/sys/devices/a/name": "core"})
    (root.folder / "etc").mkdir()
    (root.folder / "etc/os-release").symlink_to("/usr/lib/os-release")
    (root.folder / "sys/class").mkdir()
    (root.folder / "sys/class/hwmon0").symlink_to("../devices/a")
    assert root.line("/etc/os-release") == "NAME=x"
    assert root.line("/sys/class/hwmon0/name") == "core"


def test_links_in_a_circle_and_pipes_are_unreadable_and_hang_nothing(tmp_path):
    root = faked_root(tmp_path)
    (tmp_path / "circle").symlink_to("circle")
    os.mkfifo(tmp_path / "pipe")
    assert root.line("/circle") is root.line("/pipe") is None
    assert not root.exists("/circle")
    assert not root.is_folder("/circle/x")


def test_what_lies_in_a_folder_is_sorted_by_number(tmp_path):
    root = faked_root(tmp_path, {f"/cpus/cpu{n}": "" for n in (10, 9, 2, 100)} | {"/cpus/x": ""})
    assert [path.name for path in root.below("/cpus", "cpu[0-9]+")] == [
        *("cpu2", "cpu9", "cpu10", "cpu100")
    ]
    assert root.below("/none") == []


@pytest.mark.parametrize(("text", "number"), [("12", 12), ("-1", -1), ("1.5", None), ("٣", None)])
def test_a_number_is_whole_and_written_in_common_digits(tmp_path, text, number):
    assert faked_root(tmp_path, {"/x": text}).number("/x") == number


@pytest.mark.skipif(not Path(BOOT_ID).exists(), reason="only Linux has this file")
def test_this_machine_s_own_files_are_read_whole():
    """The files of /proc/sys refuse to be read in large pieces."""
    assert HOST.line(BOOT_ID) == Path(BOOT_ID).read_text().strip()
    assert HOST.text("/proc/cpuinfo").count("processor") > 0


def test_a_folder_without_proc_is_no_root(tmp_path):
    with pytest.raises(RequestError, match="not the root of a machine"):
        faked(tmp_path)
    (tmp_path / "packed.tar.gz").write_text("")
    with pytest.raises(RequestError, match="unpack it"):
        faked(tmp_path / "packed.tar.gz")


@pytest.mark.parametrize("text", ["no JSON", '{"systen": "Linux"}', "[]"])
def test_answers_that_cannot_be_read_are_a_wrong_request(tmp_path, text):
    faked_root(tmp_path, {"/proc/cpuinfo": "", ANSWERS: text})
    with pytest.raises(RequestError, match="answers of a faked root cannot be read"):
        faked(tmp_path)


def test_the_answers_of_a_mac_need_no_files(tmp_path):
    answers = Answers(system="Darwin", sysctl={"machdep.cpu.brand_string": "Apple M2"})
    (tmp_path / ANSWERS).write_text(answers.model_dump_json())
    assert faked(tmp_path).is_macos
