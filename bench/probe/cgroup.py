"""Limits of this process's own control group, versions 1 and 2, its ancestors included."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from bench.probe.system import cpus_of

ROOT = Path("/sys/fs/cgroup")
MEMBERSHIP = Path("/proc/self/cgroup")

#: A version 1 group without a memory limit states one near 2**63.
NO_LIMIT_BYTES = 2**60


def memberships(text: str) -> dict[str, str]:
    """Return group paths by controller of a /proc/self/cgroup text; version 2's key is empty."""
    paths = {}
    for line in text.splitlines():
        _, controllers, path = line.split(":", 2)
        for controller in controllers.split(","):
            paths[controller] = path
    return paths


def cpu_quota(root: Path = ROOT, membership: Path = MEMBERSHIP) -> float | None:
    """Return the smallest CPU quota in force, in CPUs; None where there is none."""
    quotas = (_quota(folder) for folder in folders("cpu", root, membership))
    return min((quota for quota in quotas if quota is not None), default=None)


def memory_limit(root: Path = ROOT, membership: Path = MEMBERSHIP) -> int | None:
    """Return the smallest memory limit in force, in bytes; None where there is none."""
    limits = []
    for folder in folders("memory", root, membership):
        for name in ("memory.max", "memory.limit_in_bytes"):
            words = _words(folder / name)
            if words and words[0] != "max" and int(words[0]) < NO_LIMIT_BYTES:
                limits.append(int(words[0]))
    return min(limits, default=None)


def cpuset(root: Path = ROOT, membership: Path = MEMBERSHIP) -> frozenset[int] | None:
    """Return the CPUs of the own group's cpuset, None where no cpuset is in force."""
    for folder in folders("cpuset", root, membership):
        for name in ("cpuset.cpus.effective", "cpuset.effective_cpus", "cpuset.cpus"):
            words = _words(folder / name)
            if words:
                return cpus_of(words[0])
    return None


def throttling_file(root: Path = ROOT, membership: Path = MEMBERSHIP) -> Path | None:
    """Return the `cpu.stat` of the group whose quota is the smallest, None where none has one."""
    found = [
        (quota, folder / "cpu.stat")
        for folder in folders("cpu", root, membership)
        if (quota := _quota(folder)) is not None
    ]
    return min(found)[1] if found else None


def pressure_file(resource: str, root: Path = ROOT, membership: Path = MEMBERSHIP) -> Path:
    """Return the pressure file of `resource` (cpu, memory, io) of the own version 2 group.

    Outside such a group, and in the root group, it is the whole system's.
    """
    folder = next(folders(resource, root, membership), None)
    own = folder and folder / f"{resource}.pressure"
    return own if own and own.is_file() else Path("/proc/pressure") / resource


def folders(controller: str, root: Path = ROOT, membership: Path = MEMBERSHIP) -> Iterator[Path]:
    """Yield this process's group and its ancestors, in both hierarchies, the innermost first.

    Inside a container the path may name a group that only the host can see; the mounted root is
    then the container's own group, so the root is always among the folders.
    """
    try:
        paths = memberships(membership.read_text())
    except OSError:
        return
    for key, base in ((controller, root / controller), ("", root), ("", root / "unified")):
        if key not in paths or not base.is_dir():
            continue
        folder = base / paths[key].lstrip("/")
        while True:
            if folder.is_dir():
                yield folder
            if folder == base or base not in folder.parents:
                break
            folder = folder.parent


def _quota(folder: Path) -> float | None:
    """Return the quota that one group states, in CPUs."""
    unified = _words(folder / "cpu.max")
    if unified and unified[0] != "max":
        return int(unified[0]) / int(unified[1])
    quota, period = _words(folder / "cpu.cfs_quota_us"), _words(folder / "cpu.cfs_period_us")
    if quota and period and int(quota[0]) > 0:
        return int(quota[0]) / int(period[0])
    return None


def _words(file: Path) -> list[str]:
    try:
        return file.read_text().split()
    except OSError:
        return []
