"""A look before a run: is this machine quiet enough, and what should be closed?"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

import bench.probe.cgroup as cgroup
import bench.probe.limits as limits
from bench.conditions import Watch
from bench.conditions.flags import Job, flagged
from bench.observed import ForeignProcess, Interference

#: Seconds of a look: long enough for a mean, short enough to wait for.
LOOK_S = 3.0


@dataclass(frozen=True)
class Look:
    """What was seen of a machine on which nothing of ours runs."""

    seen: Interference
    busiest: tuple[ForeignProcess, ...]

    @property
    def is_quiet(self) -> bool:
        """Say whether nothing passed a threshold of `flags`."""
        return self.seen.flag != "disturbed"

    def words(self) -> str:
        """Return the finding in one sentence, with what to close."""
        foreign = self.seen.foreign_cpus
        if self.is_quiet:
            used = "unknown" if foreign is None else f"{foreign:.2f} CPUs"
            return f"the machine is quiet (other processes use {used})"
        names = ", ".join(f"{p.name} (pid {p.pid}, {p.cpus:.2f} CPUs)" for p in self.busiest)
        close = f"; close {names}" if names else ""
        return f"the machine is not quiet: {', '.join(self.seen.causes)}{close}"


def look(threads: int, seconds: float = LOOK_S) -> Look:
    """Watch the machine for `seconds`, for a job of `threads` threads to come."""
    with Watch(None) as watch:
        time.sleep(seconds)
    cpus = len(limits.affinity())
    seen = watch.ledger.interference(watch.began_s, watch.ended_s, cpus)
    busiest = watch.processes.busiest_foreign(watch.ended_s - watch.began_s)
    return Look(flagged(seen, Job(threads, cpus, cgroup.cpu_quota())), busiest)


def wait_quiet(
    threads: int, wait_s: float, say: Callable[[str], None], seconds: float = LOOK_S
) -> Look:
    """Look until the machine is quiet or `wait_s` have passed; tell `say` what is found."""
    deadline = time.monotonic() + wait_s
    found = look(threads, seconds)
    while not found.is_quiet and time.monotonic() < deadline:
        left_s = deadline - time.monotonic()
        say(f"{found.words()}; waiting up to {left_s:.0f} s more")
        found = look(threads, seconds)
    say(found.words())
    return found
