"""Journals of many machines, and what a report of them takes: seconds, CPU time and memory.

    python tests/perf/many_machines.py MACHINES JOBS FOLDER [--seed 1] [--report] [--no-journals]
        [--no-figures]

Writes the journals of MACHINES machines with JOBS jobs each, in two sittings, to FOLDER/journals.
With `--report`, it then runs `mnist-bench report` over them and prints what that took; with
`--no-journals`, the journals are there from an earlier call. `--no-figures` is passed on.
"""

from __future__ import annotations

import argparse
import os
import random
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from plausible import Sitting, machine, sittings

from bench.record.seal import sealed_lines


@dataclass(frozen=True)
class Taken:
    """What a command took. `peak_bytes` is its highest resident memory."""

    wall_s: float
    cpu_s: float
    peak_bytes: int
    code: int


def write_journals(machines: int, jobs: int, folder: Path, seed: int = 1) -> int:
    """Write the journals of `machines` machines with `jobs` jobs each; return their bytes.

    The lines are what the project's own journal writes, but without waiting for the disk at each.
    """
    journals = folder / "journals"
    journals.mkdir(parents=True, exist_ok=True)
    written = 0
    for number in range(machines):
        rng = random.Random(f"{seed} {number}")  # one machine more changes no other one
        for sitting in sittings(machine(number, rng), jobs, rng):
            path = journals / f"{sitting.header.run_id}.jsonl"
            written += path.write_bytes(text_of(sitting))
    return written


def text_of(sitting: Sitting) -> bytes:
    """Return the journal of a sitting."""
    lines = (sitting.header, sitting.entry, *sitting.records)
    return b"".join(sealed_lines(lines))


def measured(command: Sequence[str]) -> Taken:
    """Return what a command took, with the processes that it waited for."""
    began = time.perf_counter()
    child = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(child.pid, 0)
    wall_s = time.perf_counter() - began
    child.returncode = os.waitstatus_to_exitcode(status)
    unit = 1 if sys.platform == "darwin" else 1024
    return Taken(wall_s, usage.ru_utime + usage.ru_stime, unit * usage.ru_maxrss, child.returncode)


def report_command(folder: Path, *options: str) -> list[str]:
    """Return the command that reports on all journals of a folder."""
    return [sys.executable, "-m", "mnist_bench", "report", "--out", str(folder), *options]


def main(argv: Sequence[str] | None = None) -> int:
    """Write the journals; with `--report`, print a row of a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("machines", type=int)
    parser.add_argument("jobs", type=int)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--report", action="store_true", help="measure a report of the journals")
    parser.add_argument("--no-journals", action="store_true", help="they were written before")
    parser.add_argument("--no-figures", action="store_true", help="the report has no figures")
    given = parser.parse_args(argv)
    if not given.no_journals:
        written = write_journals(given.machines, given.jobs, given.folder, given.seed)
        print(f"{given.machines} machines x {given.jobs} jobs: {written / 1e6:.1f} MB of journals")
    if given.report:
        options = ["--no-figures"] if given.no_figures else []
        taken = measured(report_command(given.folder, *options))
        print("| machines | jobs each | wall s | CPU s | peak GB |")
        print("| --- | --- | --- | --- | --- |")
        print(
            f"| {given.machines} | {given.jobs} | {taken.wall_s:.1f} | {taken.cpu_s:.1f} "
            f"| {taken.peak_bytes / 1e9:.2f} |"
        )
        return taken.code if taken.code > 1 else 0  # 1 says that some of the jobs failed
    return 0


if __name__ == "__main__":
    sys.exit(main())
