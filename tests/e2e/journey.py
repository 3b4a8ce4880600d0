"""Helpers of the whole-journey tests: the real command in a process of its own."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import sealing

ROOT = Path(__file__).resolve().parents[2]

#: The shortest honest jobs: one epoch of the MLP.
SHORT = ["--models", "mlp", "--epochs", "1"]

#: A job that computes for seconds on every thread that it is given, without a framework.
PRODUCTS = ["--workload", str(ROOT / "tests" / "products_workload.py"), "--grid", "quick"]

#: The same in a moment, where it does not matter how long a job takes.
SMALL_PRODUCTS = [*PRODUCTS, "--sizes", "128"]

#: The words of a command that fills one CPU, and gets more of it than others that want it too (if
#: root starts it).
GREEDY_HOG = [
    sys.executable,
    "-c",
    "import contextlib, os\nwith contextlib.suppress(OSError): os.nice(-8)\nwhile True: pass",
]


def command(*arguments: str, out: Path | None = None, whole: bool = False) -> list[str]:
    """Return the words of `python -m mnist_bench.run ...`, which repeats no disturbed job.

    Other processes may disturb any job while the tests run, so the number of its repeats is not
    known. A later `--repeat-disturbed` among the arguments is the one that counts. Figures and
    ceilings take seconds, so that a run has them only if it is a `whole` one.
    """
    words = [sys.executable, "-m", "mnist_bench.run", "--repeat-disturbed", "0", *arguments]
    words += [] if whole else ["--no-figures", "--no-ceilings"]
    return words if out is None else [*words, "--out", str(out)]


def start(words: list[str], **environment: str) -> subprocess.Popen:
    """Start a command in a session of its own, as a shell would for a user."""
    return subprocess.Popen(
        words,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env={**os.environ, **environment},
        start_new_session=True,
    )


def finish(process: subprocess.Popen, timeout_s: float = 300) -> tuple[int, str]:
    """Wait for a command; return its exit code and all that it printed.

    A command that takes longer than `timeout_s` is killed with all that it started.
    """
    try:
        output, _ = process.communicate(timeout=timeout_s)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        raise
    return process.returncode, output


def run(
    *arguments: str, out: Path | None = None, whole: bool = False, **environment: str
) -> tuple[int, str]:
    """Run `python -m mnist_bench.run` to its end; return its exit code and output."""
    return finish(start(command(*arguments, out=out, whole=whole), **environment))


def children_of(process: subprocess.Popen) -> list[psutil.Process]:
    """Return all living descendants of a started command."""
    try:
        return psutil.Process(process.pid).children(recursive=True)
    except psutil.NoSuchProcess:
        return []


def job_child_of(process: subprocess.Popen) -> psutil.Process | None:
    """Return the child process that runs a job now, if there is one."""
    for child in children_of(process):
        try:
            if "bench.child.entry" in child.cmdline():
                return child
        except psutil.Error:
            continue
    return None


def wait_for(what: Callable[[], Any], seconds: float = 120) -> Any:
    """Poll `what` until it gives something true; fail after `seconds`."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        found = what()
        if found:
            return found
        time.sleep(0.1)
    raise AssertionError(f"not seen within {seconds} s")


def journals(out: Path) -> list[Path]:
    """Return the journals of a results folder."""
    return sorted((out / "journals").glob("*.jsonl"))


def lines(journal: Path) -> list[dict[str, Any]]:
    """Return the lines of a journal as plain JSON objects; the first is the header."""
    return sealing.documents(journal)


def records(journal: Path) -> list[dict[str, Any]]:
    """Return the records of a journal, without its other lines."""
    return [line for line in lines(journal) if line.get("entry") == "record"]


def summary(out: Path) -> dict[str, Any]:
    """Return summary.json of a results folder."""
    return json.loads((out / "summary.json").read_text())
