"""CPU facts: model, make, instruction sets and frequencies."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from pathlib import PurePosixPath

import bench.probe.system as system
from bench.probe.fact import Fact
from bench.probe.root import Root

TITLE = "CPU"

CPUINFO = "/proc/cpuinfo"
CPUS = PurePosixPath("/sys/devices/system/cpu")

#: Flags of /proc/cpuinfo (x86 `flags`, Arm `Features`) and of sysctl, and their usual names. The
#: table lists only flags that change the speed of training.
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
    ("sme", "SME"),
)

#: Features of macOS (as `macos_flags` lists them) and the flags above that they stand for. On Intel
#: Macs, it depends on the version of macOS whether one or both lists hold a feature.
MACOS_FLAGS: tuple[tuple[str, str], ...] = (
    ("neon", "asimd"),
    ("AdvSIMD", "asimd"),
    ("arm.FEAT_FP16", "asimdhp"),
    ("arm.FEAT_DotProd", "asimddp"),
    ("arm.FEAT_BF16", "bf16"),
    ("arm.FEAT_I8MM", "i8mm"),
    ("arm.FEAT_SME", "sme"),
    ("sse4.2", "sse4_2"),
    ("avx1_0", "avx"),
    ("avx1.0", "avx"),
    ("avx2_0", "avx2"),
    ("avx512vnni", "avx512_vnni"),
)

#: The sysctl lists of an Intel Mac's features (in capitals), and the prefix of single features.
MACOS_LISTS = ("machdep.cpu.features", "machdep.cpu.leaf7_features")
MACOS_OPTIONAL = "hw.optional."

#: Arm's implementer and part numbers, for kernels that give no model name. archspec 0.2.7 knows six
#: of these parts. Source: the kernel's arch/arm64/include/asm/cputype.h, which follows Arm's
#: technical reference manuals.
ARM_VENDORS = {
    "0x41": "ARM",
    "0x46": "Fujitsu",
    "0x4e": "NVIDIA",
    "0x61": "Apple",
    "0xc0": "Ampere",
}
ARM_PARTS = {
    **{
        ("0x41", part): f"Cortex-{name}"
        for part, name in (
            ("0xd03", "A53"),
            ("0xd05", "A55"),
            ("0xd07", "A57"),
            ("0xd08", "A72"),
            ("0xd09", "A73"),
            ("0xd0a", "A75"),
            ("0xd0b", "A76"),
            ("0xd0d", "A77"),
            ("0xd41", "A78"),
            ("0xd44", "X1"),
            ("0xd46", "A510"),
            ("0xd47", "A710"),
            ("0xd48", "X2"),
            ("0xd4d", "A715"),
            ("0xd4e", "X3"),
            ("0xd80", "A520"),
            ("0xd81", "A720"),
            ("0xd82", "X4"),
        )
    },
    **{
        ("0x41", part): f"Neoverse {name}"
        for part, name in (
            ("0xd0c", "N1"),
            ("0xd40", "V1"),
            ("0xd49", "N2"),
            ("0xd4f", "V2"),
            ("0xd84", "V3"),
            ("0xd8e", "N3"),
        )
    },
    ("0xc0", "0xac3"): "Ampere-1",
}


#: Fields of /proc/cpuinfo (x86, then Arm) and of sysctl that tell one CPU design from another.
SIGNATURE: tuple[tuple[str, str], ...] = (
    ("cpu family", "family"),
    ("model", "model"),
    ("stepping", "stepping"),
    ("CPU implementer", "implementer"),
    ("CPU variant", "variant"),
    ("CPU part", "part"),
    ("CPU revision", "revision"),
)
MACOS_SIGNATURE: tuple[tuple[str, str], ...] = (
    ("machdep.cpu.family", "family"),
    ("machdep.cpu.model", "model"),
    ("machdep.cpu.stepping", "stepping"),
    ("hw.cpufamily", "core"),
)


def parse_cpuinfo(text: str) -> dict[str, str]:
    """Return the fields of the first processor and of the board in a /proc/cpuinfo text."""
    blocks = [block for block in text.strip().split("\n\n") if block.strip()]
    fields: dict[str, str] = {}
    for block in (blocks[0], blocks[-1]) if blocks else ():
        for key, _, value in (line.partition(":") for line in block.splitlines()):
            fields.setdefault(key.strip(), value.strip())
    return fields


def named_instruction_sets(flags: Iterable[str]) -> tuple[str, ...]:
    """Return the usual names of the `flags` that are in the table, in the table's order."""
    present = set(flags)
    return tuple(name for flag, name in INSTRUCTION_SETS if flag in present)


def macos_flags(sysctl: Mapping[str, str]) -> tuple[str, ...]:
    """Return the flags in the sysctl values of a macOS machine, with Linux's names for them."""
    stated = {
        name.removeprefix(MACOS_OPTIONAL)
        for name, value in sysctl.items()
        if name.startswith(MACOS_OPTIONAL) and value == "1"
    }
    for name in MACOS_LISTS:
        stated.update(sysctl.get(name, "").lower().split())
    return tuple(sorted(stated | {flag for name, flag in MACOS_FLAGS if name in stated}))


def arm_model(text: str) -> str | None:
    """Return the names of the kinds of core in an Arm machine's cpuinfo, the last one first.

    By convention the last one is the biggest. An unknown part keeps its number. Returns None if no
    part is known.
    """
    names, known = [], False
    for block in text.split("\n\n"):
        fields = parse_cpuinfo(block)
        part = fields.get("CPU part")
        name = ARM_PARTS.get((fields.get("CPU implementer", ""), part or ""))
        known = known or name is not None
        if part:
            names.append(name or part)
    return " + ".join(dict.fromkeys(reversed(names))) if known else None


def _cpuinfo(root: Root) -> dict[str, str]:
    return parse_cpuinfo(root.text(CPUINFO))


def _model(root: Root) -> str | None:
    if root.is_macos:
        return system.sysctl(root).get("machdep.cpu.brand_string")
    text = root.text(CPUINFO)
    info = parse_cpuinfo(text)
    named = info.get("model name") or arm_model(text)
    return named or info.get("Model") or info.get("CPU part")


def _vendor(root: Root) -> str | None:
    if root.is_macos:
        return system.sysctl(root).get("machdep.cpu.vendor") or "Apple"
    info = _cpuinfo(root)
    return info.get("vendor_id") or ARM_VENDORS.get(info.get("CPU implementer", ""))


def _microarchitecture(root: Root) -> str | None:
    """Return archspec's name: zen3, sapphirerapids, neoverse_v1, m2."""
    import archspec.cpu  # takes 30 ms, which only a probe should pay

    name = archspec.cpu.host().name
    return None if name in {"", "unknown"} else name


def _signature(root: Root) -> str | None:
    """Return the numbers that tell CPUs of one model name apart: `family 25, model 17, stepping 1`.

    A virtual machine often shows a general name (`AMD EPYC`), but seldom changes these numbers.
    """
    known = system.sysctl(root) if root.is_macos else _cpuinfo(root)
    rows = MACOS_SIGNATURE if root.is_macos else SIGNATURE
    return ", ".join(f"{word} {known[key]}" for key, word in rows if known.get(key)) or None


def _flags(root: Root) -> tuple[str, ...]:
    if root.is_macos:
        return macos_flags(system.sysctl(root))
    info = _cpuinfo(root)
    return tuple(sorted((info.get("flags") or info["Features"]).split()))


def _base_hz(root: Root) -> float | None:
    """Return the nominal frequency, from the driver, the firmware or Intel's model name."""
    if root.is_macos:
        text = system.sysctl(root).get("hw.cpufrequency")
        return float(text) if text else None
    stated = root.number(CPUS / "cpu0/cpufreq/base_frequency")
    if stated:
        return stated * 1e3
    nominal = root.number(CPUS / "cpu0/acpi_cppc/nominal_freq")  # in MHz; 0: not filled in
    if nominal:
        return nominal * 1e6
    written = re.search(r"@ ([0-9.]+)GHz", _cpuinfo(root).get("model name", ""))
    return float(written[1]) * 1e9 if written else None


def _max_hz(root: Root) -> float | None:
    stated = root.number(CPUS / "cpu0/cpufreq/cpuinfo_max_freq")
    return stated * 1e3 if stated else None


def _now_hz(root: Root) -> float | None:
    stated = root.number(CPUS / "cpu0/cpufreq/scaling_cur_freq")
    if stated:
        return stated * 1e3
    text = _cpuinfo(root).get("cpu MHz") if root.exists(CPUINFO) else None
    return float(text) * 1e6 if text else None


def _boost(root: Root) -> bool | None:
    """Return whether the CPU may run above its base frequency."""
    off = root.number(CPUS / "intel_pstate/no_turbo")
    on = root.number(CPUS / "cpufreq/boost")
    return off == 0 if off is not None else None if on is None else on == 1


NO_CPUFREQ = "no cpufreq driver (usual in virtual machines and on macOS)"

FACTS = (
    Fact(
        "cpu_model",
        _model,
        "model name of /proc/cpuinfo, Arm part number; sysctl on macOS",
        limit_s=1.0,  # the first row that calls sysctl
    ),
    Fact("cpu_vendor", _vendor, "vendor_id or implementer of /proc/cpuinfo; sysctl on macOS"),
    Fact("cpu_architecture", system.architecture, "uname"),
    Fact("microarchitecture", _microarchitecture, "archspec", limit_s=1.0, is_asked=True),
    Fact(
        "cpu_signature",
        _signature,
        "family, model and stepping, or implementer, variant, part and revision, of /proc/cpuinfo; "
        "sysctl on macOS",
    ),
    Fact(
        "instruction_sets",
        lambda root: named_instruction_sets(_flags(root)),
        "the flags that change training speed",
    ),
    Fact("cpu_flags", _flags, "flags or Features of /proc/cpuinfo; sysctl on macOS"),
    Fact("cpu_base_hz", _base_hz, "cpufreq, ACPI, or the model's name", "Hz"),
    Fact("cpu_max_hz", _max_hz, "cpufreq", "Hz", NO_CPUFREQ),
    Fact("cpu_now_hz", _now_hz, "cpufreq or /proc/cpuinfo, during the probe", "Hz"),
    Fact(
        "cpu_governor",
        lambda root: root.line(CPUS / "cpu0/cpufreq/scaling_governor"),
        "cpufreq",
        absent=NO_CPUFREQ,
    ),
    Fact("cpu_boost", _boost, "intel_pstate or cpufreq", absent=NO_CPUFREQ),
)
