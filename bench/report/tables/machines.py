"""The table of machines: what each measured and each published machine is.

JSON and CSV hold every fact. People read the measured machines, in the facts that decide how fast
they are and in every fact in which they differ.
"""

from __future__ import annotations

from collections.abc import Sequence, Set
from typing import Any

from bench import units
from bench.analysis.machines import Machine, shared_identities, unlike_machines
from bench.analysis.results import Results
from bench.record.facts import (
    GpuFacts,
    MachineFacts,
    RuntimeFacts,
    ThreadPool,
    open_vulnerabilities,
)
from bench.report.column import Column, Table
from bench.report.rows import Row
from bench.report.shared_columns import MACHINE, MEASURED, source_of, warnings
from bench.report.words import notes

#: Facts that are not copied into a row as they are.
_APART = frozenset({"machine_id", "id_version", "cpu_flags", "gpus", "packages", "unknown"})
_FACTS = tuple(name for name in MachineFacts.model_fields if name not in _APART)
#: Lines that are shown only if a machine has a value there.
_IF_KNOWN = frozenset({"host_name", "core_kinds"})
#: Facts that people read of every machine, if they are known; so are the packages of its jobs.
_TELLING = frozenset(
    {
        *("host_name", "cpu_model", "instruction_sets", "core_kinds", "usable_cpus", "cpu_quota"),
        *("memory_total_bytes", "memory_limit_bytes", "gpus", "device", "virtualisation"),
        *("cloud_instance_type", "os", "python", "environment", "jobs_measured"),
    }
)


def machines_table(results: Results) -> Table:
    """Return what each machine is, the published ones last."""
    measured = [_row(machine) for machine in results.machines]
    lines = [
        column
        for column in (*_BEFORE, *_packages(results.machines), *_builds(results.machines), *_AFTER)
        if column.key not in _IF_KNOWN or any(row[column.key] for row in measured)
    ]
    loaded = {package_key(name) for machine in results.machines for name in machine.versions}
    read = [column for column in lines if _is_read(column, measured, _TELLING | loaded)]
    reference = results.reference
    return Table(
        name="machines",
        title="Machines",
        columns=(MACHINE, *lines),
        rows=(*measured, *_published_rows(results, measured)),
        brief=tuple(measured),
        reading=(MACHINE, *read),
        notes=(
            *warnings(results),
            notes.facts_shown(len(lines) - len(read), len(measured)),
            *map(notes.unlike_machines, unlike_machines(results.machines)),
            *map(notes.one_machine, shared_identities(results.machines)),
            *([notes.published_facts(reference.year)] if reference else []),
        ),
        sideways=True,
    )


def _is_read(column: Column, rows: Sequence[Row], telling: Set[str]) -> bool:
    """Say whether people read a fact: it is known and telling, or the machines differ in it."""
    texts = {column.text(row) for row in rows}
    return len(texts) > 1 or (column.key in telling and texts != {units.NOT_AVAILABLE})


def package_key(name: str) -> str:
    """Return the key of a package's version: its name, unless that is a fact's too."""
    return f"package_{name}" if name in {*_FACTS, "machine", "source", "label", "gpus"} else name


def _packages(machines: Sequence[Machine]) -> list[Column]:
    """Return a line for each package that a machine has."""
    names = dict.fromkeys(
        name
        for machine in machines
        for name, version in _versions(machine).items()
        if version is not None
    )
    return [Column(package_key(name), name) for name in names]


def _builds(machines: Sequence[Machine]) -> list[Column]:
    """Return a line for each framework whose build facts a machine's jobs recorded."""
    names = dict.fromkeys(
        name for machine in machines for runtime in machine.runtimes for name in runtime.frameworks
    )
    return [Column(f"build_{name}", f"{name} build", "pairs", width=60) for name in names]


def _versions(machine: Machine) -> dict[str, str | None]:
    """Return the versions of packages: installed versions, else the versions that a job loaded."""
    installed = {k: version for k, version in machine.facts.packages.items() if version}
    return {**dict.fromkeys(machine.facts.packages), **machine.versions, **installed}


def _row(machine: Machine) -> dict[str, Any]:
    facts, threads = machine.facts, machine.threads
    return {
        "machine": machine.name,
        "source": MEASURED,
        "machine_key": machine.key,
        "machine_id": facts.machine_id,
        **{key: getattr(facts, key) for key in _FACTS},
        "gpus": [_gpu(gpu) for gpu in facts.gpus or ()] or None,
        "label": machine.label,
        "unknown": dict(facts.unknown),
        "caches": _caches(facts),
        **_loaded(machine.runtimes),
        "mitigations_open": None
        if facts.mitigations is None
        else open_vulnerabilities(facts.mitigations),
        **{package_key(name): version for name, version in _versions(machine).items()},
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


def _published_rows(results: Results, measured: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the published machines; what is unknown of them is None."""
    if results.reference is None:
        return []
    keys = dict.fromkeys(key for row in measured for key in row)
    return [
        {
            **dict.fromkeys(keys),
            "machine": machine.label,
            "source": source_of(results.reference.year),
            "machine_key": machine.key,
            "label": machine.label,
            **machine.facts,
        }
        for machine in results.reference.machines
    ]


def _loaded(runtimes: Sequence[RuntimeFacts]) -> dict[str, Any]:
    """Return how the frameworks of a machine's jobs were built, and their pools of threads."""
    builds: dict[str, dict[str, str]] = {}
    pools: dict[str, None] | None = None
    for runtime in runtimes:
        for name, facts in runtime.frameworks.items():
            told = {fact: value for fact, value in facts.items() if fact != "version"}
            builds[name] = {**builds.get(name, {}), **told}
        if runtime.thread_pools is not None:
            pools = {**(pools or {}), **dict.fromkeys(map(_pool, runtime.thread_pools))}
    return {
        **{f"build_{name}": facts for name, facts in builds.items()},
        "pools": None if pools is None else list(pools),
    }


def _pool(pool: ThreadPool) -> str:
    parts = (pool.library, pool.version, pool.layer, pool.architecture)
    return " ".join([*filter(None, parts), f"x{pool.threads}"])


def _gpu(gpu: GpuFacts) -> str:
    memory = f"{units.gibibytes(gpu.memory_total_bytes)} GiB"
    return ", ".join(filter(None, (gpu.model, memory, gpu.compute_capability)))


def _caches(facts: MachineFacts) -> list[str] | None:
    counts = facts.cache_instances or {}
    return [
        f"{name} {size // 1024} KiB" + (f" x{counts[name]}" if name in counts else "")
        for name, size in (facts.caches_bytes or {}).items()
    ] or None


_BEFORE = (
    Column("source", "figures"),
    Column("host_name", "host name", width=36),
    Column("kind", "kind"),
    Column("cpu_model", "CPU", width=36),
    Column("instruction_sets", "instruction sets", width=36),
    Column("physical_cores", "cores", "number"),
    Column("logical_cores", "logical CPUs", "number"),
    Column("core_kinds", "kinds of core", "pairs", absent=("kinds_known", "all alike")),
    Column(
        "usable_cpus", "CPUs a job may use", "number", "as its affinity and its control group allow"
    ),
    Column(
        "cpu_quota",
        "CPU limit",
        "number",
        "the CPUs that the quota of the control group allows",
        absent=("quota_known", "none"),
    ),
    Column("cpu_base_hz", "base clock GHz", "gigahertz", unit="Hz"),
    Column("cpu_now_hz", "clock when seen GHz", "gigahertz", unit="Hz"),
    Column("memory_total_bytes", "memory MiB", "mebibytes", unit="B"),
    Column(
        "memory_limit_bytes",
        "memory limit MiB",
        "mebibytes",
        "the limit of the control group",
        unit="B",
        absent=("limit_known", "none"),
    ),
    Column("microarchitecture", "microarchitecture"),
    Column("caches", "caches", "list"),
    Column("sockets", "sockets", "number"),
    Column("numa_nodes", "NUMA nodes", "number"),
    Column("cpu_governor", "governor"),
    Column("gpus", "GPUs", width=36),
    Column("gpu_driver", "GPU driver"),
    Column("device", "device", meaning="what the jobs trained on", width=36),
    Column("virtualisation", "virtualisation"),
    Column("container", "container"),
    Column("cloud_instance_type", "cloud instance"),
    Column("cloud_region", "cloud region"),
    Column("cloud_lifecycle", "spot or on demand"),
    Column("machine_type", "machine type", meaning="a digest that all instances of one type share"),
    Column("os", "OS", width=36),
    Column("kernel", "kernel", width=36),
    Column("python", "Python"),
)
_AFTER = (
    Column("pools", "BLAS and thread pools", "list"),
    Column("environment", "variables set", "pairs", "environment variables that change the speed"),
    Column(
        "mitigations_open", "mitigations open", "list", "CPU vulnerabilities that are not mitigated"
    ),
    Column("threads_asked", "threads asked", "number"),
    Column("threads_intra_op", "threads intra-op", "number"),
    Column("threads_inter_op", "threads inter-op", "number"),
    Column("niceness", "niceness", "number"),
    Column("jobs_measured", "jobs measured", "number"),
)
