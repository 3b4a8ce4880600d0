"""Limits of this process's control group and its ancestors, for cgroup versions 1 and 2.

Two files of the kernel together tell where the group lies in the file system: /proc/self/cgroup
gives the group's path, and /proc/self/mountinfo says which part of the hierarchy is mounted where.
Source: cgroups(7), cgroup_namespaces(7), proc_pid_mountinfo(5).
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath

from bench.probe.root import HOST, Root
from bench.probe.system import cpus_of

MEMBERSHIP = "/proc/self/cgroup"
MOUNTS = "/proc/self/mountinfo"
PRESSURE = PurePosixPath("/proc/pressure")

#: A version 1 group without a memory limit reports a limit near 2**63, or on a kernel of 32 bits
#: the most that a word can count in pages of 4, 16 or 64 KiB.
NO_LIMIT_BYTES = 2**60
NO_LIMITS_OF_32_BITS = frozenset((2**31 - 1) * 2**bits for bits in (12, 14, 16))

#: The key of version 2's single hierarchy; version 1 has the names of controllers instead.
UNIFIED = ""

#: Files of version 2 that limit memory: at `high` the kernel slows the group, at `max` it kills.
MEMORY_FILES = ("memory.max", "memory.high")


@dataclass(frozen=True)
class Mount:
    """A mounted hierarchy: its controllers, the group at its root, and its mount point."""

    controllers: frozenset[str]
    root: str
    point: PurePosixPath

    def folders(self, path: str, files: Root) -> Iterator[PurePosixPath]:
        """Yield the folders of the group `path` and of its ancestors here, the innermost first.

        Inside a container, only the host may see the path. In that case the mount is the
        container's own group, or the nearest visible ancestor. A mount whose root is a group that
        does not hold `path` is another container's and yields nothing. If its root lies above the
        namespace (`/..`), it is an ancestor.
        """
        inner, root = PurePosixPath(path), PurePosixPath(self.root)
        if set(root.parts) <= {"/", ".."}:
            inner = inner if self.root == "/" else PurePosixPath("/")
        elif inner.is_relative_to(root):
            inner = inner.relative_to(root)
        else:
            return
        parts = [part for part in inner.parts if part not in {"/", ".."}]
        for length in range(len(parts), -1, -1):
            folder = self.point.joinpath(*parts[:length])
            if files.is_folder(folder):
                yield folder


def memberships(text: str) -> dict[str, str]:
    """Return group paths by controller of a /proc/self/cgroup text; version 2's key is UNIFIED.

    Kernels before 2.6.24 wrote no number before the controllers.
    """
    paths = {}
    for line in text.splitlines():
        stated = re.fullmatch(r"(?:\d+:)?([^:]*):(/.*)", line)
        for controller in stated[1].split(",") if stated else ():
            paths[controller] = stated[2] if stated else ""
    return paths


def parse_mounts(text: str) -> tuple[Mount, ...]:
    """Return the visible control group hierarchies of a /proc/self/mountinfo text.

    A mount is hidden by a later one on its own mount point, which has it as its parent.
    """
    mounts = []
    lines = [line.partition(" - ") for line in text.splitlines()]
    over = {tuple(own.split()[1:5:3]) for own, _, _ in lines}
    for own, _, rest in lines:
        fields, kind = own.split(), rest.split()
        if len(fields) < 5 or not kind or kind[0] not in {"cgroup", "cgroup2"}:
            continue
        if (fields[0], fields[4]) in over:
            continue
        named = frozenset(kind[2].split(",")) if kind[0] == "cgroup" and len(kind) > 2 else ()
        root, point = (_unescaped(field) for field in fields[3:5])
        mounts.append(Mount(frozenset(named or {UNIFIED}), root, PurePosixPath(point)))
    return tuple(mounts)


def cpu_quota(root: Root = HOST) -> float | None:
    """Return the smallest CPU quota in force, in CPUs; None if no quota is set."""
    quotas = (_quota(root, folder) for folder in folders("cpu", root))
    return min((quota for quota in quotas if quota is not None), default=None)


def memory_limit(root: Root = HOST) -> int | None:
    """Return the smallest memory limit in force, in bytes; None if no limit is set.

    Version 1 reports the smallest limit of all ancestors itself, including ancestors outside a
    container. Ancestors that do not pass their limit on are not in force.
    """
    stated: list[str] = []
    answered: list[PurePosixPath] = []  # groups whose ancestors are in their answer
    for folder in folders("memory", root):
        stated += [text for name in MEMORY_FILES if (text := _word(root, folder / name))]
        own = _word(root, folder / "memory.limit_in_bytes")
        if not own or any(group.is_relative_to(folder) for group in answered):
            continue
        fields = _fields(root, folder / "memory.stat")
        whole = dict(zip(fields[::2], fields[1::2], strict=False)).get("hierarchical_memory_limit")
        stated.append(whole or own)
        alone = _word(root, folder.parent / "memory.use_hierarchy") == "0"
        answered += [folder] if whole is not None or alone else []
    return min(filter(None, map(_limit, stated)), default=None)


def _limit(text: str) -> int | None:
    """Return a limit in bytes; None if the text means that there is none."""
    limit = int(text) if text.isdecimal() and text.isascii() else NO_LIMIT_BYTES
    return None if limit >= NO_LIMIT_BYTES or limit in NO_LIMITS_OF_32_BITS else limit


def cpuset(root: Root = HOST) -> frozenset[int] | None:
    """Return the CPUs of this process's cpuset; None if no cpuset is in force."""
    for folder in folders("cpuset", root):
        for name in ("cpuset.cpus.effective", "cpuset.effective_cpus", "cpuset.cpus"):
            stated = _word(root, folder / name)
            if stated:
                return cpus_of(stated)
    return None


def throttling_file(root: Root = HOST) -> PurePosixPath | None:
    """Return the `cpu.stat` of the group with the smallest quota; None if no group has a quota."""
    files = [
        (quota, folder / "cpu.stat")
        for folder in folders("cpu", root)
        if (quota := _quota(root, folder)) is not None
    ]
    return min(files)[1] if files else None


def pressure_file(resource: str, root: Root = HOST) -> PurePosixPath:
    """Return the pressure file of `resource` (cpu, memory, io) for this process's version 2 group.

    Outside such a group, and in the root group, it is the file of the whole system.
    """
    folder = next(folders(resource, root), None)
    own = folder and folder / f"{resource}.pressure"
    return own if own and root.exists(own) else PRESSURE / resource


def folders(controller: str, root: Root = HOST) -> Iterator[PurePosixPath]:
    """Yield this process's group and its ancestors, in both hierarchies, the innermost first."""
    try:
        paths = memberships(root.text(MEMBERSHIP))
        hierarchies = parse_mounts(root.text(MOUNTS))
    except (OSError, ValueError):  # not Linux, or an unknown format
        return
    for key in (controller, UNIFIED):
        for mount in hierarchies:
            if key in paths and key in mount.controllers:
                yield from mount.folders(paths[key], root)


def _quota(root: Root, folder: PurePosixPath) -> float | None:
    """Return the quota of one group, in CPUs; None if it states no numbers."""
    with contextlib.suppress(ValueError, IndexError, ZeroDivisionError):
        unified = _fields(root, folder / "cpu.max")
        if unified and unified[0] != "max":
            return int(unified[0]) / int(unified[1])
        quota, period = (_word(root, folder / f"cpu.cfs_{name}_us") for name in ("quota", "period"))
        if quota and period and int(quota) > 0:
            return int(quota) / int(period)
    return None


def _word(root: Root, file: PurePosixPath) -> str:
    """Return the first word of a file; "" if it cannot be read or is empty."""
    return next(iter(_fields(root, file)), "")


def _fields(root: Root, file: PurePosixPath) -> list[str]:
    """Return a file's fields, split at white space; an empty list if it cannot be read.

    A version 1 hierarchy may be mounted without prefixes: `cpus` in place of `cpuset.cpus`.
    """
    for name in (file.name, file.name.partition(".")[2]):
        with contextlib.suppress(OSError):
            return root.text(file.with_name(name)).split()
    return []


def _unescaped(text: str) -> str:
    """Return a path of mountinfo with its octal escapes resolved (`\\040` is a space)."""
    return re.sub(r"\\([0-7]{3})", lambda escape: chr(int(escape[1], 8)), text)
