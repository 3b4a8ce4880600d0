"""CPU facts: model, instruction sets, cores, and how many of them a job may use."""

from __future__ import annotations

import os
import platform
import subprocess
from collections.abc import Iterable
from pathlib import Path

import psutil

from bench.probe.cgroup import cpu_quota

CPUINFO = Path("/proc/cpuinfo")

#: Flags of /proc/cpuinfo (x86 `flags`, Arm `Features`) and of sysctl, and the field's names for
#: them. Only those that change the speed of training are listed.
INSTRUCTION_SETS: tuple[tuple[str, str], ...] = (
    ("sse4_2", "SSE4.2"),
    ("avx", "AVX"),
    ("avx2", "AVX2"),
    ("fma", "FMA"),
    ("f16c", "F16C"),
    ("avx512f", "AVX512F"),
    ("avx512bw", "AVX512BW"),
    ("avx512vl", "AVX512VL"),
    ("avx512_vnni", "AVX512_VNNI"),
    ("avx512_bf16", "AVX512_BF16"),
    ("avx512_fp16", "AVX512_FP16"),
    ("avx_vnni", "AVX_VNNI"),
    ("amx_tile", "AMX_TILE"),
    ("amx_bf16", "AMX_BF16"),
    ("amx_int8", "AMX_INT8"),
    ("asimd", "NEON"),
    ("asimdhp", "FP16"),
    ("asimddp", "DOTPROD"),
    ("bf16", "BF16"),
    ("i8mm", "I8MM"),
    ("sve", "SVE"),
    ("sve2", "SVE2"),
)

#: sysctl names of macOS that stand for a flag above.
MACOS_FLAGS: tuple[tuple[str, str], ...] = (
    ("hw.optional.neon", "asimd"),
    ("hw.optional.AdvSIMD", "asimd"),
    ("hw.optional.arm.FEAT_FP16", "asimdhp"),
    ("hw.optional.arm.FEAT_DotProd", "asimddp"),
    ("hw.optional.arm.FEAT_BF16", "bf16"),
    ("hw.optional.arm.FEAT_I8MM", "i8mm"),
    ("hw.optional.avx1_0", "avx"),
    ("hw.optional.avx2_0", "avx2"),
    ("hw.optional.fma", "fma"),
    ("hw.optional.avx512f", "avx512f"),
)


def parse_cpuinfo(text: str) -> dict[str, str]:
    """Return the first processor's fields of a /proc/cpuinfo text."""
    first = text.strip().split("\n\n")[0]
    pairs = (line.partition(":") for line in first.splitlines())
    return {key.strip(): value.strip() for key, _, value in pairs}


def named_instruction_sets(flags: Iterable[str]) -> tuple[str, ...]:
    """Return the field's names of those `flags` that matter, in the table's order."""
    present = set(flags)
    return tuple(name for flag, name in INSTRUCTION_SETS if flag in present)


def parse_sysctl(text: str) -> dict[str, str]:
    """Return the names and values of a `sysctl -a` text."""
    pairs = (line.partition(":") for line in text.splitlines())
    return {key.strip(): value.strip() for key, _, value in pairs}


def macos_flags(sysctl: dict[str, str]) -> tuple[str, ...]:
    """Return the flags that a macOS machine's sysctl values state."""
    return tuple(flag for name, flag in MACOS_FLAGS if sysctl.get(name) == "1")


def usable_cpus() -> float:
    """Return how many CPUs a job may use: the smaller of affinity and cgroup quota."""
    affinity = getattr(os, "sched_getaffinity", None)
    count = len(affinity(0)) if affinity else (os.cpu_count() or 1)
    quota = cpu_quota()
    return float(count) if quota is None else min(float(count), quota)


def _cpuinfo() -> dict[str, str]:
    return parse_cpuinfo(CPUINFO.read_text(errors="replace"))


def _sysctl() -> dict[str, str]:
    command = ["/usr/sbin/sysctl", "-a"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=2, check=True)
    return parse_sysctl(done.stdout)


def _model() -> str | None:
    if platform.system() == "Darwin":
        return _sysctl().get("machdep.cpu.brand_string")
    info = _cpuinfo()
    return info.get("model name") or info.get("Model") or info.get("CPU part")


def _instruction_sets() -> tuple[str, ...]:
    if platform.system() == "Darwin":
        return named_instruction_sets(macos_flags(_sysctl()))
    info = _cpuinfo()
    return named_instruction_sets((info.get("flags") or info["Features"]).split())


def _frequency(field: str) -> float | None:
    frequency = psutil.cpu_freq()
    value = getattr(frequency, field, None)
    return value * 1e6 if value else None


FACTS = (
    ("cpu_model", _model),
    ("cpu_architecture", platform.machine),
    ("instruction_sets", _instruction_sets),
    ("cpu_base_hz", lambda: _frequency("max")),
    ("cpu_now_hz", lambda: _frequency("current")),
    ("physical_cores", lambda: psutil.cpu_count(logical=False)),
    ("logical_cores", lambda: psutil.cpu_count(logical=True)),
    ("usable_cpus", usable_cpus),
)
