"""Sensors of the hardware while a job runs: clocks, temperatures, throttling, GPUs, energy.

Each function opens what there is and returns a reader of named values; where there is nothing it
raises Absent with the reason. Energy counters are named `energy_j:<source>`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import bench.probe.nvml as nvml
import bench.probe.system as system
from bench.conditions.files import KeptFile
from bench.probe.fact import Absent

Reader = Callable[[], Mapping[str, float]]

SYS = Path("/sys")

#: CPUs of which clock and throttle counters are read: enough for a mean, few enough to cost little.
MOST_CPUS = 16

#: Names of temperature sensors that belong to a CPU.
CPU_SENSORS = ("coretemp", "k10temp", "zenpower", "cpu", "soc", "x86_pkg", "acpitz")

#: Active bits of the Raspberry Pi's firmware: under-voltage, capped, throttled, soft limit.
PI_ACTIVE_BITS = 0xF


def frequency(root: Path = SYS) -> Reader:
    """Return the mean clock of the CPUs that cpufreq states."""
    files = _open(_some(root / "devices/system/cpu", "cpu[0-9]*/cpufreq/scaling_cur_freq"))
    if not files:
        raise Absent("no cpufreq driver (usual in virtual machines and on macOS)")
    return lambda: {"frequency_hz": 1e3 * sum(int(f.read()) for f in files) / len(files)}


def temperature(root: Path = SYS) -> Reader:
    """Return the hottest of the CPU's sensors, in degrees Celsius."""
    zones = [zone / "temp" for zone in _named(root / "class/thermal", "thermal_zone*", "type")]
    chips = _named(root / "class/hwmon", "hwmon*", "name")
    files = _open([*zones, *(file for chip in chips for file in chip.glob("temp*_input"))])
    if not files:
        raise Absent("no temperature sensor of a CPU in /sys (usual in virtual machines)")
    return lambda: {"temperature_c": max(int(file.read()) for file in files) / 1e3}


def thermal_throttling(root: Path = SYS) -> Reader:
    """Return how often the CPUs slowed down for heat, as they count it, or at how many looks."""
    cpus = root / "devices/system/cpu"
    counters = _open(
        [
            *_some(cpus, "cpu[0-9]*/thermal_throttle/core_throttle_count"),
            *_some(cpus, "cpu0/thermal_throttle/package_throttle_count"),
        ]
    )
    bits = _open([root / "devices/platform/soc/soc:firmware/get_throttled"])
    if not counters and not bits:
        raise Absent("no throttle counters in /sys (Intel CPUs on bare metal have them)")
    looks_throttled = 0

    def values() -> Mapping[str, float]:
        nonlocal looks_throttled
        looks_throttled += sum(int(file.read(), 16) & PI_ACTIVE_BITS != 0 for file in bits)
        counted = sum(int(file.read()) for file in counters)
        return {"thermal_throttles": counted + looks_throttled}

    return values


def rapl(root: Path = SYS) -> Reader:
    """Return the joules that each CPU package and its memory have used; counters wrap, ours do not.

    Source: the kernel's power capping framework (Documentation/power/powercap).
    """
    zones = sorted((root / "class/powercap").glob("intel-rapl:*"))
    if not zones:
        raise Absent("no RAPL in /sys/class/powercap (usual in virtual machines and on Arm)")
    counters: dict[str, _Wrapping] = {}
    for zone in zones:
        name = system.first_line(zone / "name") or zone.name
        parent = zone.name.rpartition(":")[0]
        if name.startswith("package"):
            counters[f"energy_j:RAPL {name}"] = _Wrapping(zone)
        elif name == "dram":
            package = system.first_line(zone.parent / parent / "name") or parent
            counters[f"energy_j:RAPL {package} dram"] = _Wrapping(zone)
    if not counters:
        raise Absent("RAPL states no CPU package")
    return lambda: {name: counter.joules() for name, counter in counters.items()}


def battery(root: Path = SYS) -> Reader:
    """Return the joules that the battery has given since now; it must be discharging."""
    cells = [
        cell
        for cell in sorted((root / "class/power_supply").glob("*"))
        if system.first_line(cell / "type") == "Battery"
        and system.first_line(cell / "scope") != "Device"  # a mouse's
    ]
    if not cells:
        raise Absent("no battery in /sys/class/power_supply")
    if not any(system.first_line(cell / "status") == "Discharging" for cell in cells):
        raise Absent("the battery is not discharging: on mains it tells nothing")
    begin_j = sum(map(_battery_joules, cells))
    return lambda: {"energy_j:battery": begin_j - sum(map(_battery_joules, cells))}


def gpus() -> Reader:
    """Return what each NVIDIA GPU is doing. Raises Absent where there is none."""
    opened = nvml.session()
    pynvml = opened.__enter__()  # left open: the driver answers as long as we watch
    handles = nvml.handles(pynvml)
    if not handles:
        opened.__exit__(None, None, None)
        raise Absent("the NVIDIA driver shows this process no GPU")

    def values() -> Mapping[str, float]:
        found: dict[str, float] = {}
        for index, handle in enumerate(handles):
            for name, read in GPU_GAUGES.items():
                try:
                    key = name if name.startswith("energy_j") else f"gpu_{name}"
                    found[f"{key}:{index}"] = read(pynvml, handle)
                except (pynvml.NVMLError, AttributeError):  # not on this GPU, or driver
                    continue
        return found

    return values


def _reasons(pynvml: Any, handle: Any) -> int:
    """Return the bits of why the clocks are low; the call has two names in NVML's history."""
    ask = getattr(pynvml, "nvmlDeviceGetCurrentClocksEventReasons", None)
    return (ask or pynvml.nvmlDeviceGetCurrentClocksThrottleReasons)(handle)


GPU_GAUGES: Mapping[str, Callable[[Any, Any], float]] = {
    "utilisation": lambda n, h: n.nvmlDeviceGetUtilizationRates(h).gpu / 100,
    "sm_clock_hz": lambda n, h: n.nvmlDeviceGetClockInfo(h, n.NVML_CLOCK_SM) * 1e6,
    "memory_clock_hz": lambda n, h: n.nvmlDeviceGetClockInfo(h, n.NVML_CLOCK_MEM) * 1e6,
    "power_w": lambda n, h: n.nvmlDeviceGetPowerUsage(h) / 1e3,
    "temperature_c": lambda n, h: n.nvmlDeviceGetTemperature(h, n.NVML_TEMPERATURE_GPU),
    "memory_used_bytes": lambda n, h: n.nvmlDeviceGetMemoryInfo(h).used,
    "throttle_bits": _reasons,
    "energy_j:NVML GPU": lambda n, h: n.nvmlDeviceGetTotalEnergyConsumption(h) / 1e3,
}


class _Wrapping:
    """A RAPL counter of microjoules that begins anew at its range, read more often than that."""

    def __init__(self, zone: Path) -> None:
        try:
            self._file = KeptFile(zone / "energy_uj")
        except PermissionError:
            raise Absent("RAPL counters are readable by root alone on this kernel") from None
        self._range = system.number(zone / "max_energy_range_uj") or 2**32
        self._last, self._whole = int(self._file.read()), 0

    def joules(self) -> float:
        now = int(self._file.read())
        if now < self._last:
            self._whole += self._range
        self._last = now
        return (self._whole + now) / 1e6


def _battery_joules(cell: Path) -> float:
    """Return what is left in a battery: microwatt-hours, or microampere-hours times microvolts."""
    energy = system.number(cell / "energy_now")
    if energy is not None:
        return energy * 3600 / 1e6
    charge, volts = system.number(cell / "charge_now"), system.number(cell / "voltage_now")
    if charge is None or volts is None:
        raise Absent("the battery states neither energy nor charge")
    return charge / 1e6 * 3600 * volts / 1e6


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


def _some(folder: Path, pattern: str) -> list[Path]:
    return sorted(folder.glob(pattern))[:MOST_CPUS]


def _named(folder: Path, pattern: str, name: str) -> list[Path]:
    """Return the folders whose file `name` names a sensor of a CPU."""
    found = []
    for path in sorted(folder.glob(pattern)):
        text = (system.first_line(path / name) or "").lower()
        if any(text.startswith(known) for known in CPU_SENSORS):
            found.append(path)
    return found
