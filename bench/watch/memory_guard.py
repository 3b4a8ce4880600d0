"""Guards the memory while a job runs: says when its child must end before the system runs out.

The kernel would otherwise kill a process of its own choice, or swap more and more.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import psutil

import bench.probe.cgroup as cgroup
from bench import units
from bench.probe.memory import MEMINFO, parse_meminfo

#: The memory that must be left: a share of the whole, within these bounds. A process takes about
#: 2 GiB/s, and the guard looks ten times a second.
LEFT_SHARE, LEFT_LEAST_BYTES, LEFT_MOST_BYTES = 0.03, 24 * 2**20, 320 * 2**20

#: Files of a group in version 2 and in version 1: the limit and the use.
FILES = (("memory.max", "memory.current"), ("memory.limit_in_bytes", "memory.usage_in_bytes"))

#: What the kernel takes back from a group: files' pages and its own caches. It counts both as
#: available on a whole machine (MemAvailable in proc_meminfo(5)).
RECLAIMABLE = ("inactive_file", "active_file", "slab_reclaimable")

#: Where the kernel counts the processes that it killed for lack of memory.
KILLS = ("memory.events", "memory.oom_control")
SYSTEM_KILLS = Path("/proc/vmstat")


@dataclass(frozen=True)
class Room:
    """Memory that a job shares with others: what there is, and what is left of it."""

    where: str
    whole_bytes: int
    left_bytes: int

    @property
    def needed_bytes(self) -> int:
        """The least that must be left."""
        return min(max(int(LEFT_SHARE * self.whole_bytes), LEFT_LEAST_BYTES), LEFT_MOST_BYTES)


class MemoryGuard:
    """Looks at the memory of this machine and of the control groups of this process."""

    def __init__(self, pid: int) -> None:
        self._child = psutil.Process(pid)
        self._groups = [
            (limit, use, folder / "memory.stat")
            for folder in map(Path, cgroup.folders("memory"))
            for limit, use in ((folder / one, folder / other) for one, other in FILES)
            if _number(limit) is not None
        ]
        self._kills = kills()

    def why_end(self) -> str | None:
        """Return why the child must end now; None if it may go on.

        A child that holds less memory than must be left is not the cause, and goes on.
        """
        for room in self._rooms():
            if room.left_bytes < room.needed_bytes:
                held_bytes = self._held_bytes()
                if held_bytes > room.needed_bytes:
                    return (
                        f"it was ended when it held {units.mebibytes(held_bytes)} MiB: "
                        f"{units.mebibytes(room.left_bytes)} MiB were left of the "
                        f"{units.mebibytes(room.whole_bytes)} MiB of {room.where}"
                    )
        return None

    def _held_bytes(self) -> int:
        """Return what the child and all below it hold; pages that they share count for each."""
        held = 0
        with contextlib.suppress(psutil.Error):
            for one in (self._child, *self._child.children(recursive=True)):
                with contextlib.suppress(psutil.Error):  # it has just ended
                    held += one.memory_info().rss
        return held

    def killed(self) -> bool:
        """Return whether the kernel has killed a process since for lack of memory."""
        return kills() > self._kills

    def _rooms(self) -> Iterator[Room]:
        whole, left = system_memory()
        yield Room("this machine", whole, left)
        for limit_file, use_file, stat in self._groups:
            limit, used = _number(limit_file), _number(use_file)
            if limit is not None and used is not None and limit < whole:
                room = Room("its control group", limit, limit - used)
                if room.left_bytes < room.needed_bytes:
                    room = replace(room, left_bytes=room.left_bytes + _reclaimable(stat))
                yield room


def system_memory() -> tuple[int, int]:
    """Return the memory of this machine, and what of it is available without swapping."""
    with contextlib.suppress(OSError):
        with open(MEMINFO, "rb") as file:  # ten times a second: its first lines are enough
            fields = parse_meminfo(file.read(256).decode())
        if {"MemTotal", "MemAvailable"} <= fields.keys():
            return fields["MemTotal"], fields["MemAvailable"]
    seen = psutil.virtual_memory()
    return seen.total, seen.available


def kills() -> int:
    """Return how many processes the kernel has killed here for lack of memory, as far as seen."""
    files = [Path(folder) / name for folder in cgroup.folders("memory") for name in KILLS]
    return sum(_fields(file).get("oom_kill", 0) for file in (*files, SYSTEM_KILLS))


def _number(file: Path) -> int | None:
    """Return the number in a file; None if there is none."""
    with contextlib.suppress(OSError, ValueError):
        return int(file.read_text())
    return None


def _fields(file: Path) -> dict[str, int]:
    """Return the numbers in a file of the kernel by their names; none if it cannot be read."""
    with contextlib.suppress(OSError, ValueError):
        rows = (line.partition(" ") for line in file.read_text().splitlines())
        return {name: int(value) for name, _, value in rows if value.strip().isdecimal()}
    return {}


def _reclaimable(stat: Path) -> int:
    """Return the bytes of a group's memory that the kernel takes back before it kills.

    In version 1, the group's own figures stand beside those with the groups below it (`total_`),
    which count in its use.
    """
    found = _fields(stat)
    return sum(found.get(f"total_{name}", found.get(name, 0)) for name in RECLAIMABLE)
