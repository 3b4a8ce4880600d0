"""Which CPUs a machine has: their numbers and their folders in /sys."""

from __future__ import annotations

import re
from pathlib import PurePosixPath

import bench.probe.system as system
from bench.probe.cpuinfo import CPUINFO
from bench.probe.root import HOST, Root

CPUS = PurePosixPath("/sys/devices/system/cpu")


def folders(root: Root = HOST) -> list[PurePosixPath]:
    """Return the folders of all CPUs in /sys, by number."""
    return root.below(CPUS, "cpu[0-9]+")


def switched_on(root: Root = HOST) -> frozenset[int]:
    """Return the numbers of the CPUs that /sys says are switched on; empty if it does not say."""
    return system.cpus_of(root.line(CPUS / "online") or "")


def online(root: Root = HOST) -> frozenset[int]:
    """Return the numbers of the CPUs that are switched on; empty if the system does not say."""
    listed = switched_on(root)
    if listed:
        return listed
    found = re.findall(r"^processor\s*:?\s*([0-9]+)", cpuinfo_text(root), re.MULTILINE)
    return frozenset(map(int, found)) or frozenset(int(cpu.name[3:]) for cpu in folders(root))


def cpuinfo_text(root: Root = HOST) -> str:
    """Return /proc/cpuinfo; an empty text if it cannot be read."""
    return root.text_or_empty(CPUINFO)


def core_of(root: Root, cpu: PurePosixPath) -> str | None:
    """Return the kernel's list of the CPUs that share a core with the CPU of the folder `cpu`."""
    names = ("core_cpus_list", "thread_siblings_list")  # the newer name, the older one
    stated = (root.line(cpu / "topology" / name) for name in names)
    return next(filter(None, stated), None)
