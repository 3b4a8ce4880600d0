"""Sensors of the CPU while a job runs: clocks, temperatures, throttling.

Each function opens its sensors and returns a reader of named values. If there is no sensor, it
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

#: File in a CPU's folder that holds its current clock, in kHz.
SCALING = "cpufreq/scaling_cur_freq"

#: Clocks and throttle counters of at most this many CPUs are read: each CPU adds to the cost.
MOST_CPUS = 64

#: Names of temperature sensors that belong to a CPU.
CPU_SENSORS = ("coretemp", "k10temp", "zenpower", "cpu", "soc", "x86_pkg", "acpitz")

#: Bits of the Raspberry Pi's firmware for the current state: under-voltage, capped, throttled, soft
#: temperature limit.
PI_ACTIVE_BITS = 0xF


def frequency(root: Path = SYS, cpus: frozenset[int] | None = None, threads: int = 1) -> Reader:
    """Return a reader of the mean clock of the fastest of `cpus`, as many as a job has threads.

    A job's threads keep their CPUs at a high clock; idle CPUs may report any clock.
    """
    folder = root / "devices/system/cpu"
    files = _open(folder / f"cpu{number}" / SCALING for number in _numbers(folder, cpus))
    if not files:
        raise Absent(_reason("no cpufreq driver (usual in virtual machines)"))
    most = max(1, min(threads, len(files)))

    def values() -> Mapping[str, float]:
        clocks = sorted((int(file.read()) for file in files), reverse=True)
        return {"frequency_hz": 1e3 * sum(clocks[:most]) / most}

    return values


def temperature(root: Path = SYS) -> Reader:
    """Return a reader of the CPU's hottest sensor, in degrees Celsius."""
    zones = [zone / "temp" for zone in _named(root / "class/thermal", "thermal_zone*", "type")]
    chips = _named(root / "class/hwmon", "hwmon*", "name")
    files = _open([*zones, *(file for chip in chips for file in chip.glob("temp*_input"))])
    if not files:
        raise Absent(_reason("no temperature sensor of a CPU in /sys (usual in virtual machines)"))
    return lambda: {"temperature_c": max(int(file.read()) for file in files) / 1e3}


def thermal_throttling(root: Path = SYS) -> Reader:
    """Return a reader of how often the CPUs slowed down because of heat.

    CPUs count these events themselves; for a Raspberry Pi, we count the readings that show it.
    """
    cpus = root / "devices/system/cpu"
    counters = _open(_throttle_counts(cpus))
    bits = _open([root / "devices/platform/soc/soc:firmware/get_throttled"])
    if not counters and not bits:
        raise Absent(_reason("no throttle counters in /sys (Intel CPUs on bare metal have them)"))
    throttled_readings = 0

    def values() -> Mapping[str, float]:
        nonlocal throttled_readings
        throttled_readings += sum(int(file.read(), 16) & PI_ACTIVE_BITS != 0 for file in bits)
        counted = sum(int(file.read()) for file in counters)
        return {"thermal_throttles": counted + throttled_readings}

    return values


def _open(paths: Iterable[Path]) -> list[KeptFile]:
    """Return the files among `paths` that can be opened and read."""
    files = []
    for path in paths:
        try:
            file = KeptFile(path)
            file.read()
        except OSError:  # missing, or a sensor that does not answer
            continue
        files.append(file)
    return files


def _numbers(folder: Path, cpus: frozenset[int] | None = None) -> list[int]:
    """Return the sorted numbers of the CPUs in /sys that are in `cpus` (None: all)."""
    names = (path.name.removeprefix("cpu") for path in folder.glob("cpu[0-9]*"))
    numbers = sorted(int(name) for name in names if name.isdigit())
    return [number for number in numbers if cpus is None or number in cpus][:MOST_CPUS]


def _throttle_counts(folder: Path) -> list[Path]:
    """Return one counter file per core and per package; siblings repeat the counters."""
    files: dict[tuple[str | None, ...], Path] = {}
    for number in _numbers(folder):
        cpu = folder / f"cpu{number}"
        package, core = (
            system.first_line(cpu / f"topology/{name}")
            for name in ("physical_package_id", "core_id")
        )
        core = core or str(number)
        files.setdefault(("core", package, core), cpu / "thermal_throttle/core_throttle_count")
        files.setdefault(("package", package), cpu / "thermal_throttle/package_throttle_count")
    return list(files.values())


def _reason(reason: str) -> str:
    return system.MACOS_CLOSED if system.is_macos() else reason


def _named(folder: Path, pattern: str, name: str) -> list[Path]:
    """Return the folders whose file `name` names a sensor of a CPU."""
    folders = []
    for path in sorted(folder.glob(pattern)):
        text = (system.first_line(path / name) or "").lower()
        if any(text.startswith(known) for known in CPU_SENSORS):
            folders.append(path)
    return folders
