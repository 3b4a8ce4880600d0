"""CPU facts: model, make, instruction sets and frequencies."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import PurePosixPath

import bench.probe.system as system
from bench.probe.cpuinfo import read
from bench.probe.cpus import CPUS, folders
from bench.probe.fact import MANY_S, Absent, Fact
from bench.probe.instruction_sets import (
    family_of,
    macos_flags,
    may_belong,
    named_instruction_sets,
)
from bench.probe.root import Root
from bench.probe.translation import translator

TITLE = "CPU"

#: Fields of macOS's sysctl that tell one CPU design from another.
MACOS_SIGNATURE: tuple[tuple[str, str], ...] = (
    ("machdep.cpu.family", "family"),
    ("machdep.cpu.model", "model"),
    ("machdep.cpu.stepping", "stepping"),
    ("hw.cpufamily", "core"),
)

#: Files of a CPU's current clock. Since kernel 6.15, the first one is measured; the second one may
#: stand still at the least clock.
NOW = ("cpufreq/cpuinfo_avg_freq", "cpufreq/scaling_cur_freq")

#: Fields of /proc/cpuinfo that hold a processor's current clock in MHz.
NOW_FIELDS = ("cpu MHz", "cpu MHz dynamic", "clock")

#: Clocks outside these bounds are nonsense of a driver or of firmware.
LEAST_HZ, MOST_HZ = 1e7, 2e10

#: Current clocks are read of at most this many CPUs.
MOST_CPUS = 8

#: Files that say whether a CPU may run above its base frequency, and the value that means yes.
BOOST: tuple[tuple[str, int], ...] = (("intel_pstate/no_turbo", 0), ("cpufreq/boost", 1))
BOOST_OF_A_CPU = ("cpufreq/boost", "cpufreq/cpb")

NO_CPUFREQ = "no cpufreq driver (usual in virtual machines and on macOS)"


def _model(root: Root) -> str | None:
    if root.is_macos:
        return system.sysctl(root).get("machdep.cpu.brand_string")
    return read(root).model


def _vendor(root: Root) -> str | None:
    if root.is_macos:
        return system.sysctl(root).get("machdep.cpu.vendor") or "Apple"
    return read(root).vendor


def _microarchitecture(root: Root) -> str | None:
    """Return archspec's name: zen3, sapphirerapids, neoverse_v1, m2."""
    import archspec.cpu  # takes 30 ms, which only a probe should pay

    name = archspec.cpu.host().name
    return None if name in {"", "unknown"} else name


def _signature(root: Root) -> str | None:
    """Return what tells CPUs of one name apart: `family 25, model 17, stepping 1`."""
    if not root.is_macos:
        return read(root).signature
    known = system.sysctl(root)
    texts = [f"{word} {known[key]}" for key, word in MACOS_SIGNATURE if known.get(key)]
    return ", ".join(texts) or None


def _flags(root: Root) -> tuple[str, ...]:
    """Return the flags of what this process can use. Raises Absent if none are stated.

    If its instructions are translated, flags of the real CPU are left out.
    """
    translated = translator(root)
    own = family_of(system.architecture(root)) if translated else None
    if root.is_macos:
        flags = macos_flags(system.sysctl(root))
    else:
        info = read(root)
        flags = info.flags if own in {None, info.architecture} else ()
    usable = tuple(flag for flag in flags if own is None or may_belong(flag, own))
    if translated and not usable:
        raise Absent(f"translated by {translated}, which does not state its instruction sets")
    return usable


def _clocks(
    root: Root,
    *names: str,
    unit_hz: float = 1e3,
    cpus: Sequence[PurePosixPath] | None = None,
) -> list[float]:
    """Return the clocks that the CPUs state, each in the first of its files `names` that does."""
    found = []
    for cpu in folders(root) if cpus is None else cpus:
        stated = (float(root.number(cpu / name) or 0) * unit_hz for name in names)
        found += [next((hz for hz in stated if LEAST_HZ <= hz <= MOST_HZ), 0.0)]
    return [hz for hz in found if hz]


def _base_hz(root: Root) -> float | None:
    """Return the nominal frequency, from the driver, the firmware or Intel's model name.

    If kinds of core have unlike clocks, it is the highest.
    """
    if root.is_macos:
        text = system.sysctl(root).get("hw.cpufrequency")
        return float(text) if text else None
    stated = _clocks(root, "cpufreq/base_frequency")
    stated = stated or _clocks(root, "acpi_cppc/nominal_freq", unit_hz=1e6)
    if stated:
        return max(stated)
    written = re.search(r"@ ([0-9.]+)GHz", read(root).model or "")
    return float(written[1]) * 1e9 if written else None


def _max_hz(root: Root) -> float | None:
    return max(_clocks(root, "cpufreq/cpuinfo_max_freq"), default=None)


def _now_hz(root: Root) -> float | None:
    """Return the clock of the fastest of a few CPUs; idle CPUs may state any clock.

    The CPUs that can be fastest are looked at. Some kernels take 10 ms for each.
    """
    cpus = folders(root)
    most = {cpu: root.number(cpu / "cpufreq/cpuinfo_max_freq") or 0 for cpu in cpus}
    fastest = sorted(cpus, key=lambda cpu: -most[cpu])[:MOST_CPUS]
    stated = _clocks(root, *NOW, cpus=fastest)
    if not stated and root.is_linux:
        info = read(root)
        numbers = (info.numbers(name) for name in NOW_FIELDS)
        stated = [mhz * 1e6 for mhz in next(filter(None, numbers), [])]
    return max((hz for hz in stated if LEAST_HZ <= hz <= MOST_HZ), default=None)


def _governor(root: Root) -> str | None:
    """Return the governor of the CPUs; several if they differ."""
    stated = (root.line(cpu / "cpufreq/scaling_governor") for cpu in folders(root))
    return " + ".join(dict.fromkeys(filter(None, stated))) or None


def _boost(root: Root) -> bool | None:
    """Return whether a CPU may run above its base frequency."""
    for name, on in BOOST:
        stated = root.number(CPUS / name)
        if stated is not None:
            return stated == on
    cpus = [cpu for cpu in folders(root) if root.is_folder(cpu / "cpufreq")]
    found = [root.number(cpu / name) for cpu in cpus[:MOST_CPUS] for name in BOOST_OF_A_CPU]
    if any(stated is not None for stated in found):
        return any(found)
    driver = next(filter(None, (root.line(cpu / "cpufreq/scaling_driver") for cpu in cpus)), None)
    if driver or cpus:
        raise Absent(f"the cpufreq driver {driver or 'of this machine'} states no boost")
    return None


FACTS = (
    Fact(
        "cpu_model",
        _model,
        "model of /proc/cpuinfo, Arm's implementer and part of each kind of core; sysctl on macOS",
        limit_s=1.0,  # the first row that calls sysctl
    ),
    Fact("cpu_vendor", _vendor, "vendor_id or implementer of /proc/cpuinfo; sysctl on macOS"),
    Fact("cpu_architecture", system.architecture, "uname"),
    Fact("microarchitecture", _microarchitecture, "archspec", limit_s=2.0, is_asked=True),
    Fact(
        "cpu_signature",
        _signature,
        "family, model and stepping, or implementer, variant, part and revision, of each kind of "
        "core in /proc/cpuinfo; sysctl on macOS",
    ),
    Fact(
        "instruction_sets",
        lambda root: named_instruction_sets(_flags(root)),
        "the flags that change training speed, without sets that a translator does not offer",
    ),
    Fact(
        "cpu_flags",
        _flags,
        "flags, Features or isa of /proc/cpuinfo that all CPUs have; sysctl on macOS",
    ),
    Fact(
        "cpu_base_hz",
        _base_hz,
        "cpufreq, ACPI, or the model's name; of the fastest CPU",
        "Hz",
        limit_s=MANY_S,
    ),
    Fact("cpu_max_hz", _max_hz, "cpufreq, of the fastest CPU", "Hz", NO_CPUFREQ, limit_s=MANY_S),
    Fact(
        "cpu_now_hz",
        _now_hz,
        "cpufreq or /proc/cpuinfo, of the fastest CPU during the probe",
        "Hz",
        limit_s=MANY_S,
    ),
    Fact("cpu_governor", _governor, "cpufreq", absent=NO_CPUFREQ, limit_s=MANY_S),
    Fact("cpu_boost", _boost, "intel_pstate or cpufreq", absent=NO_CPUFREQ, limit_s=MANY_S),
)
