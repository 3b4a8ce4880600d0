"""How the CPUs are laid out: sockets, cores, threads, caches, NUMA nodes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import psutil

import bench.probe.system as system
from bench.probe.fact import Fact

TITLE = "Layout"

CPUS = Path("/sys/devices/system/cpu")
#: This folder holds Intel's lists of the CPUs of each kind of core.
DEVICES = Path("/sys/devices")
NODES = Path("/sys/devices/system/node")

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


def caches(root: Path | None = None) -> dict[str, tuple[int, int]] | None:
    """Return (bytes of one, how many) of each cache by name: L1d, L1i, L2, L3; or None."""
    sizes: dict[str, int] = {}
    groups: dict[str, set[str]] = {}
    for cpu in _numbered(root or CPUS, "cpu"):
        for index in sorted((cpu / "cache").glob("index[0-9]*")):
            level, kind, size, shared = (
                system.first_line(index / name)
                for name in ("level", "type", "size", "shared_cpu_list")
            )
            if level and size:
                name = f"L{level}{_KINDS.get(kind or '', '')}"
                sizes.setdefault(name, size_bytes(size))
                groups.setdefault(name, set()).add(shared or cpu.name)
    return {name: (sizes[name], len(groups[name])) for name in sizes} or None


def macos_caches(sysctl: dict[str, str]) -> dict[str, int]:
    """Return the bytes of each cache in the sysctl values of a macOS machine."""
    sizes: dict[str, int] = {}
    for key, name in MACOS_CACHES:
        if sysctl.get(key, "0") != "0":
            sizes.setdefault(name, int(sysctl[key]))
    return sizes


def sockets() -> int | None:
    """Return how many CPU packages there are."""
    if system.is_macos():
        text = system.sysctl().get("hw.packages")
        return int(text) if text else None
    ids = {
        system.first_line(cpu / "topology/physical_package_id") for cpu in _numbered(CPUS, "cpu")
    }
    return len(ids - {None}) or None


def core_kinds() -> dict[str, int] | None:
    """Return how many CPUs there are of each kind; None if all CPUs are alike.

    Apple and Intel name the kinds. For Arm cores the kernel gives a relative capacity.
    """
    if system.is_macos():
        return macos_core_kinds(system.sysctl())
    listed = {name: system.first_line(DEVICES / kind / "cpus") for kind, name in HYBRID}
    known = {name: text for name, text in listed.items() if text}
    if len(known) == len(listed):
        return {name: len(system.cpus_of(text)) for name, text in known.items()}
    stated = [system.number(cpu / "cpu_capacity") for cpu in _numbered(CPUS, "cpu")]
    counts = Counter(capacity for capacity in stated if capacity is not None)
    if len(counts) < 2:
        return None
    return {f"capacity {capacity}": counts[capacity] for capacity in sorted(counts, reverse=True)}


def macos_core_kinds(sysctl: dict[str, str]) -> dict[str, int] | None:
    """Return how many CPUs there are of each kind in the sysctl values of a macOS machine."""
    counts = {}
    for level in range(int(sysctl.get("hw.nperflevels", "0"))):
        name, count = (sysctl.get(f"hw.perflevel{level}.{key}") for key in ("name", "logicalcpu"))
        if count:
            counts[(name or f"level {level}").lower()] = int(count)
    return counts if len(counts) > 1 else None


def _numbered(folder: Path, stem: str) -> Iterator[Path]:
    return (path for path in folder.glob(f"{stem}[0-9]*") if path.name[len(stem) :].isdigit())


def _cache_sizes() -> dict[str, int] | None:
    if system.is_macos():
        return macos_caches(system.sysctl()) or None
    known = caches()
    return {name: size for name, (size, _) in known.items()} if known else None


def _cache_instances() -> dict[str, int] | None:
    known = caches()
    return {name: count for name, (_, count) in known.items()} if known else None


def _numa_nodes() -> int | None:
    if system.is_macos():
        return 1
    return len(list(_numbered(NODES, "node"))) or None


def core_of(cpu: Path) -> str | None:
    """Return the kernel's list of the CPUs that share a core with the CPU of the folder `cpu`."""
    names = ("core_cpus_list", "thread_siblings_list")  # the newer name, the older one
    stated = (system.first_line(cpu / "topology" / name) for name in names)
    return next(filter(None, stated), None)


def threads_per_core() -> int | None:
    """Return the threads of the core that has most; a hybrid CPU may have cores with one thread."""
    lists = map(core_of, _numbered(CPUS, "cpu"))
    counts = [len(system.cpus_of(text)) for text in lists if text]
    if counts:
        return max(counts)
    cores, threads = psutil.cpu_count(logical=False), psutil.cpu_count(logical=True)
    return threads // cores if cores and threads else None


FACTS = (
    Fact("sockets", sockets, "topology in /sys; sysctl on macOS"),
    Fact("physical_cores", lambda: psutil.cpu_count(logical=False), "psutil"),
    Fact("logical_cores", lambda: psutil.cpu_count(logical=True), "psutil"),
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
        absent="macOS does not say" if system.is_macos() else "not stated by this system",
    ),
    Fact("numa_nodes", _numa_nodes, "nodes in /sys"),
)
