"""What a job may use of the machine: affinity, cpuset, quota and memory limit."""

from __future__ import annotations

import os
import re

from bench.probe.cgroup import cpu_quota, cpuset, memory_limit
from bench.probe.cpus import CPUS, core_of, online
from bench.probe.fact import Fact
from bench.probe.memory import total
from bench.probe.root import HOST, Root
from bench.probe.system import cpus_of

TITLE = "What a job may use"


def affinity(root: Root = HOST) -> frozenset[int]:
    """Return the CPUs that this process may run on (all CPUs if the system does not say)."""
    if not root.is_host:
        listed = re.search(
            r"^Cpus_allowed_list:\s*(\S+)", root.text_or_empty("/proc/self/status"), re.MULTILINE
        )
        return cpus_of(listed[1]) if listed else online(root)
    ask = getattr(os, "sched_getaffinity", None)
    return frozenset(ask(0)) if ask else frozenset(range(os.cpu_count() or 1))


def usable_cpus(root: Root = HOST) -> float | None:
    """Return how many CPUs a job may use: the smaller of affinity and cgroup quota.

    None if no file says which CPUs there are.
    """
    count, quota = float(len(affinity(root))), cpu_quota(root)
    return (count if quota is None else min(count, quota)) if count else None


def threads() -> int:
    """Return how many threads a job gets: one per usable CPU, at least one. It never fails."""
    try:
        return max(1, int(usable_cpus() or 1))
    except Exception:  # training works even if the limits are unreadable
        return os.cpu_count() or 1


def cores(root: Root = HOST) -> int | None:
    """Return how many physical cores the affinity covers; None if the system does not say."""
    seen = {core_of(root, CPUS / f"cpu{number}") for number in affinity(root)}
    return None if None in seen else len(seen) or None


def usable_memory(root: Root = HOST) -> int | None:
    """Return how many bytes of memory a job may use: the smaller of total and cgroup limit."""
    stated = [found for found in (total(root), memory_limit(root)) if found is not None]
    return min(stated, default=None)


def _cpuset_size(root: Root) -> int | None:
    cpus = cpuset(root)
    return len(cpus) if cpus else None


FACTS = (
    Fact("affinity_cpus", lambda root: len(affinity(root)) or None, "sched_getaffinity", "CPUs"),
    Fact("cpuset_cpus", _cpuset_size, "this process's cgroup", "CPUs", absent=""),
    Fact("cpu_quota", cpu_quota, "this process's cgroup and its ancestors", "CPUs", absent=""),
    Fact("usable_cpus", usable_cpus, "the smaller of affinity and quota", "CPUs"),
    Fact(
        "memory_limit_bytes",
        memory_limit,
        "this process's cgroup and its ancestors",
        "bytes",
        absent="",
    ),
    Fact("memory_usable_bytes", usable_memory, "the smaller of total and limit", "bytes"),
)
