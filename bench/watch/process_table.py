"""The processes that run at a moment: what each has used, and who started whom."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import psutil

from bench.watch.files import KeptFile

PROC = Path("/proc")
TICK_S = 1 / os.sysconf("SC_CLK_TCK")
PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")


@dataclass(frozen=True)
class ProcessLook:
    """One process at one moment. `waited_cpu_s` is the CPU time of its collected children."""

    pid: int
    parent: int
    name: str
    cpu_s: float
    waited_cpu_s: float
    rss_bytes: int
    started: float
    minor_faults: int = 0
    major_faults: int = 0


def parse_stat(text: bytes) -> ProcessLook:
    """Parse a /proc/<pid>/stat text; the name in it may hold spaces and brackets."""
    head, _, rest = text.rpartition(b")")
    pid, _, name = head.partition(b" (")
    fields = rest.split()
    user, system, waited_user, waited_system = (int(fields[i]) for i in (11, 12, 13, 14))
    return ProcessLook(
        pid=int(pid),
        parent=int(fields[1]),
        name=name.decode(errors="replace"),
        cpu_s=(user + system) * TICK_S,
        waited_cpu_s=(waited_user + waited_system) * TICK_S,
        rss_bytes=int(fields[21]) * PAGE_BYTES,
        started=int(fields[19]),
        minor_faults=int(fields[7]),
        major_faults=int(fields[9]),
    )


def watch_process(pid: int) -> Callable[[], ProcessLook]:
    """Return a reader of one process; it raises OSError or psutil.Error if the process is gone."""
    if sys.platform == "linux":
        file = KeptFile(PROC / str(pid) / "stat", 1024)
        return lambda: parse_stat(file.read())
    process = psutil.Process(pid)
    return lambda: _from_psutil(process)


def all_processes() -> dict[int, ProcessLook]:
    """Return all visible processes, by pid."""
    looks = {}
    if sys.platform == "linux":
        for name in os.listdir(PROC):
            if name.isdigit():
                with contextlib.suppress(OSError, ValueError, IndexError):  # it may end meanwhile
                    looks[int(name)] = parse_stat((PROC / name / "stat").read_bytes())
        return looks
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):  # macOS hides other users' processes
            looks[process.pid] = _from_psutil(process)
    return looks


def _from_psutil(process: psutil.Process) -> ProcessLook:
    with process.oneshot():
        times = process.cpu_times()
        return ProcessLook(
            pid=process.pid,
            parent=process.ppid(),
            name=process.name(),
            cpu_s=times.user + times.system,
            waited_cpu_s=0.0,
            rss_bytes=process.memory_info().rss,
            started=process.create_time(),
        )


def descendants(root: int, looks: Mapping[int, ProcessLook]) -> set[int]:
    """Return `root` and all its descendants."""
    below: dict[int, list[int]] = {}
    for look in looks.values():
        below.setdefault(look.parent, []).append(look.pid)
    members, left = set(), [root]
    while left:
        pid = left.pop()
        if pid not in members:
            members.add(pid)
            left += below.get(pid, [])
    return members
