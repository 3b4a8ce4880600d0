"""Outputs that take no more: the command goes on, and its exit code is true."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

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


@pytest.mark.parametrize("how", ["> /dev/full", ">&-", "> /dev/full 2>&1"])
def test_the_lines_of_a_run_are_no_answer(how):
    assert in_shell(PLAN, how) == (0, "")


def test_a_character_that_the_encoding_lacks_is_replaced():
    how = "--label B\u00fcro > /dev/null"
    assert in_shell(PLAN, how, PYTHONIOENCODING="ascii") == (0, "")


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
