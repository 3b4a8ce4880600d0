"""Temperatures of the CPU while a job runs: which of a machine's sensors are the CPU's own.

A machine lists the sensors of its disks, its board and its radio too, numbers that carry an offset,
and inputs that nothing is connected to. Sources: Documentation/hwmon of the kernel (k10temp,
coretemp), and the names that its thermal drivers and device trees give.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

import bench.probe.system as system
from bench.probe.fact import Absent
from bench.probe.root import HOST, Root
from bench.watch.files import KeptFile
from bench.watch.members import Members
from bench.watch.series import Reader

ZONES = PurePosixPath("/sys/class/thermal")
CHIPS = PurePosixPath("/sys/class/hwmon")

#: Degrees Celsius between which a running CPU lies. Inputs without a sensor say 0, -128 or 127.
LEAST_C, MOST_C = 1.0, 125.0

#: Readings below this are whole degrees, as some vendors' kernels write them, not thousandths.
WHOLE_DEGREES = 200

#: Names of sensors (of chips and of thermal zones) in the order in which they are trusted: sensors
#: of the CPU's cores, of the chip that holds them, and of the board.
RANKS: Sequence[re.Pattern[str]] = tuple(
    re.compile(pattern)
    for pattern in (
        r"coretemp|k10temp|k8temp|zenpower|via_cputemp|x86_pkg.*|tcpu(_pci)?|b0d4|.*tscpu"
        r"|cpu(?!.*(fan|vr|board)).*|.*_cpu|bcm2\d+_thermal|imx_thermal_zone|(big|mid|little|prime|gold|silver)(_?core|_?cpu)?s?\d*"
        r"(_therm.*)?|cluster\d.*|core\d.*",
        r"soc(?!ket).*|package.*|ap_therm.*",
        r"acpitz",
    )
)

#: Labels of the CPU's inputs on chips that measure other parts too, by the names of the chips.
MIXED: Mapping[str, re.Pattern[str]] = {
    name: re.compile(label, re.IGNORECASE)
    for name, label in (
        ("thinkpad", r"cpu"),
        ("dell_smm", r"cpu"),
        ("asus.*", r"cpu( package)?"),
        ("ibmpowernv", r"chip \d+ core.*"),
        ("scmi_sensors|scpi_sensors", r".*(cpu|core|cluster|big|little).*"),
    )
}

#: An offset for fans: the label that carries it, and the label without it on the same chip.
WITH_OFFSET, WITHOUT_OFFSET = "Tctl", "Tdie"


@dataclass(frozen=True)
class _Input:
    """A file with a temperature, and the rank of its sensor."""

    file: PurePosixPath
    rank: int


def temperature(root: Root = HOST) -> Reader:
    """Return a reader of the CPU's hottest sensor, in degrees Celsius.

    The sensors of the best rank that gives believable numbers count, the others do not.
    """
    inputs = [*_zones(root), *_chips(root)]
    opened: dict[_Input, Callable[[], float]] = {}
    error: OSError | None = None
    for one in inputs:
        try:
            opened[one] = _celsius(KeptFile(root.path(one.file)))
        except OSError as failed:
            error = failed
    if not opened:
        raise Absent(_reason(root, error))
    members = Members(opened)

    def values() -> Mapping[str, float]:
        found = members.read()
        best = min(one.rank for one in found)
        return {"temperature_c": max(c for one, c in found.items() if one.rank == best)}

    return values


def _celsius(file: KeptFile) -> Callable[[], float]:
    """Return a reader of degrees; it raises ValueError if they are no CPU's."""

    def degrees() -> float:
        value = int(file.read())
        degrees_c = float(value) if 0 < value < WHOLE_DEGREES else value / 1e3
        if not LEAST_C <= degrees_c <= MOST_C:
            raise ValueError(f"{degrees_c:.0f} degrees are no temperature of a CPU")
        return degrees_c

    return degrees


def _zones(root: Root) -> list[_Input]:
    """Return the thermal zones of the CPU."""
    found = []
    for zone in root.below(ZONES, r"thermal_zone\d+"):
        rank = _rank(root.line(zone / "type"))
        if rank is not None:
            found.append(_Input(zone / "temp", rank))
    return found


def _chips(root: Root) -> list[_Input]:
    """Return the inputs of the CPU's monitoring chips."""
    found = []
    for chip in root.below(CHIPS, r"hwmon\d+"):
        name = root.line(chip / "name")
        labels = {
            file: root.line(chip / file.name.replace("_input", "_label")) or ""
            for file in root.below(chip, r"temp\d+_input")
            if root.line(chip / file.name.replace("_input", "_fault")) != "1"
        }
        mixed = _mixed(name)
        rank = _rank(name) if mixed is None else 0
        if rank is None:
            continue
        if mixed is not None:
            labels = {file: label for file, label in labels.items() if mixed.fullmatch(label)}
        if WITHOUT_OFFSET in labels.values():
            labels = {file: label for file, label in labels.items() if label != WITH_OFFSET}
        found += [_Input(file, rank) for file in labels]
    return found


def _rank(name: str | None) -> int | None:
    """Return how much a sensor is trusted (0: most); None if it is not the CPU's."""
    plain = (name or "").lower().replace("-", "_")
    return next((rank for rank, names in enumerate(RANKS) if names.fullmatch(plain)), None)


def _mixed(name: str | None) -> re.Pattern[str] | None:
    plain = (name or "").lower()
    return next((label for chip, label in MIXED.items() if re.fullmatch(chip, plain)), None)


def _reason(root: Root, error: OSError | None) -> str:
    if root.is_macos:
        return system.MACOS_CLOSED
    if error is not None:
        return f"the temperature sensors of the CPU cannot be read: {error.strerror}"
    return "no temperature sensor of a CPU in /sys (usual in virtual machines)"
