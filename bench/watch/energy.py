"""Energy that the machine itself reports: RAPL counters and the battery.

Energy counters are named `energy_j:<source>`, power gauges `power_w:<source>`. (The library zeus
reads the same counters, but it reads RAPL from a separate process and knows neither epochs nor
batteries. NVML's counters are read with the other figures of a GPU.)
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import bench.probe.system as system
from bench.probe.fact import Absent
from bench.watch.files import KeptFile

Reader = Callable[[], Mapping[str, float]]

SYS = Path("/sys")
CPUINFO = Path("/proc/cpuinfo")

#: Marks the counters of CPUs whose RAPL models their activity instead of measuring power. Source:
#: Schoene et al., "Energy Efficiency Aspects of the AMD Zen 2 Architecture" (2021).
MODELLED = "(modelled)"


def rapl(root: Path = SYS, cpuinfo: Path = CPUINFO) -> Reader:
    """Return a reader of the joules that each CPU package and its memory have used.

    The hardware counters wrap; ours do not.

    Source: the kernel's power capping framework (Documentation/power/powercap).
    """
    if system.is_macos():
        raise Absent(system.MACOS_CLOSED)
    zones = sorted((root / "class/powercap").glob("intel-rapl:*"))
    if not zones:
        raise Absent("no RAPL in /sys/class/powercap (usual in virtual machines and on Arm)")
    modelled = f" {MODELLED}" if _is_amd(cpuinfo) else ""
    counters: dict[str, _Wrapping] = {}
    for zone in zones:
        name = system.first_line(zone / "name") or zone.name
        parent = zone.name.rpartition(":")[0]
        if name.startswith("package"):
            counters[f"energy_j:RAPL {name}{modelled}"] = _Wrapping(zone)
        elif name == "dram":
            package = system.first_line(zone.parent / parent / "name") or parent
            counters[f"energy_j:RAPL {package} dram{modelled}"] = _Wrapping(zone)
    if not counters:
        raise Absent("RAPL lists no CPU package")
    return lambda: {name: counter.joules() for name, counter in counters.items()}


def battery(root: Path = SYS) -> Reader:
    """Return a reader of the battery: its power if it states power, else the joules so far.

    `on_battery` is 1 while the battery discharges. If mains power was on during a part of an
    interval, the battery's figures do not cover the machine. Raises Absent unless the battery is
    discharging now.
    """
    if system.is_macos():
        raise Absent(system.MACOS_CLOSED)
    cells = [
        cell
        for cell in sorted((root / "class/power_supply").glob("*"))
        if system.first_line(cell / "type") == "Battery"
        and system.first_line(cell / "scope") != "Device"  # a mouse's
    ]
    if not cells:
        raise Absent("no battery in /sys/class/power_supply")
    if not any(system.first_line(cell / "status") == "Discharging" for cell in cells):
        raise Absent("the battery is not discharging: on mains power it shows nothing")
    if all(_cell_watts(cell) is not None for cell in cells):
        return lambda: _discharging(
            cells, {"power_w:battery": sum(_cell_watts(cell) or 0.0 for cell in cells)}
        )
    charges = [_Charge(cell) for cell in cells]
    return lambda: _discharging(cells, {"energy_j:battery": sum(c.joules() for c in charges)})


def _discharging(cells: list[Path], values: Mapping[str, float]) -> Mapping[str, float]:
    """Return `values`, and whether any battery is discharging."""
    states = [system.first_line(cell / "status") for cell in cells]
    return {**values, "on_battery": float("Discharging" in states)}


def _cell_watts(cell: Path) -> float | None:
    """Return a battery's power, from its microwatts or from its microamperes and microvolts."""
    power = system.number(cell / "power_now")
    if power is not None:
        return abs(power) / 1e6
    current, volts = system.number(cell / "current_now"), system.number(cell / "voltage_now")
    if current is None or volts is None:
        return None
    return abs(current) / 1e6 * volts / 1e6


class _Charge:
    """The energy that a battery has given: by its microwatt-hours, or by charge times voltage.

    Raises Absent if the battery states neither.
    """

    def __init__(self, cell: Path) -> None:
        self._cell, self._given_j = cell, 0.0
        self._by_energy = system.number(cell / "energy_now") is not None
        self._last = self._left()

    def joules(self) -> float:
        now = self._left()
        fell, self._last = self._last - now, now
        volts = 1.0 if self._by_energy else (system.number(self._cell / "voltage_now") or 0) / 1e6
        self._given_j += max(0.0, fell) * 3600 * volts
        return self._given_j

    def _left(self) -> float:
        """Return watt-hours, or ampere-hours."""
        name = "energy_now" if self._by_energy else "charge_now"
        left = system.number(self._cell / name)
        if left is None or (not self._by_energy and not (self._cell / "voltage_now").exists()):
            raise Absent("the battery states neither power, energy nor charge")
        return left / 1e6


class _Wrapping:
    """A RAPL counter of microjoules; it wraps at its range and is read more often than that."""

    def __init__(self, zone: Path) -> None:
        try:
            self._file = KeptFile(zone / "energy_uj")
        except PermissionError:
            raise Absent("only root may read the RAPL counters on this kernel") from None
        self._range = system.number(zone / "max_energy_range_uj") or 2**32
        self._last, self._whole = int(self._file.read()), 0

    def joules(self) -> float:
        now = int(self._file.read())
        if now < self._last:
            self._whole += self._range
        self._last = now
        return (self._whole + now) / 1e6


def _is_amd(cpuinfo: Path) -> bool:
    try:
        return "AuthenticAMD" in cpuinfo.read_text(errors="replace")[:4096]
    except OSError:
        return False
