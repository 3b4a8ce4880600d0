"""A look at the machine before a run: is it quiet enough, and what should be closed?"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import dataclass

from bench.probe.root import HOST, Root
from bench.record.conditions import ForeignProcess, Interference, LookRecord
from bench.watch.flags import flagged
from bench.watch.sampler import Watch, job_here

#: Seconds of a look: long enough for a mean, and short enough to wait for.
LOOK_S = 3.0

#: The sources that show what other processes use.
NEEDED = ("processes", "CPU times")

#: Seconds that sources (such as a GPU's driver) have to open before a look begins.
OPEN_S = 2.0


@dataclass(frozen=True)
class Look:
    """What was seen on a machine while none of our jobs ran."""

    seen: Interference
    busiest: tuple[ForeignProcess, ...]
    why_unknown: str = ""

    @property
    def is_quiet(self) -> bool:
        """Say whether no figure reached a threshold of `flags`."""
        return not self.seen.is_disturbed

    def record(self) -> LookRecord:
        """Return the record of the look."""
        quiet = None if self.seen.flag == "unknown" else self.is_quiet
        return LookRecord(quiet=quiet, words=self.words(), seen=self.seen, busiest=self.busiest)

    def words(self) -> str:
        """Return the finding in one sentence, and what to close or to change."""
        return f"{self._finding()}{self._advice()}"

    def _finding(self) -> str:
        if self.seen.flag == "unknown":
            return f"it is unknown whether the machine is quiet: {self.why_unknown}"
        if self.is_quiet:
            used = f"{self.seen.foreign_cpus:.2f} CPUs"
            return f"the machine is quiet (other processes use {used})"
        return f"the machine is not quiet: {', '.join(self.seen.causes)}; {self.close}"

    @property
    def close(self) -> str:
        """What to close, in words, if the machine is not quiet."""
        names = ", ".join(f"{p.name} (pid {p.pid}, {p.cpus:.2f} CPUs)" for p in self.busiest)
        return f"close {names}" if names else "the processes that use it are not visible from here"

    def _advice(self) -> str:
        return "; it runs on battery: plug it in" if self.seen.on_battery else ""


def look(
    threads: int,
    seconds: float = LOOK_S,
    *,
    on_gpu: bool | None = None,
    root: Root = HOST,
    starting: bool = False,
) -> Look:
    """Watch the machine for `seconds` before a job of `threads` threads.

    `on_gpu` is False if the job will not train on a GPU. `root` holds the machine's files. If
    `starting`, all descendants of this process count as own.
    """
    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    with Watch(None, visible_gpus=visible, root=root, starting=starting) as watch:
        watch.wait_open(OPEN_S)
        time.sleep(seconds)
    job = job_here(threads, on_gpu)
    seen = watch.ledger.interference(watch.began_s, watch.ended_s, job.cpus)
    busiest = watch.processes.busiest_foreign(watch.ended_s - watch.began_s)
    doubted = seen.doubts_by_meter
    unread = {name: watch.unknown[name] for name in NEEDED if name in watch.unknown}
    why = "; ".join(f"{name}: {reason}" for name, reason in {**doubted, **unread}.items())
    return Look(flagged(seen, job), busiest, why or "no source gave a figure")


def wait_until_quiet(
    threads: int,
    wait_s: float,
    say: Callable[[str], None],
    seconds: float = LOOK_S,
    *,
    on_gpu: bool | None = None,
    starting: bool = False,
) -> Look:
    """Look until the machine is quiet or `wait_s` have passed; call `say` with each finding.

    `on_gpu` and `starting` are as for `look`.
    """
    deadline = time.monotonic() + wait_s
    last = look(threads, seconds, on_gpu=on_gpu, starting=starting)
    while not last.is_quiet and time.monotonic() < deadline:
        left_s = deadline - time.monotonic()
        say(f"{last.words()}; waiting up to {left_s:.0f} s more")
        last = look(threads, seconds, on_gpu=on_gpu, starting=starting)
    say(last.words())
    return last
