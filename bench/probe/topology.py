"""How the CPUs are laid out: sockets, cores, threads, caches, NUMA nodes."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from pathlib import PurePosixPath

import psutil

import bench.probe.system as system
from bench.probe.fact import Absent, Fact
from bench.probe.root import HOST, Root

TITLE = "Layout"

CPUINFO = "/proc/cpuinfo"
CPUS = PurePosixPath("/sys/devices/system/cpu")
#: This folder holds Intel's lists of the CPUs of each kind of core.
DEVICES = PurePosixPath("/sys/devices")
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

#: The kernel's names of Intel's two kinds of core, and the usual names.
HYBRID = (("cpu_core", "performance"), ("cpu_atom", "efficiency"))

_SUFFIXES = {"K": 2**10, "M": 2**20, "G": 2**30}
_KINDS = {"Data": "d", "Instruction": "i", "Unified": ""}


def size_bytes(text: str) -> int:
    """Return the bytes of a kernel cache size: `512K` is 524288."""
    factor = _SUFFIXES.get(text[-1:].upper())
    return int(text[:-1]) * factor if factor else int(text)


def caches(root: Root) -> dict[str, tuple[int, int]] | None:
    """Return (bytes of one, how many) of each cache by name: L1d, L1i, L2, L3; or None."""
    sizes: dict[str, int] = {}
    groups: dict[str, set[str]] = {}
    for cpu in folders(root):
        for index in root.below(cpu / "cache", "index[0-9]+"):
            level, kind, size, shared = (
                root.line(index / name) for name in ("level", "type", "size", "shared_cpu_list")
            )
            if level and size:
                name = f"L{level}{_KINDS.get(kind or '', '')}"
                sizes.setdefault(name, size_bytes(size))
                groups.setdefault(name, set()).add(shared or cpu.name)
    return {name: (sizes[name], len(groups[name])) for name in sizes} or None


def macos_caches(sysctl: Mapping[str, str]) -> dict[str, int]:
    """Return the bytes of each cache in the sysctl values of a macOS machine."""
    sizes: dict[str, int] = {}
    for key, name in MACOS_CACHES:
        if sysctl.get(key, "0") != "0":
            sizes.setdefault(name, int(sysctl[key]))
    return sizes


def sockets(root: Root) -> int | None:
    """Return how many CPU packages there are."""
    if root.is_macos:
        text = system.sysctl(root).get("hw.packages")
        return int(text) if text else None
    ids = {root.line(cpu / "topology/physical_package_id") for cpu in folders(root)}
    return len(ids - {None}) or None


def core_kinds(root: Root) -> dict[str, int] | None:
    """Return how many CPUs there are of each kind; None if all CPUs are alike.

    Apple and Intel name the kinds. For Arm cores the kernel gives a relative capacity.
    """
    if root.is_macos:
        return macos_core_kinds(system.sysctl(root))
    listed = {name: root.line(DEVICES / kind / "cpus") for kind, name in HYBRID}
    known = {name: text for name, text in listed.items() if text}
    if len(known) == len(listed):
        return {name: len(system.cpus_of(text)) for name, text in known.items()}
    stated = [root.number(cpu / "cpu_capacity") for cpu in folders(root)]
    counts = Counter(capacity for capacity in stated if capacity is not None)
    if len(counts) < 2:
        return None
    return {f"capacity {capacity}": counts[capacity] for capacity in sorted(counts, reverse=True)}


def macos_core_kinds(sysctl: Mapping[str, str]) -> dict[str, int] | None:
    """Return how many CPUs there are of each kind in the sysctl values of a macOS machine."""
    counts = {}
    for level in range(int(sysctl.get("hw.nperflevels", "0"))):
        name, count = (sysctl.get(f"hw.perflevel{level}.{key}") for key in ("name", "logicalcpu"))
        if count:
            counts[(name or f"level {level}").lower()] = int(count)
    return counts if len(counts) > 1 else None


def folders(root: Root = HOST) -> list[PurePosixPath]:
    """Return the folders of all CPUs in /sys, by number."""
    return root.below(CPUS, "cpu[0-9]+")


def online(root: Root = HOST) -> frozenset[int]:
    """Return the numbers of the CPUs that are switched on; empty if the system does not say."""
    listed = root.line(CPUS / "online")
    if listed:
        return system.cpus_of(listed)
    found = re.findall(r"^processor\s*:?\s*([0-9]+)", _cpuinfo(root), re.MULTILINE)
    return frozenset(map(int, found)) or frozenset(int(cpu.name[3:]) for cpu in folders(root))


def _cpuinfo(root: Root) -> str:
    try:
        return root.text(CPUINFO)
    except OSError:
        return ""


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
    for block in _cpuinfo(root).split("\n\n"):
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
    if root.is_macos:
        return 1
    return len(root.below(NODES, "node[0-9]+")) or None


def core_of(root: Root, cpu: PurePosixPath) -> str | None:
    """Return the kernel's list of the CPUs that share a core with the CPU of the folder `cpu`."""
    names = ("core_cpus_list", "thread_siblings_list")  # the newer name, the older one
    stated = (root.line(cpu / "topology" / name) for name in names)
    return next(filter(None, stated), None)


def threads_per_core(root: Root) -> int | None:
    """Return the threads of the core that has most; a hybrid CPU may have cores with one thread."""
    lists = (core_of(root, cpu) for cpu in folders(root))
    counts = [len(system.cpus_of(text)) for text in lists if text]
    if counts:
        return max(counts)
    cores, threads = physical_cores(root), logical_cores(root)
    return threads // cores if cores and threads else None


FACTS = (
    Fact("sockets", sockets, "topology in /sys; sysctl on macOS"),
    Fact(
        "physical_cores",
        physical_cores,
        "topology in /sys: distinct cores; else cores of the packages in /proc/cpuinfo; psutil on "
        "macOS",
    ),
    Fact("logical_cores", logical_cores, "CPUs online in /sys; psutil on macOS"),
    Fact(
        "threads_per_core",
        threads_per_core,
        "topology in /sys: the core that has most; else logical divided by physical cores",
    ),
    Fact("core_kinds", core_kinds, "kinds or capacities in /sys; sysctl on macOS", absent=""),
    Fact("caches_bytes", _cache_sizes, "cache in /sys; sysctl on macOS", "bytes"),
    Fact(
        "cache_instances",
        _cache_instances,
        "cache in /sys: distinct sets of CPUs that share a cache",
    ),
    Fact("numa_nodes", _numa_nodes, "nodes in /sys"),
)
