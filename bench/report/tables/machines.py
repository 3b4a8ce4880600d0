"""The table of machines: what each is, the two of 2020 beside those measured now."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from bench import units
from bench.analysis.machines import Machine, difference_notes
from bench.record.facts import (
    GpuFacts,
    MachineFacts,
    RuntimeFacts,
    ThreadPool,
    open_vulnerabilities,
)
from bench.report.column import Column, Row, Table, number, plain, text
from bench.report.evidence import MACHINE, MEASURED, Evidence
from bench.report.tables.published import machine_rows

_FACTS = tuple(
    name
    for name in MachineFacts.model_fields
    if name not in {"machine_id", "cpu_flags", "gpus", "packages", "unknown"}
)
#: Lines that stand in the table only where a machine has something to say there.
_WHERE_KNOWN = frozenset({"host_name", "core_kinds"})
#: The row's key, and the key of a framework's build facts that says it (of bench.probe.machine.frameworks).
_BUILD_FACTS = (("one_dnn", "oneDNN"), ("cuda_build", "CUDA"), ("cuda_build", "cuda_version"))
_PACKAGES = ("keras", "tensorflow", "torch", "jax", "ray", "numpy")


def machines_table(evidence: Evidence, document: Mapping[str, Any]) -> Table:
    """Return what each machine is, the two published machines of 2020 last."""
    measured = [_machine_row(machine) for machine in evidence.machines]
    lines = [
        column
        for column in _MACHINE_LINES
        if column.key not in _WHERE_KNOWN or any(row[column.key] for row in measured)
    ]
    keys = dict.fromkeys(key for row in measured for key in row)
    old = [{**dict.fromkeys(keys), **row} for row in machine_rows(document)]
    return Table(
        name="machines",
        title="Machines",
        columns=(MACHINE, *lines),
        rows=(*measured, *old),
        note=evidence.note(
            "n/a: not known; the 2020 annex named no more of its machines.",
            *difference_notes(evidence.machines),
            _unknown_facts(evidence.machines),
        ),
        sideways=True,
    )


def limit_column(key: str) -> Column:
    """Return the column of a memory limit: `none` where it is known that there is none."""

    def form(row: Row) -> str:
        value = plain(row.get(key))
        if value is None and row.get("limit_known"):
            return "none"
        return units.mebibytes(value)

    return Column(key, "memory limit MiB", form, True, foldable=key == "limit_bytes")


def _machine_row(machine: Machine) -> dict[str, Any]:
    facts, threads = machine.facts, machine.threads
    versions = {**machine.framework, **{k: v for k, v in facts.packages.items() if v}}
    return {
        "machine": machine.name,
        "source": MEASURED,
        "machine_key": machine.key,
        "machine_id": facts.machine_id,
        **{key: getattr(facts, key, None) for key in _FACTS},
        "gpus": [_gpu(gpu) for gpu in facts.gpus or ()] or None,
        "label": machine.label,
        **_loaded(machine.runtimes),
        "mitigations_open": None
        if facts.mitigations is None
        else open_vulnerabilities(facts.mitigations),
        **{package: versions.get(package) for package in _PACKAGES},
        "device": list(machine.devices) or None,
        "threads_asked": threads.asked if threads else None,
        "threads_intra_op": threads.intra_op if threads else None,
        "threads_inter_op": threads.inter_op if threads else None,
        "niceness": threads.niceness if threads else None,
        "jobs_measured": machine.jobs,
        "limit_known": "memory_limit_bytes" not in facts.unknown,
        "kinds_known": "core_kinds" not in facts.unknown,
        "quota_known": "cpu_quota" not in facts.unknown,
    }


def _loaded(runtimes: Sequence[RuntimeFacts]) -> dict[str, Any]:
    """Return how the frameworks of a machine's jobs were built, and their pools of threads."""
    found: dict[str, dict[str, None] | None] = dict.fromkeys(("one_dnn", "cuda_build", "pools"))
    for runtime in runtimes:
        for name, build in runtime.frameworks.items():
            for key, stated in _BUILD_FACTS:
                if stated in build:
                    found[key] = {**(found[key] or {}), f"{name} {build[stated]}": None}
        if runtime.thread_pools is not None:
            pools = dict.fromkeys(map(_pool, runtime.thread_pools))
            found["pools"] = {**(found["pools"] or {}), **pools}
    return {key: None if items is None else list(items) for key, items in found.items()}


def _pool(pool: ThreadPool) -> str:
    parts = (pool.library, pool.version, pool.layer, pool.architecture)
    return " ".join(filter(None, (*parts, f"x{pool.threads}")))


def _gpu(gpu: GpuFacts) -> str:
    memory = f"{units.gibibytes(gpu.memory_total_bytes)} GiB"
    return ", ".join(filter(None, (gpu.model, memory, gpu.compute_capability)))


def _quota(row: Row) -> str:
    value = plain(row.get("cpu_quota"))
    return "none" if value is None and row.get("quota_known") else units.significant(value)


def _table(key: str) -> Callable[[Row], str]:
    """Return how a fact of names and values reads: `none` where it is known to be empty."""

    def form(row: Row) -> str:
        found = plain(row.get(key))
        if found is None:
            return units.NOT_AVAILABLE
        return ", ".join(f"{name} {value}" for name, value in found.items()) or "none"

    return form


def _kinds(row: Row) -> str:
    alike = row.get("kinds_known") and row.get("core_kinds") is None
    return "all alike" if alike else _table("core_kinds")(row)


def _list(key: str) -> Callable[[Row], str]:
    """Return how a list reads: `none` where it is known to be empty."""

    def form(row: Row) -> str:
        found = plain(row.get(key))
        return units.NOT_AVAILABLE if found is None else ", ".join(found) or "none"

    return form


def _caches(row: Row) -> str:
    found, counts = plain(row.get("caches_bytes")), plain(row.get("cache_instances")) or {}
    if not found:
        return units.NOT_AVAILABLE
    return ", ".join(
        f"{name} {size // 1024} KiB" + (f" x{counts[name]}" if name in counts else "")
        for name, size in found.items()
    )


def _unknown_facts(found: Sequence[Machine]) -> str:
    """Return why facts are unknown, each machine's reasons once with the facts they explain."""
    parts = []
    for machine in found:
        facts_of: dict[str, list[str]] = {}
        for fact, reason in machine.facts.unknown.items():
            facts_of.setdefault(reason.rstrip("."), []).append(fact)
        words = (f"{', '.join(facts)}: {reason}" for reason, facts in facts_of.items())
        if facts_of:
            parts.append(f"{machine.name}: {'; '.join(words)}.")
    return f"Why facts are unknown: {' '.join(parts)}" if parts else ""


_MACHINE_LINES = (
    text("source", "figures"),
    text("host_name", "host name", width=36),
    text("kind", "kind"),
    text("cpu_model", "CPU", width=36),
    text("instruction_sets", "instruction sets", width=36),
    number("physical_cores", "cores"),
    number("logical_cores", "logical CPUs"),
    Column("core_kinds", "kinds of core", _kinds),
    number("usable_cpus", "CPUs a job may use"),
    Column("cpu_quota", "CPU limit", _quota, True),
    number("cpu_base_hz", "base clock GHz", units.gigahertz),
    number("cpu_now_hz", "clock when seen GHz", units.gigahertz),
    number("memory_total_bytes", "memory MiB", units.mebibytes),
    limit_column("memory_limit_bytes"),
    text("microarchitecture", "microarchitecture"),
    Column("caches_bytes", "caches", _caches),
    number("sockets", "sockets"),
    number("numa_nodes", "NUMA nodes"),
    text("cpu_governor", "governor"),
    text("gpus", "GPUs", width=36),
    text("gpu_driver", "GPU driver"),
    text("device", "device", width=36),
    text("virtualisation", "virtualisation"),
    text("container", "container"),
    text("cloud_instance_type", "cloud instance"),
    text("cloud_region", "cloud region"),
    text("cloud_lifecycle", "spot or on demand"),
    text("machine_type", "machine type"),
    text("os", "OS", width=36),
    text("kernel", "kernel", width=36),
    text("python", "Python"),
    *(text(package, package) for package in ("keras", "tensorflow", "ray")),
    Column("one_dnn", "oneDNN", _list("one_dnn")),
    Column("cuda_build", "built for CUDA", _list("cuda_build")),
    Column("pools", "BLAS and thread pools", _list("pools")),
    Column("environment", "variables set", _table("environment")),
    Column("mitigations_open", "mitigations open", _list("mitigations_open")),
    number("threads_asked", "threads asked"),
    number("threads_intra_op", "threads intra-op"),
    number("threads_inter_op", "threads inter-op"),
    number("niceness", "niceness"),
    number("jobs_measured", "jobs measured"),
)
