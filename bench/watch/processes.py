"""Which processes are the benchmark's own, what they use, and which others use the CPUs.

Our own processes are the job's child, all that it started, and the parent that watches it. If Ray
placed the job, the processes of this run's Ray session and its driver are our own too. Before the
first job, if Ray starts meanwhile, they are this process and all that it started. All others are
foreign.
"""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Callable, Mapping

import psutil

from bench.record.conditions import ForeignProcess
from bench.watch.process_table import ProcessLook, all_processes, descendants, watch_process
from bench.watch.ray_session import RaySession

#: A foreign process that uses fewer CPUs than this is not named.
NAMED_CPUS = 0.02


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
