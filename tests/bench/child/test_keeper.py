"""What a killed run leaves: nothing that runs, and no folder."""

from __future__ import annotations

import errno
import fcntl
import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import psutil
import pytest
from builders import facts
from launches import a_launch, a_parent, is_gone, only_record, still_below, wait_for

from bench.child import keeper, scratch
from bench.child.keeper import keeping
from bench.child.process import run_child
from bench.child.scratch import HELD, JOB, UNHELD, held_folder, sweep
from bench.errors import DispatchError
from bench.watch.marked import MARK, kill_marked, marked

#: Runs a job as the transport without Ray does, and tells what it sees.
RUN = """
import json, sys
from bench.child.launch import LaunchSpec
from bench.dispatch.local import LocalSetup, LocalTransport
from bench.dispatch.transport import THIS_MACHINE
launch = LaunchSpec.model_validate_json(sys.stdin.readline())
with LocalTransport(LocalSetup(workload=launch.workload)) as transport:
    transport.start(None, launch)
    while True:
        for message in transport.poll(1):
            print(json.dumps(dict(message.detail)), flush=True)
"""

#: A process that has left its parent, its session and its title behind.
STRAY = [sys.executable, "-c", "import os, time; os.setsid(); print(1, flush=True); time.sleep(99)"]


@pytest.fixture
def temporary(tmp_path, monkeypatch):
    """A temporary folder of the test's own, also for folders with short names."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    monkeypatch.setattr(scratch, "short_parent", lambda: folder)
    return folder


@pytest.fixture
def killed_run(tmp_path):
    """A run in the midst of a job that has started another process: (run, pids)."""
    with a_parent(RUN, a_launch("fork", tmp_path), tmp_path) as run_and_pids:
        yield run_and_pids


@pytest.mark.slow
@pytest.mark.parametrize("stopped", [False, True], ids=["running", "stopped"])
def test_a_killed_run_leaves_no_process_and_no_folder(killed_run, tmp_path, stopped):
    run, pids = killed_run
    if stopped:
        for pid in pids:
            os.kill(pid, signal.SIGSTOP)
    run.kill()
    wait_for(lambda: all(is_gone(pid) for pid in pids), 10)
    wait_for(lambda: not list(tmp_path.glob(f"{JOB}*")), 10)


def test_a_stray_process_is_known_by_its_mark_and_killed_at_the_end():
    with keeping() as kept:
        environment = {**os.environ, **kept.variables}
        with subprocess.Popen(STRAY, stdout=subprocess.PIPE, env=environment) as stray:
            stray.stdout.readline()
            assert [process.pid for process in marked(kept.mark)] == [stray.pid]
            kept.end()
            assert stray.wait(10) == -signal.SIGKILL
    assert still_below() == []


def test_what_else_the_process_starts_outlives_the_jobs_and_a_ray_that_was_lost():
    before = dict(os.environ)
    with keeping() as kept:
        assert dict(os.environ) == before
        tunnel = subprocess.Popen(["sleep", "99"])
        kept.end()
        assert tunnel.poll() is None
    assert tunnel.poll() is None
    tunnel.kill()
    tunnel.wait()


def test_a_keeper_takes_nothing_from_the_user_that_bends_an_interpreter(monkeypatch):
    monkeypatch.setenv("PYTHONWARNINGS", "error")
    monkeypatch.setenv("PYTHONINSPECT", "1")
    with keeping() as kept:
        seen = psutil.Process(kept.keeper.pid).environ()
    assert seen.keys() & {"PYTHONWARNINGS", "PYTHONINSPECT"} == set()


def test_a_process_without_the_mark_is_known_by_its_session():
    bare = {name: value for name, value in os.environ.items() if name != MARK}
    with subprocess.Popen(STRAY, stdout=subprocess.PIPE, env=bare) as stray:
        stray.stdout.readline()
        assert kill_marked("no such mark", {stray.pid})
        assert stray.wait(10) == -signal.SIGKILL


def test_a_folder_is_deleted_at_its_end_and_swept_only_if_its_process_is_dead(temporary):
    with held_folder(JOB) as held:
        (held / "record.json").write_text("{}")
        left = temporary / f"{JOB}left"
        left.mkdir()
        (left / HELD).touch()
        sweep()
        assert list(temporary.iterdir()) == [held]
    assert list(temporary.iterdir()) == []


def test_a_folder_that_is_just_being_made_is_not_swept(temporary):
    fresh = temporary / f"{JOB}fresh"
    fresh.mkdir()
    sweep()
    assert fresh.exists()
    os.utime(fresh, (0, 0))
    sweep()
    assert not fresh.exists()


def test_a_sweep_between_two_steps_of_making_a_folder_leaves_it(temporary, monkeypatch):
    def swept_before(step):
        def taken(*words, **more):
            monkeypatch.setattr(*step)  # the sweep takes steps of its own
            sweep()
            steps.append(step[1])
            return step[2](*words, **more)

        return taken

    steps = []
    for step in ((fcntl, "flock", fcntl.flock), (os, "rename", os.rename)):
        monkeypatch.setattr(step[0], step[1], swept_before(step))
    with held_folder(JOB) as folder:
        assert steps == ["flock", "rename"]
        assert folder.exists()


def test_a_folder_that_could_not_be_locked_is_swept_by_no_run(temporary, monkeypatch):
    def refuse(descriptor, how):
        raise OSError("no locks")

    left = temporary / f"{JOB}left"
    left.mkdir()
    (left / HELD).touch()
    monkeypatch.setattr(fcntl, "flock", refuse)
    sweep()
    assert left.exists()
    with held_folder(JOB) as folder:
        monkeypatch.undo()  # another run of this machine can lock, and sweeps
        os.utime(folder, (0, 0))
        sweep()
        assert folder.exists()
    assert not folder.exists()


@pytest.fixture
def no_temporary_folder(tmp_path, monkeypatch):
    """Python looks for a temporary folder in one place alone, which is missing.

    Its list is planted, because no test can fill the real folders.
    """
    monkeypatch.setattr(tempfile, "tempdir", None)
    monkeypatch.setattr(tempfile, "_candidate_tempdir_list", lambda: [str(tmp_path / "missing")])


@pytest.mark.usefixtures("no_temporary_folder")
def test_without_a_temporary_folder_nothing_is_swept_and_a_job_says_why_it_failed(tmp_path):
    sweep()
    failure = only_record(run_child(a_launch("ok", tmp_path, machine=facts()))).failure
    assert failure.reason == "disk full"
    assert "missing" in failure.message


def test_a_folder_whose_lock_file_cannot_be_made_is_not_left(temporary, monkeypatch):
    def refuse_the_lock(path, *words, **more):
        if Path(path).name == UNHELD:
            raise OSError(errno.ENOSPC, "No space left on device")
        return really(path, *words, **more)

    really = os.open
    monkeypatch.setattr(os, "open", refuse_the_lock)
    with pytest.raises(OSError, match="No space left"), held_folder(JOB, temporary):
        pass
    monkeypatch.undo()
    assert list(temporary.iterdir()) == []


def test_a_keeper_that_cannot_be_started_is_an_error_that_says_so(monkeypatch):
    monkeypatch.setattr(keeper, "words_of", lambda *words: ["/no/such/python"])
    with pytest.raises(DispatchError, match=r"cannot be started.*No such file"), keeping():
        pass
