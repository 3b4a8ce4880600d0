"""Sensors of the CPU while a job runs: clocks, temperatures, throttling.

Each function opens what there is and returns a reader of named values; where there is nothing it
raises Absent with the reason.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

import bench.probe.system as system
from bench.probe.fact import Absent
from bench.watch.files import KeptFile

Reader = Callable[[], Mapping[str, float]]

SYS = Path("/sys")

#: Below a CPU's folder: its clock now, in kHz.
SCALING = "cpufreq/scaling_cur_freq"

#: CPUs of which clocks and throttle counters are read at most: what it costs grows with them.
MOST_CPUS = 64

#: Names of temperature sensors that belong to a CPU.
CPU_SENSORS = ("coretemp", "k10temp", "zenpower", "cpu", "soc", "x86_pkg", "acpitz")

#: Active bits of the Raspberry Pi's firmware: under-voltage, capped, throttled, soft limit.
PI_ACTIVE_BITS = 0xF


def frequency(root: Path = SYS, cpus: frozenset[int] | None = None, threads: int = 1) -> Reader:
    """Return the mean clock of the fastest of `cpus`, as many as a job has threads.

    A job's threads keep their CPUs at a high clock, while idle ones may state any.
    """
    folder = root / "devices/system/cpu"
    files = _open(folder / f"cpu{number}" / SCALING for number in _numbers(folder, cpus))
    if not files:
        raise Absent(_where("no cpufreq driver (usual in virtual machines)"))
    most = max(1, min(threads, len(files)))

    def values() -> Mapping[str, float]:
        clocks = sorted((int(file.read()) for file in files), reverse=True)
        return {"frequency_hz": 1e3 * sum(clocks[:most]) / most}

    return values


def temperature(root: Path = SYS) -> Reader:
    """Return the hottest of the CPU's sensors, in degrees Celsius."""
    zones = [zone / "temp" for zone in _named(root / "class/thermal", "thermal_zone*", "type")]
    chips = _named(root / "class/hwmon", "hwmon*", "name")
    files = _open([*zones, *(file for chip in chips for file in chip.glob("temp*_input"))])
    if not files:
        raise Absent(_where("no temperature sensor of a CPU in /sys (usual in virtual machines)"))
    return lambda: {"temperature_c": max(int(file.read()) for file in files) / 1e3}


def thermal_throttling(root: Path = SYS) -> Reader:
    """Return how often the CPUs slowed down for heat, as they count it, or at how many looks."""
    cpus = root / "devices/system/cpu"
    counters = _open(_throttle_counts(cpus))
    bits = _open([root / "devices/platform/soc/soc:firmware/get_throttled"])
    if not counters and not bits:
        raise Absent(_where("no throttle counters in /sys (Intel CPUs on bare metal have them)"))
    looks_throttled = 0

    def values() -> Mapping[str, float]:
        nonlocal looks_throttled
        looks_throttled += sum(int(file.read(), 16) & PI_ACTIVE_BITS != 0 for file in bits)
        counted = sum(int(file.read()) for file in counters)
        return {"thermal_throttles": counted + looks_throttled}

    return values


def _open(paths: Iterable[Path]) -> list[KeptFile]:
    """Return those of `paths` that can be opened and read."""
    files = []
    for path in paths:
        try:
            file = KeptFile(path)
            file.read()
        except OSError:  # absent, or a sensor that does not answer
            continue
        files.append(file)
    return files


def _numbers(folder: Path, cpus: frozenset[int] | None = None) -> list[int]:
    """Return the numbers of the CPUs in /sys that are among `cpus` (None: all), in order."""
    names = (path.name.removeprefix("cpu") for path in folder.glob("cpu[0-9]*"))
    numbers = sorted(int(name) for name in names if name.isdigit())
    return [number for number in numbers if cpus is None or number in cpus][:MOST_CPUS]


def _throttle_counts(folder: Path) -> list[Path]:
    """Return the counters of every core once and of every package once; siblings repeat them."""
    found: dict[tuple[str | None, ...], Path] = {}
    for number in _numbers(folder):
        cpu = folder / f"cpu{number}"
        package, core = (
            system.first_line(cpu / f"topology/{name}")
            for name in ("physical_package_id", "core_id")
        )
        core = core or str(number)
        found.setdefault(("core", package, core), cpu / "thermal_throttle/core_throttle_count")
        found.setdefault(("package", package), cpu / "thermal_throttle/package_throttle_count")
    return list(found.values())


def _where(reason: str) -> str:
    return system.MACOS_CLOSED if system.is_macos() else reason


def _named(folder: Path, pattern: str, name: str) -> list[Path]:
    """Return the folders whose file `name` names a sensor of a CPU."""
    found = []
    for path in sorted(folder.glob(pattern)):
        text = (system.first_line(path / name) or "").lower()
        if any(text.startswith(known) for known in CPU_SENSORS):
            found.append(path)
    return found
