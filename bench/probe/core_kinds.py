"""Kinds of core that a CPU has several of: performance and efficiency, big and little."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping

import bench.probe.arm as arm
import bench.probe.system as system
from bench.probe.cpus import cpuinfo_text, folders, switched_on
from bench.probe.root import Root

#: This folder holds Intel's lists of the CPUs of each kind of core.
DEVICES = "/sys/devices"

#: The kernel's names of Intel's kinds of core, and the usual names.
HYBRID: Mapping[str, str] = {
    "cpu_core": "performance",
    "cpu_atom": "efficiency",
    "cpu_lowpower": "low power",
}


def core_kinds(root: Root) -> dict[str, int] | None:
    """Return how many CPUs there are of each kind; None if all CPUs are alike.

    Apple and Intel name the kinds. For Arm cores the kernel gives a relative capacity, or else each
    CPU's part tells. The counts add up to the CPUs that are switched on.
    """
    if root.is_macos:
        return macos_core_kinds(system.sysctl(root))
    here = switched_on(root)
    counts = _named_kinds(root, here) or _capacities(root, here) or _parts(root, here)
    return counts if len(counts) > 1 else None


def _named_kinds(root: Root, here: frozenset[int]) -> dict[str, int]:
    """Return the counts of Intel's kinds of core."""
    counts, known = {}, frozenset[int]()
    for folder in root.below(DEVICES, "cpu_[a-z]+"):
        cpus = system.cpus_of(root.line(folder / "cpus") or "")
        cpus &= here or cpus
        if cpus:
            counts[HYBRID.get(folder.name, folder.name.removeprefix("cpu_"))] = len(cpus)
            known |= cpus
    all_ = here or {int(cpu.name[3:]) for cpu in folders(root)}
    ordered = {name: counts.pop(name) for name in HYBRID.values() if name in counts} | counts
    return ordered | ({"other": len(all_ - known)} if ordered and all_ - known else {})


def _capacities(root: Root, here: frozenset[int]) -> dict[str, int]:
    """Return the counts of CPUs by their relative capacities, the biggest first."""
    stated = {
        cpu: root.number(cpu / "cpu_capacity")
        for cpu in folders(root)
        if not here or int(cpu.name[3:]) in here
    }
    counts = Counter(capacity for capacity in stated.values() if capacity is not None)
    found = {f"capacity {capacity}": counts[capacity] for capacity in sorted(counts, reverse=True)}
    missing = len(stated) - sum(counts.values())
    return found | ({"capacity unknown": missing} if len(found) > 1 and missing else {})


def _parts(root: Root, here: frozenset[int]) -> dict[str, int]:
    """Return the counts of CPUs by the names of their Arm cores, the last ones first."""
    found = re.findall(
        r"^processor\s*:\s*(\d+)$(?:\n.+)*?\nCPU implementer\s*:\s*(\S+)(?:\n.+)*?\n"
        r"CPU part\s*:\s*(\S+)",
        cpuinfo_text(root),
        re.MULTILINE,
    )
    counts = Counter(
        arm.core(implementer, part)
        for number, implementer, part in reversed(found)
        if not here or int(number) in here
    )
    return dict(counts)


def macos_core_kinds(sysctl: Mapping[str, str]) -> dict[str, int] | None:
    """Return how many CPUs there are of each kind in the sysctl values of a macOS machine."""
    counts = {}
    for level in range(int(sysctl.get("hw.nperflevels", "0"))):
        name, count = (sysctl.get(f"hw.perflevel{level}.{key}") for key in ("name", "logicalcpu"))
        if count:
            counts[(name or f"level {level}").lower()] = int(count)
    return counts if len(counts) > 1 else None
