"""Which processes are the benchmark's own, what they use, and which others use the CPUs.

Our own processes are the job's child, all that it started, and the parent that watches it. If Ray
placed the job, the processes of this run's Ray session and its driver are our own too. Before the
first job, if Ray starts meanwhile, they are this process and all that it started. All others are
foreign.
"""

from __future__ import annotations

import contextlib
import os
import re
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import psutil

from bench.record.conditions import ForeignProcess
from bench.watch.files import KeptFile

PROC = Path("/proc")
TICK_S = 1 / os.sysconf("SC_CLK_TCK")
PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")

#: A Ray session's name, which is in the command line of each of its processes.
SESSION = re.compile(r"session_[0-9-]+_[0-9-]+_[0-9]+_[0-9]+")

#: A foreign process that uses fewer CPUs than this is not named.
NAMED_CPUS = 0.02


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


def _ended_by_parent(
    before: Mapping[int, ProcessLook], now: Mapping[int, ProcessLook]
) -> dict[int, float]:
    """Return, by who collected them, the CPU seconds at the scan `before` of processes that ended.

    If the parent ended as well, its own parent collected both, or process 1 the orphan: the seconds
    count for each of them, so that no time of a process that was seen is taken for another's.
    """

    def gone(pid: int) -> bool:
        return pid in before and (pid not in now or now[pid].started != before[pid].started)

    ended_s: dict[int, float] = {}
    for look in filter(lambda look: gone(look.pid), before.values()):
        collectors = {look.parent}
        if gone(look.parent):
            parent, passed = look.parent, {look.pid}
            while gone(parent) and parent not in passed:  # a slow scan may show a ring
                passed.add(parent)
                parent = before[parent].parent
            collectors = {parent, 1}
        for pid in collectors:
            ended_s[pid] = ended_s.get(pid, 0.0) + look.cpu_s + look.waited_cpu_s
    return ended_s


class RaySession:
    """The Ray session that started this process; it is empty if Ray did not."""

    def __init__(self, looks: Mapping[int, ProcessLook], me: int) -> None:
        pid = me
        while pid in looks and not looks[pid].name.startswith("raylet"):
            pid = looks[pid].parent
        self._raylet = pid if pid in looks else None
        self._drivers: set[int] = set()
        self._name: str | None = None
        self._named: dict[tuple[int, float], bool] = {}
        if self._raylet is not None:
            above = looks[pid].parent
            for _ in ("Ray's driver", "the process of the run, which started it"):
                if above in looks and _executable(above) == _executable(me) is not None:
                    self._drivers.add(above)
                    above = looks[above].parent
            match = SESSION.search(_command_line(pid))
            self._name = match[0] if match else None

    def own(self, looks: Mapping[int, ProcessLook]) -> set[int]:
        """Return the raylet, its descendants, the driver, and processes that name the session."""
        if self._raylet is None:
            return set()
        below = descendants(self._raylet, looks) | self._drivers
        return {pid for pid, look in looks.items() if pid in below or self._names_us(look)}

    def _names_us(self, look: ProcessLook) -> bool:
        """Say whether a process names the session; the answer is kept, as it rarely changes."""
        key = (look.pid, look.started)
        if key not in self._named:
            self._named[key] = self._name is not None and self._name in _command_line(look.pid)
        return self._named[key]


def _executable(pid: int) -> str | None:
    try:
        return os.readlink(PROC / str(pid) / "exe")
    except OSError:
        return None


def _command_line(pid: int) -> str:
    try:
        return (PROC / str(pid) / "cmdline").read_bytes().decode(errors="replace")
    except OSError:
        return ""


class Processes:
    """Keeps track of own and foreign processes; `child` is None if no job is running yet.

    If `starting`, all descendants of this process count as own: it starts what its jobs need.
    """

    def __init__(self, child: int | None, *, starting: bool = False) -> None:
        self._child, self._me, self.starting = child, os.getpid(), starting
        self._root = self._me if starting else child  # of the tree of own processes
        self._own: dict[int, Callable[[], ProcessLook]] = {}
        self._tree: set[int] = set()
        self._had: set[int] = set()  # own processes that have ended
        self._collected: set[int] = set()  # ended ones of the tree: their parents count their time
        self._last: dict[int, ProcessLook] = {}
        self._ended_s = 0.0
        self._foreign_s: dict[tuple[int, float], float] = {}
        self._seen_foreign_s = 0.0
        self._names: dict[tuple[int, float], str] = {}
        self._seen: dict[int, ProcessLook] | None = None
        self._ray: RaySession | None = None

    def scan(self) -> None:
        """Look at all processes: find new own ones, and add up what foreign ones used."""
        looks = all_processes()
        self._collected |= self._tree - looks.keys() - {self._root}
        self._tree = descendants(self._root, looks) if self._root in looks else self._tree
        self._ray = self._ray or RaySession(looks, self._me)  # Ray starts before the job
        own = self._tree | {self._me} | self._ray.own(looks)
        for pid in own - self._own.keys():
            with contextlib.suppress(OSError, psutil.Error):  # it ended since
                self._own[pid] = watch_process(pid)
        if self._seen is not None:
            ended_s = _ended_by_parent(self._seen, looks)
            for pid, look in looks.items():
                if pid not in own:
                    self._add_foreign(look, self._seen.get(pid), ended_s.get(pid, 0.0))
        self._seen = looks

    def _add_foreign(self, look: ProcessLook, before: ProcessLook | None, known_s: float) -> None:
        """Add what a foreign process and its short-lived children used since the last scan.

        The kernel adds a child's time to its parent when the child has ended. `known_s` is the part
        of that time that was already counted for the child at the last scan.
        """
        used_s = look.cpu_s
        if before is not None and before.started == look.started:
            used_s -= before.cpu_s
            self._seen_foreign_s += max(0.0, used_s)
            used_s += max(0.0, look.waited_cpu_s - before.waited_cpu_s - known_s)
        if used_s > 0:
            key = (look.pid, look.started)
            self._names[key] = look.name.partition("/")[0]  # kworker/u8:1 changes its name
            self._foreign_s[key] = self._foreign_s.get(key, 0.0) + used_s

    def seen(self) -> dict[str, float]:
        """Return the CPU seconds that foreign processes used while two scans in a row saw them.

        It is the least that others can have used: the time of short-lived processes is left out.
        """
        return {"seen_foreign_cpu_s": self._seen_foreign_s}

    def is_own(self, pid: int) -> bool | None:
        """Say whether a process is our own; None if it is not visible from here."""
        if pid in self._own or pid in self._had:
            return True
        return False if pid in (self._seen or {}) else None

    def read(self) -> dict[str, float]:
        """Return own CPU seconds and, if a child runs, the CPU seconds and memory of its tree."""
        own_s, tree_s, tree_bytes = 0.0, 0.0, 0
        for pid, read in list(self._own.items()):
            try:
                look = read()
            except (OSError, psutil.Error):
                self._forget(pid)
                continue
            self._last[pid] = look
            in_tree = pid in self._tree
            used_s = look.cpu_s + (look.waited_cpu_s if in_tree else 0.0)
            own_s += used_s
            if in_tree:
                tree_s += used_s
                tree_bytes += look.rss_bytes
        own_s += self._ended_s
        if self._child is None:
            return {"own_cpu_s": own_s}
        return {"own_cpu_s": own_s, "tree_cpu_s": tree_s, "tree_rss_bytes": tree_bytes}

    def _forget(self, pid: int) -> None:
        """Drop an ended process. Within the tree, its parent's time already includes it."""
        del self._own[pid]
        self._had.add(pid)
        last, collected = self._last.pop(pid, None), self._collected | self._tree - {self._root}
        if last is not None and (pid not in collected or sys.platform != "linux"):
            self._ended_s += last.cpu_s  # (macOS does not state the time of collected children)

    def busiest_foreign(self, seconds: float, most: int = 3) -> tuple[ForeignProcess, ...]:
        """Return the foreign processes that used most CPU over `seconds`, if above NAMED_CPUS."""
        rows = sorted(self._foreign_s.items(), key=lambda row: -row[1])
        return tuple(
            ForeignProcess(pid=key[0], name=self._names[key], cpus=used / seconds)
            for key, used in rows[:most]
            if used / seconds >= NAMED_CPUS
        )
