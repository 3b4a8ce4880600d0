"""The lock of a folder: one run at a time, named, and never held by a process that has ended."""

from __future__ import annotations

import errno
import fcntl
import json
import os
import subprocess
import sys

import pytest
from conftest import ROOT

from bench.app.folder_lock import LOCK, held
from bench.errors import RequestError
from bench.watch.named_process import NamedProcess, began_at, this_process

#: Holds the folder that it is given until its standard input ends; without flock if told so.
HOLDER = """
import errno, fcntl, sys
from pathlib import Path
from bench.app.folder_lock import held
def flock(descriptor, how):
    raise OSError(errno.ENOLCK, "No locks available")
if "none" in sys.argv:
    fcntl.flock = flock
with held(Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
"""


@pytest.fixture(params=["flock", "none"])
def kind(request, monkeypatch):
    """Whether the file system has locks; one without them is planted."""
    if request.param == "none":

        def flock(descriptor, how):
            raise OSError(errno.ENOLCK, "No locks available")

        monkeypatch.setattr(fcntl, "flock", flock)
    return request.param


@pytest.fixture
def other(tmp_path, kind):
    """Another process that holds the folder."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(tmp_path), kind],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        cwd=ROOT,
        text=True,
    )
    assert process.stdout.readline() == "held\n"
    yield process
    process.kill()
    process.communicate()


def test_a_second_run_is_told_who_writes_and_since_when(tmp_path, other):
    with pytest.raises(RequestError) as caught, held(tmp_path):
        pass
    since = json.loads((tmp_path / LOCK).read_text())["started_at"][:19].replace("T", " ")
    assert f"another run is writing to {tmp_path}" in str(caught.value)
    assert f"(seen: process {other.pid}, started {since} UTC)" in str(caught.value)


def test_a_killed_process_holds_no_lock(tmp_path, other):
    other.kill()
    other.wait()
    with held(tmp_path):
        assert json.loads((tmp_path / LOCK).read_text())["process"]["pid"] == this_process().pid
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("kind", ["flock"], indirect=True)
def test_a_deleted_lock_file_opens_no_folder(tmp_path, other):
    (tmp_path / LOCK).unlink()
    with pytest.raises(RequestError, match="it does not say who it is"), held(tmp_path):
        pass


def test_the_lock_ends_with_its_run_and_leaves_nothing(tmp_path, kind):
    for _ in range(2):
        with held(tmp_path):
            assert [path.name for path in tmp_path.iterdir()] == [LOCK]
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("make", ["mkdir", "symlink_to", "mkfifo"])
def test_something_else_in_the_place_of_the_lock_is_named(tmp_path, kind, make):
    path = tmp_path / LOCK
    {
        "mkdir": path.mkdir,
        "symlink_to": lambda: path.symlink_to("nowhere"),
        "mkfifo": lambda: os.mkfifo(path),
    }[make]()
    kinds = {"mkdir": "a folder", "symlink_to": "a link", "mkfifo": "a named pipe"}
    with pytest.raises(RequestError, match=f"in the way.*seen: {kinds[make]}"), held(tmp_path):
        pass


def test_a_lock_of_another_host_counts_only_where_there_are_no_system_locks(tmp_path, kind):
    """A container that was killed leaves such a file, and its pid says nothing here."""
    process = this_process().model_copy(update={"host": "another"})
    holder = {"process": process.model_dump(), "started_at": "2026-11-01T10:00:00Z"}
    (tmp_path / LOCK).write_text(json.dumps(holder))
    if kind == "flock":
        with held(tmp_path):
            pass
    else:
        with pytest.raises(RequestError, match="if it ended on another host, delete"):
            held(tmp_path).__enter__()


def test_a_process_is_told_from_a_later_one_of_the_same_id_and_from_one_before_the_boot():
    own = this_process()
    assert own.runs
    changed = {"began": own.began - 1, "boot": "before", "container": "pid:[1]", "host": "other"}
    found = {name: own.model_copy(update={name: value}).runs for name, value in changed.items()}
    assert found == {"began": False, "boot": False, "container": None, "host": None}


def test_a_process_that_has_ended_but_was_not_waited_for_does_not_run():
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    stat = NamedProcess(**{**this_process().model_dump(), "pid": child.pid})
    named = stat.model_copy(update={"began": began_at(child.pid)})
    assert named.runs
    child.kill()
    child.stdin.close()
    while named.runs:  # the kill arrives; the child is a zombie until it is waited for
        pass
    assert child.wait() < 0
