"""Memory facts of the machine, and the resident memory of this process."""

from __future__ import annotations

import re
import resource
import sys
from pathlib import Path

import psutil

from bench.probe.fact import Absent, Fact
from bench.probe.root import HOST, Root

TITLE = "Memory"

MEMINFO = "/proc/meminfo"
#: This folder holds the count of reserved pages of each size.
HUGE_PAGES = "/sys/kernel/mm/hugepages"
TRANSPARENT = "/sys/kernel/mm/transparent_hugepage/enabled"


def resident_bytes() -> int | None:
    """Return this process's resident memory now."""
    return psutil.Process().memory_info().rss


def peak_bytes() -> tuple[int | None, str | None]:
    """Return this process's peak resident memory and the counter that gave it.

    On Linux the counter is VmHWM, which starts anew at exec; ru_maxrss would include the parent's
    peak there.
    """
    try:
        status = Path("/proc/self/status").read_text()
    except OSError:
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return (peak if sys.platform == "darwin" else peak * 1024), "ru_maxrss"
    for line in status.splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024, "VmHWM"
    return None, None


def parse_meminfo(text: str) -> dict[str, int]:
    """Return the fields of a /proc/meminfo text: bytes if the unit is kB, else plain counts."""
    fields = re.findall(r"^(\S+):\s+(\d+)( kB)?", text, re.MULTILINE)
    return {name: int(value) * (1024 if kilo else 1) for name, value, kilo in fields}


def total(root: Root = HOST) -> int | None:
    """Return the memory of the host."""
    if root.is_host:
        return psutil.virtual_memory().total
    return parse_meminfo(root.text(MEMINFO)).get("MemTotal")


def available(root: Root = HOST) -> int | None:
    """Return the memory of the host that can be used at once; None if the system does not say."""
    if root.is_host:
        return psutil.virtual_memory().available
    return parse_meminfo(root.text(MEMINFO)).get("MemAvailable")


def _swap(root: Root) -> int | None:
    if root.is_host:
        return psutil.swap_memory().total
    return parse_meminfo(root.text(MEMINFO)).get("SwapTotal")


def _huge_pages(root: Root) -> int | None:
    """Return the bytes of the reserved huge pages of all sizes."""
    if root.is_macos:
        raise Absent("macOS reserves no huge pages")
    sizes = root.below(HUGE_PAGES, "hugepages-[0-9]+kB")
    counts = {size: root.number(size / "nr_hugepages") for size in sizes}
    if counts and None not in counts.values():
        return sum(int(size.name[10:-2]) * 1024 * (counts[size] or 0) for size in counts)
    fields = parse_meminfo(root.text(MEMINFO))
    if "Hugetlb" in fields:
        return fields["Hugetlb"]
    if "HugePages_Total" not in fields:
        return None
    return fields["HugePages_Total"] * fields["Hugepagesize"]


def _transparent(root: Root) -> str | None:
    """Return the mode in force, which the kernel writes in brackets: `always [madvise] never`."""
    chosen = re.search(r"\[(\w+)\]", root.line(TRANSPARENT) or "")
    return chosen[1] if chosen else None


FACTS = (
    Fact("memory_total_bytes", total, "psutil: memory of the host", "bytes"),
    Fact("swap_total_bytes", _swap, "psutil", "bytes"),
    Fact("huge_pages_bytes", _huge_pages, "hugepages of all sizes in /sys; else meminfo", "bytes"),
    Fact("transparent_huge_pages", _transparent, "/sys/kernel/mm/transparent_hugepage"),
)
