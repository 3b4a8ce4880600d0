"""A place for one fault: a folder, a grid of toy jobs, and the command that runs in it."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil

from tests.chaos.shipped import DATA
from tests.chaos.workload import NAME

ROOT = Path(__file__).resolve().parents[2]

#: The variable by which each process of a lab is known.
LAB = "CHAOS_LAB"

#: Seconds that a command may take until it counts as hanging.
HANG_S = 240.0

GRID = "name: chaos\nsubgrids: [{{models: [{models}], seeds: [{seeds}], epochs: 2}}]\n"


class Skipped(Exception):
    """A fault cannot be made on this machine; the text says why."""


@dataclass
class Started:
    """A command that runs, and the file into which it prints."""

    process: subprocess.Popen[bytes]
    output: Path
    below: dict[int, psutil.Process] = field(default_factory=dict)

    @property
    def text(self) -> str:
        """What was printed so far."""
        return self.output.read_text(errors="replace")

    @property
    def is_over(self) -> bool:
        """Whether the command has ended."""
        return self.process.poll() is not None

    def look_below(self) -> list[psutil.Process]:
        """Return the living processes below the command, and remember them."""
        try:
            found = psutil.Process(self.process.pid).children(recursive=True)
        except psutil.NoSuchProcess:
            return []
        self.below |= {one.pid: one for one in found}
        return found

    def called(self, name: str) -> psutil.Process | None:
        """Return a process below whose name or words hold `name`."""
        for one in self.look_below():
            try:
                if name in one.name() or name in " ".join(one.cmdline()):
                    return one
            except psutil.Error:
                continue
        return None

    def wait(self, seconds: float = HANG_S) -> int | None:
        """Wait for the end; return the exit code, or None if the command hangs."""
        deadline = time.monotonic() + seconds
        while not self.is_over and time.monotonic() < deadline:
            self.look_below()
            time.sleep(0.1)
        return self.process.poll()


class Lab:
    """A context manager; `words` are more words of the command."""

    def __init__(self, *words: str, models: str = "ok", seeds: int = 3) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="chaos-"))
        self.words = words
        self.out, self.temporary = self.folder / "out", self.folder / "tmp"
        self.data, self.grid = self.folder / "data", self.folder / "grid.yaml"
        self.cleanups: list[Callable[[], Any]] = []
        self.commands: list[Started] = []
        self.environment: dict[str, str] = {}
        self.prefix: Sequence[str] = ()
        self.workload, self.where = NAME, ("--local-only",)
        self.out.mkdir()
        self.temporary.mkdir()
        numbers = ", ".join(map(str, range(seeds)))
        self.grid.write_text(GRID.format(models=models, seeds=numbers))
        self.jobs = seeds * len(models.split(","))

    def __enter__(self) -> Lab:
        return self

    def __exit__(self, *exception: object) -> None:
        for command in self.commands:
            if not command.is_over:
                command.process.kill()
                command.process.wait()
        for process in self.processes():
            process.kill()
        for clean in reversed(self.cleanups):
            clean()
        shutil.rmtree(self.folder, ignore_errors=True)

    def start(self, **environment: str) -> Started:
        """Start the command in a session of its own, as a shell would for a user."""
        output = self.folder / f"output-{len(self.commands)}"
        words = [sys.executable, "-m", "tests.chaos.program", "run", "--workload", self.workload]
        words += ["--grid", str(self.grid), *self.where, "--repeat-disturbed", "0"]
        words += ["--out", str(self.out), *self.words]
        with output.open("wb") as file:
            process = subprocess.Popen(
                [*self.prefix, *words],
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=subprocess.STDOUT,
                cwd=ROOT,
                env={
                    **os.environ,
                    "PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'tests'}",
                    "TMPDIR": str(self.temporary),
                    LAB: self.folder.name,
                    DATA: str(self.data),
                    **self.environment,
                    **environment,
                },
                start_new_session=True,
            )
        self.commands.append(Started(process, output))
        return self.commands[-1]

    def finish(self, seconds: float = HANG_S) -> Started:
        """Run the command to its end."""
        command = self.start()
        command.wait(seconds)
        return command

    @property
    def journals(self) -> list[Path]:
        """The journals, the oldest first."""
        return sorted((self.out / "journals").glob("*.jsonl"))

    def processes(self) -> list[psutil.Process]:
        """Return every living process that was started in this lab."""
        found = []
        for process in psutil.process_iter():
            try:
                if process.environ().get(LAB) == self.folder.name and _lives(process):
                    found.append(process)
            except (psutil.Error, OSError):
                continue
        known = (one for command in self.commands for one in command.below.values())
        return list({one.pid: one for one in (*found, *filter(_lives, known))}.values())


def wait_for(command: Started, pattern: str, seconds: float = HANG_S) -> bool:
    """Wait until the command has printed `pattern`; return False if it ends or hangs before."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if re.search(pattern, command.text, re.MULTILINE):
            return True
        if command.is_over:
            return False
        command.look_below()
        time.sleep(0.02)
    return False


def _lives(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.Error:
        return False
