"""Memory facts of the machine, and this process's own resident memory."""

from __future__ import annotations

import resource
import sys
from pathlib import Path

import psutil

from bench.probe.cgroup import memory_limit

#: Facts whose absence is a finding (no limit is set), not a failure to read.
MAY_BE_ABSENT = frozenset({"memory_limit_bytes"})


def resident_bytes() -> int | None:
    """Return this process's resident memory now."""
    return psutil.Process().memory_info().rss


def peak_bytes() -> tuple[int | None, str | None]:
    """Return this process's peak resident memory and the counter that gave it.

    On Linux VmHWM, which begins anew at exec; ru_maxrss there carries the parent's peak over.
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


FACTS = (
    ("memory_total_bytes", lambda: psutil.virtual_memory().total),
    ("memory_limit_bytes", memory_limit),
    ("swap_total_bytes", lambda: psutil.swap_memory().total),
)
