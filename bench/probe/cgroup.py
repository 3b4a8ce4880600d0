"""Limits of this process's own control group, versions 1 and 2, its ancestors included.

Where the group lies in the file system is said by two texts of the kernel together: the group's
path (/proc/self/cgroup) and which part of the hierarchy is mounted where (/proc/self/mountinfo).
Source: cgroups(7), cgroup_namespaces(7), proc_pid_mountinfo(5).
"""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from bench.probe.system import cpus_of

MEMBERSHIP = Path("/proc/self/cgroup")
MOUNTS = Path("/proc/self/mountinfo")
PRESSURE = Path("/proc/pressure")

#: A version 1 group without a memory limit states one near 2**63.
NO_LIMIT_BYTES = 2**60

#: The key of version 2's one hierarchy, where version 1 has the names of controllers.
UNIFIED = ""

#: What limits memory: at `high` the kernel slows a group down that far, at the others it kills.
MEMORY_FILES = ("memory.max", "memory.high", "memory.limit_in_bytes")


@dataclass(frozen=True)
class Mount:
    """A mounted hierarchy: its controllers, the group at its root, and where that is found."""

    controllers: frozenset[str]
    root: str
    point: Path

    def folders(self, path: str) -> Iterator[Path]:
        """Yield the folder of the group `path` and its ancestors here, the innermost first.

        Inside a container the path may be one that only the host can see; what is mounted is then
        the container's own group, or the nearest ancestor that can be seen.
        """
        inner = PurePosixPath(path)
        if inner.is_relative_to(self.root):
            inner = inner.relative_to(self.root)
        parts = [part for part in inner.parts if part not in {"/", ".."}]
        for length in range(len(parts), -1, -1):
            folder = self.point.joinpath(*parts[:length])
            if os.path.isdir(folder):  # Path.is_dir() raises where a folder above is closed
                yield folder


def memberships(text: str) -> dict[str, str]:
    """Return group paths by controller of a /proc/self/cgroup text; version 2's key is UNIFIED."""
    paths = {}
    for line in text.splitlines():
        _, controllers, path = line.split(":", 2)
        for controller in controllers.split(","):
            paths[controller] = path
    return paths


def parse_mounts(text: str) -> tuple[Mount, ...]:
    """Return the control group hierarchies of a /proc/self/mountinfo text."""
    found = []
    for line in text.splitlines():
        own, _, rest = line.partition(" - ")
        words, kind = own.split(), rest.split()
        if len(words) < 5 or not kind or kind[0] not in {"cgroup", "cgroup2"}:
            continue
        named = frozenset(kind[2].split(",")) if kind[0] == "cgroup" and len(kind) > 2 else ()
        root, point = (_unescaped(word) for word in words[3:5])
        found.append(Mount(frozenset(named or {UNIFIED}), root, Path(point)))
    return tuple(found)


def cpu_quota(membership: Path | None = None, mounts: Path | None = None) -> float | None:
    """Return the smallest CPU quota in force, in CPUs; None where there is none."""
    quotas = (_quota(folder) for folder in folders("cpu", membership, mounts))
    return min((quota for quota in quotas if quota is not None), default=None)


def memory_limit(membership: Path | None = None, mounts: Path | None = None) -> int | None:
    """Return the smallest memory limit in force, in bytes; None where there is none.

    Version 1 states the smallest of all ancestors, those outside of a container included.
    """
    limits = []
    for folder in folders("memory", membership, mounts):
        stated = [words[0] for name in MEMORY_FILES if (words := _fields(folder / name))]
        fields = _fields(folder / "memory.stat")
        stat = dict(zip(fields[::2], fields[1::2], strict=False))
        stated.append(stat.get("hierarchical_memory_limit", "max"))
        limits += [int(text) for text in stated if text.isdigit() and int(text) < NO_LIMIT_BYTES]
    return min(limits, default=None)


def cpuset(membership: Path | None = None, mounts: Path | None = None) -> frozenset[int] | None:
    """Return the CPUs of the own group's cpuset, None where no cpuset is in force."""
    for folder in folders("cpuset", membership, mounts):
        for name in ("cpuset.cpus.effective", "cpuset.effective_cpus", "cpuset.cpus"):
            words = _fields(folder / name)
            if words:
                return cpus_of(words[0])
    return None


def throttling_file(membership: Path | None = None, mounts: Path | None = None) -> Path | None:
    """Return the `cpu.stat` of the group whose quota is the smallest, None where none has one."""
    found = [
        (quota, folder / "cpu.stat")
        for folder in folders("cpu", membership, mounts)
        if (quota := _quota(folder)) is not None
    ]
    return min(found)[1] if found else None


def pressure_file(
    resource: str, membership: Path | None = None, mounts: Path | None = None
) -> Path:
    """Return the pressure file of `resource` (cpu, memory, io) of the own version 2 group.

    Outside such a group, and in the root group, it is the whole system's.
    """
    folder = next(folders(resource, membership, mounts), None)
    own = folder and folder / f"{resource}.pressure"
    return own if own and own.is_file() else PRESSURE / resource


def folders(
    controller: str, membership: Path | None = None, mounts: Path | None = None
) -> Iterator[Path]:
    """Yield this process's group and its ancestors, in both hierarchies, the innermost first."""
    try:
        paths = memberships((membership or MEMBERSHIP).read_text(errors="replace"))
        hierarchies = parse_mounts((mounts or MOUNTS).read_text(errors="replace"))
    except (OSError, ValueError):  # not Linux, or a text that nobody knows
        return
    for key in (controller, UNIFIED):
        for mount in hierarchies:
            if key in paths and key in mount.controllers:
                yield from mount.folders(paths[key])


def _quota(folder: Path) -> float | None:
    """Return the quota that one group states, in CPUs; None of one that states no numbers."""
    with contextlib.suppress(ValueError, IndexError, ZeroDivisionError):
        unified = _fields(folder / "cpu.max")
        if unified and unified[0] != "max":
            return int(unified[0]) / int(unified[1])
        quota, period = _fields(folder / "cpu.cfs_quota_us"), _fields(folder / "cpu.cfs_period_us")
        if quota and period and int(quota[0]) > 0:
            return int(quota[0]) / int(period[0])
    return None


def _fields(file: Path) -> list[str]:
    """Return the fields of a file, parted by white space; none if it cannot be read."""
    try:
        return file.read_text(errors="replace").split()
    except OSError:
        return []


def _unescaped(text: str) -> str:
    """Return a path of mountinfo, which writes spaces and the like as octal: `\\040`."""
    return re.sub(r"\\([0-7]{3})", lambda found: chr(int(found[1], 8)), text)
