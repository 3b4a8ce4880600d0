"""Which facts may explain a difference in speed, most telling first."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

Subject = Literal[
    "device",
    "CPU",
    "instruction sets",
    "CPUs for a job",
    "clock",
    "caches",
    "memory",
    "GPU",
    "virtualisation",
    "quota",
    "governor",
    "threads",
    "versions",
    "variables",
    "system",
    "conditions",
]

#: The facts that may explain a difference in speed: subjects and facts, most telling first. Facts
#: of a GPU are named as in `GpuFacts`. A fact that no row names comes last but for the conditions.
TELLING: tuple[tuple[Subject, tuple[str, ...]], ...] = (
    ("device", ("device",)),
    (
        "CPU",
        ("cpu_model", "microarchitecture", "cpu_signature", "cpu_vendor", "cpu_architecture"),
    ),
    ("instruction sets", ("instruction_sets",)),
    (
        "CPUs for a job",
        (
            *("usable_cpus", "physical_cores", "logical_cores", "threads_per_core", "core_kinds"),
            *("affinity_cpus", "cpuset_cpus", "sockets", "numa_nodes"),
        ),
    ),
    ("clock", ("cpu_max_hz", "cpu_base_hz")),
    ("caches", ("caches_bytes", "cache_instances")),
    (
        "memory",
        (
            *("memory_usable_bytes", "memory_limit_bytes", "memory_total_bytes"),
            *("swap_total_bytes", "transparent_huge_pages", "huge_pages_bytes"),
        ),
    ),
    (
        "GPU",
        (
            *("model", "power_limit_w", "mig", "compute_capability", "memory_total_bytes"),
            *("sm_clock_max_hz", "memory_clock_max_hz", "gpus_visible", "gpu_driver"),
        ),
    ),
    (
        "virtualisation",
        (
            *("virtualisation", "container", "has_battery", "cloud_instance_type"),
            "firmware_instance_type",
            *("cloud_provider", "cloud_region", "cloud_lifecycle", "kind"),
        ),
    ),
    ("quota", ("cpu_quota",)),
    ("governor", ("cpu_governor", "cpu_boost")),
    ("threads", ("threads_asked", "threads_intra_op", "threads_inter_op", "niceness")),
    ("versions", ("code", "python")),
    ("variables", ()),
    ("system", ("kernel", "os", "libc", "mitigations")),
)
SUBJECTS = tuple(subject for subject, _ in TELLING)

#: Facts that name a machine, and facts that change from one moment to the next or that another
#: fact stands for. They explain no difference in speed.
APART = frozenset(
    {
        *("machine_id", "machine_type", "id_version", "host_hash", "host_name", "boot_hash"),
        *("cpu_now_hz", "cpu_flags", "gpus"),
    }
)

#: Relative differences that are the rounding of one size: kernels keep 1% to 6% of the memory.
ROUNDING: Mapping[str, float] = {
    "memory_total_bytes": 0.05,
    "memory_usable_bytes": 0.05,
    "cpu_max_hz": 0.001,
    "cpu_base_hz": 0.001,
}
