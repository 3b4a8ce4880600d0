"""How the CPUs are laid out: sockets, cores, threads, caches, NUMA nodes."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import PurePosixPath

import psutil

import bench.probe.system as system
from bench.probe.core_kinds import core_kinds
from bench.probe.cpuinfo import CpuInfo
from bench.probe.cpus import core_of, cpuinfo_text, folders, online
from bench.probe.fact import MANY_S, Absent, Fact
from bench.probe.instruction_sets import family_of
from bench.probe.root import Root

TITLE = "Layout"

NODES = PurePosixPath("/sys/devices/system/node")

#: sysctl names of macOS and our names of the caches; Apple's fast cores come first.
MACOS_CACHES: tuple[tuple[str, str], ...] = (
    ("hw.perflevel0.l1dcachesize", "L1d"),
    ("hw.l1dcachesize", "L1d"),
    ("hw.perflevel0.l1icachesize", "L1i"),
    ("hw.l1icachesize", "L1i"),
    ("hw.perflevel0.l2cachesize", "L2"),
    ("hw.l2cachesize", "L2"),
    ("hw.l3cachesize", "L3"),
)

#: Parts of a package's number: on IBM Z, the packages of each book and drawer count from 0.
PACKAGE = ("drawer_id", "book_id", "physical_package_id")

#: These exist on machines whose firmware describes them by a device tree or by ACPI.
DEVICE_TREE, ACPI = "/sys/firmware/devicetree/base", "/sys/firmware/acpi/tables"

_SUFFIXES = {"K": 2**10, "M": 2**20, "G": 2**30}
_KINDS = {"Data": "d", "Instruction": "i", "Unified": ""}


def size_bytes(text: str) -> int | None:
    """Return the bytes of a kernel cache size: `512K` is 524288; None if it is no size."""
    stated = re.fullmatch(r"([0-9]+)([KMG]?)", text, re.IGNORECASE)
    return int(stated[1]) * _SUFFIXES.get(stated[2].upper(), 1) if stated else None


def caches(root: Root) -> dict[str, tuple[int, int]] | None:
    """Return (bytes of one, how many) of each cache by name: L1d, L1i, L2, L3; or None.

    If caches of one name have unlike sizes, the largest has the name and the others have numbers:
    `L3` and `L3 (2)` of a CPU whose dies differ.
    """
    groups: dict[tuple[str, int], set[str]] = {}
    known: dict[str, set[int]] = {}  # by index: the CPUs that share a cache that was read
    for cpu in folders(root):
        for index in root.below(cpu / "cache", "index[0-9]+"):
            if int(cpu.name[3:]) in known.setdefault(index.name, set()):
                continue
            level, kind, size, shared = (
                root.line(index / name) for name in ("level", "type", "size", "shared_cpu_list")
            )
            bytes_ = size_bytes(size or "")
            if level and bytes_:
                name = f"L{level}{_KINDS.get(kind or '', '')}"
                who = shared or root.line(index / "shared_cpu_map") or cpu.name
                groups.setdefault((name, bytes_), set()).add(who)
                known[index.name] |= system.cpus_of(shared or "")
    found: dict[str, tuple[int, int]] = {}
    for name in sorted({name for name, _ in groups}):
        sizes = sorted((size for own, size in groups if own == name), reverse=True)
        for number, own_size in enumerate(sizes, start=1):
            key = name if number == 1 else f"{name} ({number})"
            found[key] = (own_size, len(groups[name, own_size]))
    return found or None


def macos_caches(sysctl: Mapping[str, str]) -> dict[str, int]:
    """Return the bytes of each cache in the sysctl values of a macOS machine."""
    sizes: dict[str, int] = {}
    for key, name in MACOS_CACHES:
        if sysctl.get(key, "0") != "0":
            sizes.setdefault(name, int(sysctl[key]))
    for key, name in MACOS_CACHES:
        other = sysctl.get(key.replace("perflevel0", "perflevel1"), "0")
        if "perflevel0" in key and other not in {"0", str(sizes.get(name))}:
            sizes[f"{name} (2)"] = int(other)
    return sizes


def sockets(root: Root) -> int | None:
    """Return how many CPU packages there are.

    Raises Absent if the kernel numbers an Arm chip's clusters of cores as packages: old kernels and
    those of boards do, which have one chip.
    """
    if root.is_macos:
        text = system.sysctl(root).get("hw.packages")
        return int(text) if text else None
    cpus = folders(root)
    names = [name for name in PACKAGE if any(root.exists(c / "topology" / name) for c in cpus[:1])]
    packages: dict[tuple[str | None, ...], list[PurePosixPath]] = {}
    for cpu in cpus:
        place = tuple(root.line(cpu / "topology" / name) for name in names or PACKAGE[-1:])
        if place[-1]:
            packages.setdefault(place, []).append(cpu)
    if len(packages) > 1 and is_arm(root):
        kinds = CpuInfo(cpuinfo_text(root)).stated("cpu part")
        capacities = {
            frozenset(root.number(cpu / "cpu_capacity") for cpu in own) for own in packages.values()
        }
        unlike = len(kinds) > 1 or len(capacities) > 1
        is_board = root.exists(DEVICE_TREE) and not root.exists(ACPI)
        if unlike or is_board:
            raise Absent("this kernel numbers clusters of cores as packages")
    return len(packages) or None


def is_arm(root: Root) -> bool:
    """Say whether the machine has Arm cores."""
    known = CpuInfo(cpuinfo_text(root)).architecture or family_of(system.architecture(root))
    return known == "arm"


def logical_cores(root: Root) -> int | None:
    """Return how many CPUs are switched on."""
    if root.is_linux:
        return len(online(root)) or None
    if not root.is_host:
        return _stated(system.sysctl(root), "hw.logicalcpu")
    return psutil.cpu_count(logical=True)


def physical_cores(root: Root) -> int | None:
    """Return how many cores there are, which may have several threads each."""
    if not root.is_linux:
        if not root.is_host:
            return _stated(system.sysctl(root), "hw.physicalcpu")
        return psutil.cpu_count(logical=False)
    lists = {core_of(root, cpu) for cpu in folders(root)} - {None}
    if lists:
        return len(lists)
    cores = {}  # of each package, as the kernel lists them on x86
    for block in cpuinfo_text(root).split("\n\n"):
        package = re.search(r"^physical id\s*:\s*(\S+)", block, re.MULTILINE)
        count = re.search(r"^cpu cores\s*:\s*([0-9]+)", block, re.MULTILINE)
        if package and count:
            cores[package[1]] = int(count[1])
    return sum(cores.values()) or None


def _stated(sysctl: Mapping[str, str], name: str) -> int | None:
    text = sysctl.get(name, "")
    return int(text) if text.isdigit() else None


def _cache_sizes(root: Root) -> dict[str, int] | None:
    if root.is_macos:
        return macos_caches(system.sysctl(root)) or None
    known = caches(root)
    return {name: size for name, (size, _) in known.items()} if known else None


def _cache_instances(root: Root) -> dict[str, int] | None:
    if root.is_macos:
        raise Absent("macOS does not say")
    known = caches(root)
    return {name: count for name, (_, count) in known.items()} if known else None


def _numa_nodes(root: Root) -> int | None:
    """Return how many nodes have CPUs; others hold only memory, such as a GPU's."""
    if root.is_macos:
        return 1
    nodes = root.below(NODES, "node[0-9]+")
    lists = {node: root.exists(node / "cpulist") for node in nodes}
    with_cpus = [node for node in nodes if not lists[node] or root.line(node / "cpulist")]
    return len(with_cpus) or len(nodes) or None


def threads_per_core(root: Root) -> int | None:
    """Return the threads of the core that has most; a hybrid CPU may have cores with one thread."""
    lists = (core_of(root, cpu) for cpu in folders(root))
    counts = [len(system.cpus_of(text)) for text in lists if text]
    if counts:
        return max(counts)
    cores, threads = physical_cores(root), logical_cores(root)
    return threads // cores if cores and threads else None


FACTS = (
    Fact("sockets", sockets, "topology in /sys; sysctl on macOS", limit_s=MANY_S),
    Fact(
        "physical_cores",
        physical_cores,
        "topology in /sys: distinct cores; else cores of the packages in /proc/cpuinfo; psutil on "
        "macOS",
        limit_s=MANY_S,
    ),
    Fact("logical_cores", logical_cores, "CPUs online in /sys; psutil on macOS"),
    Fact(
        "threads_per_core",
        threads_per_core,
        "topology in /sys: the core that has most; else logical divided by physical cores",
        limit_s=MANY_S,
    ),
    Fact(
        "core_kinds",
        core_kinds,
        "kinds or capacities in /sys, else Arm's parts in /proc/cpuinfo; sysctl on macOS",
        absent="",
        limit_s=MANY_S,
    ),
    Fact("caches_bytes", _cache_sizes, "cache in /sys; sysctl on macOS", "bytes", limit_s=MANY_S),
    Fact(
        "cache_instances",
        _cache_instances,
        "cache in /sys: distinct sets of CPUs that share a cache",
        limit_s=MANY_S,
    ),
    Fact("numa_nodes", _numa_nodes, "nodes in /sys that have CPUs"),
)
