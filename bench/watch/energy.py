"""Energy that the machine itself reports: RAPL counters and the battery.

Energy counters are named `energy_j:<source>`, power gauges `power_w:<source>`. (The library zeus
reads the same counters, but it reads RAPL from a separate process and knows neither epochs nor
batteries. NVML's counters are read with the other figures of a GPU.)
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Mapping
from pathlib import PurePosixPath

import bench.probe.system as system
from bench.probe.cpuinfo import CPUINFO
from bench.probe.fact import Absent
from bench.probe.root import HOST, Root
from bench.probe.virtual import batteries
from bench.watch.counters import BATTERY_W, CPU_W, LATE_S
from bench.watch.files import KeptFile
from bench.watch.members import Members
from bench.watch.series import Doubt, Limit, Reader, Values

ZONES = "/sys/class/powercap"

#: Marks the counters of CPUs whose RAPL models their activity instead of measuring power. Source:
#: Schoene et al., "Energy Efficiency Aspects of the AMD Zen 2 Architecture" (2021).
MODELLED = "(modelled)"

#: How a RAPL counter can move between two readings.
RAPL_LIMIT = Limit(CPU_W, CPU_W * LATE_S, unit=" J")


def rapl(root: Root = HOST, now: Callable[[], float] = time.perf_counter) -> Reader:
    """Return a reader of the joules that each CPU package and its memory have used.

    The hardware counters wrap; ours do not. Source: the kernel's power capping framework
    (Documentation/power/powercap).
    """
    if root.is_macos:
        raise Absent(system.MACOS_CLOSED)
    zones = root.below(ZONES, "intel-rapl:.*")
    if not zones:
        raise Absent("no RAPL in /sys/class/powercap (usual in virtual machines and on Arm)")
    modelled = f" {MODELLED}" if _is_amd(root) else ""
    counters: dict[str, Callable[[], float | Doubt]] = {}
    errors: list[Exception] = []
    for zone in zones:
        name = _rapl_name(root, zone)
        if name is not None:
            try:
                counters[f"energy_j:RAPL {name}{modelled}"] = _Wrapping(root, zone, now).joules
            except (OSError, ValueError) as error:
                errors.append(error)
    if not counters:
        raise Absent(_why_no_rapl(root, zones, errors))
    return Members(counters).read


def _rapl_name(root: Root, zone: PurePosixPath) -> str | None:
    """Return the name of a zone that is counted; None if its energy is part of another zone's."""
    name = root.line(zone / "name") or ""
    if name.startswith("package"):
        return name
    if name != "dram":
        return None
    parent = zone.name.rpartition(":")[0]
    return f"{root.line(zone.parent / parent / 'name') or parent} dram"


def _why_no_rapl(root: Root, zones: list[PurePosixPath], errors: list[Exception]) -> str:
    names = [name for zone in zones if (name := root.line(zone / "name"))]
    if any(isinstance(error, PermissionError) for error in errors):
        return "only root may read the RAPL counters on this kernel"
    if errors:
        return f"the RAPL counters give no answer: {errors[0]}"
    if not names:
        return (
            f"{zones[0].name} is listed in /sys/class/powercap, but its files are hidden "
            "(container runtimes hide them)"
        )
    return f"RAPL has no zone of a CPU package here, only {', '.join(sorted(set(names)))}"


def battery(root: Root = HOST) -> Reader:
    """Return a reader of the battery: its power if it states power, else the joules so far.

    `on_battery` is 1 while the battery discharges. If mains power was on during a part of an
    interval, the battery's figures do not cover the machine. Raises Absent unless the battery is
    discharging now.
    """
    if root.is_macos:
        raise Absent(system.MACOS_CLOSED)
    cells = batteries(root)
    if not cells:
        raise Absent("no battery in /sys/class/power_supply")
    if not any(_discharges(root, cell) for cell in cells):
        raise Absent("the battery is not discharging: on mains power it shows nothing")
    used = [cell for cell in cells if _discharges(root, cell) or _states_energy(root, cell)]
    if all(_states_power(root, cell) for cell in used):
        energy: Reader = _Power(root, used)
    else:
        charges = {cell: _Charge(root, cell).joules for cell in used}
        energy = _Charges(charges)
    return lambda: {
        **energy(),
        "on_battery": float(any(_discharges(root, cell) for cell in cells)),
    }


def _discharges(root: Root, cell: PurePosixPath) -> bool:
    return root.line(cell / "status") == "Discharging"


def _states_power(root: Root, cell: PurePosixPath) -> bool:
    """Say whether a battery states its power; 0 W is no power of one that discharges."""
    watts_w = _cell_watts(root, cell)
    if watts_w == 0 and _discharges(root, cell):
        return not _states_energy(root, cell)
    return watts_w is not None


def _states_energy(root: Root, cell: PurePosixPath) -> bool:
    names = ("energy_now", "charge_now")
    return any(root.number(cell / name) is not None for name in names)


def _cell_watts(root: Root, cell: PurePosixPath) -> float | None:
    """Return a battery's power, from its microwatts or from its microamperes and microvolts."""
    power = root.number(cell / "power_now")
    if power is not None:
        return abs(power) / 1e6
    current, volts = root.number(cell / "current_now"), root.number(cell / "voltage_now")
    if current is None or volts is None:
        return None
    return abs(current) / 1e6 * volts / 1e6


class _Power:
    """The power of all batteries together; a look at which one states none gives no sample."""

    def __init__(self, root: Root, cells: list[PurePosixPath]) -> None:
        self._root, self._cells = root, cells

    def __call__(self) -> Values:
        total_w = 0.0
        for cell in self._cells:
            watts_w = _cell_watts(self._root, cell)
            if watts_w is None:
                return {"power_w:battery": Doubt(f"{cell.name} states no power")}
            if watts_w > BATTERY_W:
                return {"power_w:battery": Doubt(f"{cell.name} states {watts_w:.3g} W")}
            total_w += watts_w
        return {"power_w:battery": total_w}


class _Charges:
    """The energy that all batteries have given; it is not counted on while one does not answer."""

    def __init__(self, charges: Mapping[PurePosixPath, Callable[[], float]]) -> None:
        self._charges = charges

    def __call__(self) -> Values:
        given: dict[PurePosixPath, float] = {}
        for cell, joules in self._charges.items():
            with contextlib.suppress(OSError, ValueError, Absent):
                given[cell] = joules()
        silent = [cell.name for cell in self._charges if cell not in given]
        return {} if silent else {"energy_j:battery": sum(given.values())}


class _Charge:
    """The energy that a battery has given: by its microwatt-hours, or by charge times voltage.

    Raises Absent if the battery states neither.
    """

    def __init__(self, root: Root, cell: PurePosixPath) -> None:
        self._root, self._cell, self._given_j = root, cell, 0.0
        self._by_energy = root.number(cell / "energy_now") is not None
        self._last = self._left()

    def joules(self) -> float:
        now, volts = self._left(), 1.0 if self._by_energy else self._volts()
        fell, self._last = self._last - now, now
        self._given_j += max(0.0, fell) * 3600 * volts
        return self._given_j

    def _left(self) -> float:
        """Return watt-hours, or ampere-hours."""
        left = self._root.number(self._cell / ("energy_now" if self._by_energy else "charge_now"))
        if left is None or (not self._by_energy and not self._volts()):
            raise Absent("the battery states neither power, energy nor charge")
        return left / 1e6

    def _volts(self) -> float:
        volts = self._root.number(self._cell / "voltage_now")
        if volts is None:
            raise Absent("the battery states no voltage")
        return volts / 1e6


class _Wrapping:
    """A RAPL counter of microjoules, which wraps at its range, and may begin anew at any time.

    Only a power that is possible tells a wrap from a counter that began anew (after a suspend).
    """

    def __init__(self, root: Root, zone: PurePosixPath, now: Callable[[], float]) -> None:
        self._file, self._now = KeptFile(root.path(zone / "energy_uj")), now
        self._range = root.number(zone / "max_energy_range_uj")
        self._last, self._last_s = int(self._file.read()), now()
        self._joules = self._last / 1e6

    def joules(self) -> float | Doubt:
        value, at_s = int(self._file.read()), self._now()
        rise_uj, seconds = value - self._last, at_s - self._last_s
        if rise_uj < 0 and self._range and self._last <= self._range:
            wrapped_uj = rise_uj + self._range
            if RAPL_LIMIT.why_impossible(wrapped_uj / 1e6, seconds) is None:
                rise_uj = wrapped_uj
        before, self._last, self._last_s = self._last, value, at_s
        if rise_uj < 0:
            return Doubt(
                f"the counter fell from {before / 1e6:.6g} to {value / 1e6:.6g} J, "
                "which is no wrap: it began anew"
            )
        reason = RAPL_LIMIT.why_impossible(rise_uj / 1e6, seconds)
        if reason is not None:
            return Doubt(reason)
        self._joules += rise_uj / 1e6
        return self._joules


def _is_amd(root: Root) -> bool:
    try:
        with open(root.path(CPUINFO), "rb") as file:
            return b"AuthenticAMD" in file.read(4096)
    except OSError:
        return False
