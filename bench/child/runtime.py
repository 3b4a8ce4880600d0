"""What this process has loaded: its thread pools, and how a workload's frameworks were built."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from bench.probe.fact import FRAMEWORK_LIMIT_S, in_time
from bench.record.facts import RuntimeFacts, ThreadPool


def loaded(builds: Mapping[str, Callable[[], dict[str, str]]]) -> RuntimeFacts:
    """Return this process's thread pools and the build facts of `builds`. It never fails."""
    unknown: dict[str, str] = {}
    pools, reason = in_time(_thread_pools, FRAMEWORK_LIMIT_S)
    if reason:
        unknown["thread_pools"] = reason
    frameworks = {}
    for name, read in builds.items():
        facts, reason = in_time(read, FRAMEWORK_LIMIT_S)
        if reason:
            unknown[name] = reason
        else:
            frameworks[name] = facts
    return RuntimeFacts(thread_pools=pools, frameworks=frameworks, unknown=unknown)


def _thread_pools() -> tuple[ThreadPool, ...]:
    from threadpoolctl import threadpool_info

    return tuple(
        ThreadPool(
            api=pool["user_api"],
            library=pool["internal_api"],
            version=pool.get("version"),
            threads=pool["num_threads"],
            layer=pool.get("threading_layer"),
            architecture=pool.get("architecture"),
        )
        for pool in threadpool_info()
    )
