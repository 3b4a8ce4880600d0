"""The table of machines: what each is, the two of 2020 beside those measured now."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from bench import units
from bench.facts import GpuFacts, MachineFacts
from bench.machines import Machine, difference_notes
from bench.report.tables import Column, Row, Table, number, plain, text
from mnist_bench.annex.base import MACHINE, MEASURED, Evidence
from mnist_bench.annex.published import machine_rows

_FACTS = tuple(
    name
    for name in MachineFacts.model_fields
    if name not in {"machine_id", "cpu_flags", "gpus", "packages", "unknown"}
)
_PACKAGES = ("keras", "tensorflow", "torch", "jax", "ray", "numpy")


def machines_table(evidence: Evidence, document: Mapping[str, Any]) -> Table:
    """Return what each machine is, the two published machines of 2020 last."""
    measured = [_machine_row(machine) for machine in evidence.machines]
    keys = dict.fromkeys(key for row in measured for key in row)
    old = [{**dict.fromkeys(keys), **row} for row in machine_rows(document)]
    return Table(
        name="machines",
        title="Machines",
        columns=(MACHINE, *_MACHINE_LINES),
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
        **{package: versions.get(package) for package in _PACKAGES},
        "device": list(machine.devices) or None,
        "threads_asked": threads.asked if threads else None,
        "threads_intra_op": threads.intra_op if threads else None,
        "threads_inter_op": threads.inter_op if threads else None,
        "niceness": threads.niceness if threads else None,
        "jobs_measured": machine.jobs,
        "limit_known": "memory_limit_bytes" not in facts.unknown,
        "quota_known": "cpu_quota" not in facts.unknown,
    }


def _gpu(gpu: GpuFacts) -> str:
    memory = f"{units.gibibytes(gpu.memory_total_bytes)} GiB"
    return ", ".join(filter(None, (gpu.model, memory, gpu.compute_capability)))


def _quota(row: Row) -> str:
    value = plain(row.get("cpu_quota"))
    return "none" if value is None and row.get("quota_known") else units.significant(value)


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
    text("kind", "kind"),
    text("cpu_model", "CPU", width=36),
    text("instruction_sets", "instruction sets", width=36),
    number("physical_cores", "cores"),
    number("logical_cores", "logical CPUs"),
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
    number("threads_asked", "threads asked"),
    number("threads_intra_op", "threads intra-op"),
    number("threads_inter_op", "threads inter-op"),
    number("niceness", "niceness"),
    number("jobs_measured", "jobs measured"),
)
