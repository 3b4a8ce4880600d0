"""Which processes are the benchmark's own, what they use, and who else uses the CPUs.

Own are the job's child and all that it started, the parent that watches it, and, where Ray placed
the job, the processes of this run's Ray session and its driver. All others are foreign.
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

#: What every Ray process of one session has in its command line.
SESSION = re.compile(r"session_[0-9-]+_[0-9-]+_[0-9]+_[0-9]+")

#: CPUs below which a foreign process is not worth a name.
NAMED_CPUS = 0.02


@dataclass(frozen=True)
class ProcessLook:
    """One process at one moment. `waited_cpu_s` is that of its ended and collected children."""

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
    """Return what a /proc/<pid>/stat text says; a name may hold spaces and brackets."""
    head, _, rest = text.rpartition(b")")
    pid, _, name = head.partition(b" (")
    words = rest.split()
    user, system, waited_user, waited_system = (int(words[i]) for i in (11, 12, 13, 14))
    return ProcessLook(
        pid=int(pid),
        parent=int(words[1]),
        name=name.decode(errors="replace"),
        cpu_s=(user + system) * TICK_S,
        waited_cpu_s=(waited_user + waited_system) * TICK_S,
        rss_bytes=int(words[21]) * PAGE_BYTES,
        started=int(words[19]),
        minor_faults=int(words[7]),
        major_faults=int(words[9]),
    )


def watch_process(pid: int) -> Callable[[], ProcessLook]:
    """Return a reader of one process that raises OSError or psutil.Error once it is gone."""
    if sys.platform == "linux":
        file = KeptFile(PROC / str(pid) / "stat", 1024)
        return lambda: parse_stat(file.read())
    process = psutil.Process(pid)
    return lambda: _from_psutil(process)


def all_processes() -> dict[int, ProcessLook]:
    """Return every process that can be seen, by pid."""
    found = {}
    if sys.platform == "linux":
        for name in os.listdir(PROC):
            if name.isdigit():
                with contextlib.suppress(OSError, ValueError, IndexError):  # it may end meanwhile
                    found[int(name)] = parse_stat((PROC / name / "stat").read_bytes())
        return found
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):  # others' processes are closed to us on macOS
            found[process.pid] = _from_psutil(process)
    return found


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
    """Return `root` and all processes below it."""
    below: dict[int, list[int]] = {}
    for look in looks.values():
        below.setdefault(look.parent, []).append(look.pid)
    found, left = set(), [root]
    while left:
        pid = left.pop()
        if pid not in found:
            found.add(pid)
            left += below.get(pid, [])
    return found


def _ended_by_parent(
    before: Mapping[int, ProcessLook], now: Mapping[int, ProcessLook]
) -> dict[int, float]:
    """Return the CPU seconds that children since ended had at the scan `before`, by parent."""
    found: dict[int, float] = {}
    for pid, look in before.items():
        if pid not in now or now[pid].started != look.started:
            had_s = look.cpu_s + look.waited_cpu_s
            found[look.parent] = found.get(look.parent, 0.0) + had_s
    return found


class RaySession:
    """The Ray session that placed us: nothing where Ray did not."""

    def __init__(self, looks: Mapping[int, ProcessLook], me: int) -> None:
        pid = me
        while pid in looks and not looks[pid].name.startswith("raylet"):
            pid = looks[pid].parent
        self._raylet = pid if pid in looks else None
        self._driver: int | None = None
        self._name: str | None = None
        self._named: dict[tuple[int, float], bool] = {}
        if self._raylet is not None:
            parent = looks[pid].parent
            if _executable(parent) == _executable(me) is not None:  # runs the same Python: driver
                self._driver = parent
            found = SESSION.search(_command_line(pid))
            self._name = found[0] if found else None

    def own(self, looks: Mapping[int, ProcessLook]) -> set[int]:
        """Return the raylet and what is below it, the driver, and what names the session."""
        if self._raylet is None:
            return set()
        below = descendants(self._raylet, looks) | {self._driver}
        return {pid for pid, look in looks.items() if pid in below or self._names_us(look)}

    def _names_us(self, look: ProcessLook) -> bool:
        """Say whether a process names the session; asked once, command lines rarely change."""
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
    """Keeps count of own and foreign processes from scan to scan; `child` None: no job runs yet."""

    def __init__(self, child: int | None) -> None:
        self._child, self._me = child, os.getpid()
        self._own: dict[int, Callable[[], ProcessLook]] = {}
        self._tree: set[int] = set()
        self._had: set[int] = set()  # own ones that have ended
        self._last: dict[int, ProcessLook] = {}
        self._ended_s = 0.0
        self._foreign_s: dict[tuple[int, float], float] = {}
        self._names: dict[tuple[int, float], str] = {}
        self._seen: dict[int, ProcessLook] | None = None
        self._ray: RaySession | None = None

    def scan(self) -> None:
        """Look at all processes: find new ones of our own, add up what foreign ones used."""
        looks = all_processes()
        self._tree = descendants(self._child, looks) if self._child in looks else self._tree
        self._ray = self._ray or RaySession(looks, self._me)  # Ray is there before the job
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
        """Add what a stranger used since the last scan, short-lived children of its included.

        A parent is given the time of a child once it has ended; `known_s` of that was the child's
        own at the last scan already.
        """
        used_s = look.cpu_s
        if before is not None and before.started == look.started:
            used_s -= before.cpu_s
            used_s += max(0.0, look.waited_cpu_s - before.waited_cpu_s - known_s)
        if used_s > 0:
            key = (look.pid, look.started)
            self._names[key] = look.name.partition("/")[0]  # kworker/u8:1 goes by many names
            self._foreign_s[key] = self._foreign_s.get(key, 0.0) + used_s

    def is_own(self, pid: int) -> bool | None:
        """Say whether a process is our own; None of one that cannot be seen from here."""
        if pid in self._own or pid in self._had:
            return True
        return False if pid in (self._seen or {}) else None

    def read(self) -> dict[str, float]:
        """Return CPU seconds of all own processes, and CPU and memory of the child's tree."""
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
        return {"own_cpu_s": own_s, "tree_cpu_s": tree_s, "tree_rss_bytes": tree_bytes}

    def _forget(self, pid: int) -> None:
        """Drop an ended process; its time is in its parent's where that is in the child's tree."""
        del self._own[pid]
        self._had.add(pid)
        last = self._last.pop(pid, None)
        if last is not None and pid not in self._tree - {self._child}:
            self._ended_s += last.cpu_s

    def busiest_foreign(self, seconds: float, most: int = 3) -> tuple[ForeignProcess, ...]:
        """Return the foreign processes that used most CPU over `seconds`, if worth a name."""
        rows = sorted(self._foreign_s.items(), key=lambda row: -row[1])
        return tuple(
            ForeignProcess(pid=key[0], name=self._names[key], cpus=used / seconds)
            for key, used in rows[:most]
            if used / seconds >= NAMED_CPUS
        )
