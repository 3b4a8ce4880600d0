"""Outputs that take no more: the command goes on, and its exit code is true."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from bench.app import output
from bench.app.output import Outputs

ROOT = Path(__file__).resolve().parents[3]

SCHEMA = [sys.executable, "-m", "mnist_bench", "schema"]
PLAN = [sys.executable, "-m", "mnist_bench.run", "--dry-run", "--grid", "smoke"]
PLAN += ["--dataset", "synthetic", "--local-only"]


def in_shell(words, how, **environment):
    """Run a command in a shell that directs its output `how`; return the code and its errors."""
    done = subprocess.run(
        ["bash", "-c", f'"$@" {how}', "bash", *words],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        env={**os.environ, **environment},
        check=False,
    )
    return done.returncode, done.stderr


@pytest.mark.parametrize("how", [">&-", "| true; exit ${PIPESTATUS[0]}", "<&- >&-"])
def test_a_command_whose_reader_is_gone_is_silent_and_ends_with_0(how):
    assert in_shell(SCHEMA, how) == (0, "")


def test_an_answer_that_does_not_fit_onto_the_disk_is_an_error():
    code, said = in_shell(SCHEMA, "> /dev/full")
    assert code == 1
    assert said == "error: standard output is incomplete (seen: No space left on device)\n"


@pytest.mark.slow
@pytest.mark.parametrize("how", ["> /dev/full", ">&-", "> /dev/full 2>&1"])
def test_the_lines_of_a_run_are_no_answer(how):
    assert in_shell(PLAN, how) == (0, "")


def test_a_character_that_the_encoding_lacks_is_replaced():
    how = "--label B\u00fcro > /dev/null"
    assert in_shell(PLAN, how, PYTHONIOENCODING="ascii") == (0, "")


def in_time(work):
    """Do `work` in a thread, so that one that never ends fails the test."""
    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    thread.join(60)
    assert not thread.is_alive(), "a write waits for good"


def written(stream, text):
    stream.write(text)
    stream.flush()


def test_a_terminal_that_is_read_no_more_holds_up_a_run_for_a_time_alone():
    """A stopped terminal takes a part of a write and then waits; it may also take nothing."""
    reader, writer = os.openpty()
    with os.fdopen(writer, "w") as terminal:
        outputs = Outputs()
        stream = outputs.wrapped(terminal, errors="replace")
        outputs.wait_at_most(0.2)
        in_time(lambda: [written(stream, "a line\n" * 1000) for _ in range(20)])
        assert os.get_blocking(terminal.fileno()), "other programs write to it too"
        os.set_blocking(reader, False)
        with contextlib.suppress(BlockingIOError):
            while os.read(reader, 2**16):
                pass
        in_time(lambda: written(stream, "the last line\n"))
        assert os.read(reader, 2**16).endswith(b"the last line\r\n")
        assert stream.isatty()
        stream.close()
    os.close(reader)
    assert outputs.lost is None


def test_only_the_first_write_waits_for_a_reader_that_has_stopped(monkeypatch):
    """The waits are planted: what select is asked to wait is what a run would lose."""
    reader, writer = os.pipe()
    waits = []

    def select_none(_, files, __, wait_s):
        waits.append(wait_s)
        return [], [], []

    with os.fdopen(writer, "w") as pipe:
        outputs = Outputs()
        stream = outputs.wrapped(pipe, errors="replace")
        outputs.wait_at_most(0.01)
        with monkeypatch.context() as patched:
            patched.setattr(output.select, "select", select_none)
            written(stream, "one\n")
            first = len([wait for wait in waits if wait])
            written(stream, "two\n")
            assert first > 0
            assert len([wait for wait in waits if wait]) == first
        written(stream, "three\n")
        assert os.read(reader, 100) == b"three\n"
        with monkeypatch.context() as patched:
            patched.setattr(output.select, "select", select_none)
            written(stream, "four\n")
            assert len([wait for wait in waits if wait]) > first, "it had caught up"
    os.close(reader)


def test_a_reader_that_reads_no_more_holds_up_a_run_for_a_time_alone():
    reader, writer = os.pipe()
    with os.fdopen(writer, "w") as full:
        outputs = Outputs()
        stream = outputs.wrapped(full, errors="replace")
        outputs.wait_at_most(0.2)
        began_s = time.monotonic()
        for _ in range(4):
            stream.write("x" * 2**16)
            stream.flush()
        assert time.monotonic() - began_s < 30
        taken = os.read(reader, 2**16)
        stream.write("the last line\n")
        stream.flush()
        os.set_blocking(reader, False)
        taken += os.read(reader, 2**20)
    os.close(reader)
    assert taken.endswith(b"the last line\n")
    assert outputs.lost is None
