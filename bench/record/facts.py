"""What a machine is (its facts), and what a child process has loaded.

Facts that a user may not want to show (serial numbers, host names, machine-ids) are stored only as
salted digests. `host_name` is filled only if the user asked for it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from pydantic import Field

from bench.spec.frozen import Frozen

MachineKind = Literal["local", "cloud", "gpu"]

#: Prefix of a machine's id if not all its facts were read: `unknown-3fa9c1...`.
UNREAD = "unknown-"


#: Part of the reason if a cloud states a lifecycle that is neither spot nor on demand.
NEITHER_LIFECYCLE = "means neither spot nor on demand"

#: Beginning of the reason if the driver shows GPUs that cannot be read.
UNREAD_GPUS = "GPUs are there, but cannot be read"


#: Beginning of the reason if a source gave a value of the wrong type.
WRONG_VALUE = "its source gave a wrong value"


class MigFacts(Frozen):
    """One slice of a GPU in multi-instance mode."""

    profile: str | None = Field(default=None, description="as the driver names it: ... MIG 1g.10gb")
    uuid_hash: str | None = None
    memory_total_bytes: int | None = None


class GpuFacts(Frozen):
    """One NVIDIA GPU as its driver describes it."""

    index: int
    model: str | None = None
    uuid_hash: str | None = Field(default=None, description="salted digest of the serial UUID")
    memory_total_bytes: int | None = None
    power_limit_w: float | None = None
    compute_capability: str | None = None
    mig: bool | None = Field(
        default=None, description="multi-instance mode; None: the GPU has none"
    )
    mig_slices: tuple[MigFacts, ...] = ()
    sm_clock_max_hz: float | None = None
    memory_clock_max_hz: float | None = None
    unknown: dict[str, str] = Field(default_factory=dict)


class MachineFacts(Frozen):
    """What a machine is. A fact is None if it could not be read or does not apply."""

    machine_id: str = Field(description="digest of fixed facts and of a hashed host identity")
    machine_type: str | None = Field(
        default=None, description="digest of the fixed facts: the same for instances of one type"
    )
    id_version: int = Field(
        default=1, description="version of the rules that made the ids; 1: journals that lack it"
    )
    kind: MachineKind = "local"
    host_hash: str | None = None
    host_name: str | None = Field(default=None, description="only with --show-hostnames")
    boot_hash: str | None = Field(
        default=None, description="salted digest of the boot's id: another one after each restart"
    )

    cpu_model: str | None = None
    cpu_vendor: str | None = None
    cpu_architecture: str | None = None
    microarchitecture: str | None = Field(default=None, description="archspec's name")
    cpu_signature: str | None = Field(
        default=None,
        description="family, model and stepping, or what an Arm core states instead",
    )
    instruction_sets: tuple[str, ...] | None = Field(
        default=None, description="sets that change training speed, by their usual names"
    )
    cpu_flags: tuple[str, ...] | None = Field(
        default=None, description="all flags, as the system names them"
    )
    cpu_base_hz: float | None = None
    cpu_max_hz: float | None = None
    cpu_now_hz: float | None = Field(
        default=None, description="as the system stated it during the probe"
    )
    cpu_governor: str | None = None
    cpu_boost: bool | None = None
    sockets: int | None = None
    physical_cores: int | None = None
    logical_cores: int | None = None
    threads_per_core: int | None = None
    core_kinds: dict[str, int] | None = Field(
        default=None, description="CPUs of each kind, such as performance; None: all CPUs are alike"
    )
    caches_bytes: dict[str, int] | None = Field(
        default=None,
        description="size of each cache by level and kind; `L3 (2)` is a smaller one of that name",
    )
    cache_instances: dict[str, int] | None = Field(
        default=None, description="how many of each cache the machine has"
    )
    numa_nodes: int | None = None

    affinity_cpus: int | None = None
    cpuset_cpus: int | None = Field(default=None, description="CPUs of the cgroup's cpuset")
    cpu_quota: float | None = Field(
        default=None, description="cgroup quota in CPUs; None: no quota"
    )
    usable_cpus: float | None = Field(
        default=None,
        description="CPUs that a job may use, by affinity and quota; may be a fraction",
    )
    memory_total_bytes: int | None = None
    memory_limit_bytes: int | None = Field(default=None, description="cgroup limit; None: no limit")
    memory_usable_bytes: int | None = Field(
        default=None, description="the smaller of total and limit"
    )
    swap_total_bytes: int | None = None
    huge_pages_bytes: int | None = Field(default=None, description="reserved huge pages")
    transparent_huge_pages: str | None = None

    virtualisation: str | None = Field(default=None, description="hypervisor, or `none`")
    container: str | None = Field(default=None, description="container kind, or `none`")
    has_battery: bool | None = Field(default=None, description="whether it is a laptop, mostly")
    firmware_instance_type: str | None = Field(
        default=None, description="as AWS's firmware states it, so it is known without the network"
    )
    cloud_provider: str | None = None
    cloud_instance_type: str | None = None
    cloud_region: str | None = None
    cloud_lifecycle: Literal["spot", "on-demand"] | None = None

    gpus: tuple[GpuFacts, ...] | None = None
    gpus_visible: int | None = Field(
        default=None, description="how many GPUs a job may see (CUDA_VISIBLE_DEVICES)"
    )
    gpu_driver: str | None = None

    os: str | None = None
    kernel: str | None = None
    libc: str | None = None
    mitigations: dict[str, str] | None = Field(
        default=None, description="vulnerabilities of this machine's CPU, and their mitigations"
    )
    python: str | None = None
    environment: dict[str, str] | None = Field(
        default=None, description="variables that change speed and are set"
    )
    packages: dict[str, str | None] = Field(
        default_factory=dict, description="installed versions; None: not installed"
    )
    unknown: dict[str, str] = Field(
        default_factory=dict, description="why a fact is None, by the fact's name"
    )


class ThreadPool(Frozen):
    """A thread pool of a native library, as threadpoolctl found it."""

    api: str = Field(description="blas or openmp")
    library: str
    version: str | None = None
    threads: int
    layer: str | None = None
    architecture: str | None = None


class RuntimeFacts(Frozen):
    """What a process has loaded: thread pools, and how its frameworks were built."""

    thread_pools: tuple[ThreadPool, ...] | None = None
    frameworks: dict[str, dict[str, str]] = Field(
        default_factory=dict, description="build facts by framework, such as its CUDA version"
    )
    unknown: dict[str, str] = Field(default_factory=dict)


def open_vulnerabilities(mitigations: Mapping[str, str]) -> list[str]:
    """Return the vulnerabilities that are not mitigated, or whose mitigation is unknown."""
    return [
        name for name, text in mitigations.items() if text.startswith(("Vulnerable", "Unknown"))
    ]


def field_differences(left: MachineFacts, right: MachineFacts) -> dict[str, tuple[Any, Any]]:
    """Return both values of each field in which two machines differ; each package is a field."""
    pairs = {
        name: (getattr(left, name), getattr(right, name))
        for name in MachineFacts.model_fields
        if name not in {"packages", "unknown"}
    }
    for package in {**left.packages, **right.packages}:
        pairs[package] = (left.packages.get(package), right.packages.get(package))
    return {name: values for name, values in pairs.items() if values[0] != values[1]}
