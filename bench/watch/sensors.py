"""Sensors of the CPU while a job runs: clocks and throttling.

Each function opens its sensors and returns a reader of named values. If there is no sensor, it
raises Absent with the reason.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import PurePosixPath

import bench.probe.system as system
from bench.probe.cpus import CPUS
from bench.probe.fact import Absent
from bench.probe.root import HOST, Root
from bench.watch.files import KeptFile
from bench.watch.members import Members
from bench.watch.series import Doubt, Reader, Values

#: Files in a CPU's folder that hold its clock in kHz, the best one first. `cpuinfo_avg_freq` says
#: what the CPU did; `scaling_cur_freq` may only repeat what was asked for. Source: the kernel's
#: Documentation/admin-guide/pm/cpufreq.rst.
CLOCKS = ("cpufreq/cpuinfo_avg_freq", "cpufreq/scaling_cur_freq")

#: Clocks of at most this many CPUs are read: each CPU adds to the cost.
MOST_CPUS = 64

#: Throttle counters of at most this many CPUs are read; a counter costs little.
MOST_COUNTERS = 512

#: Hz that no CPU reaches.
MOST_HZ = 1e10

#: Bits of the Raspberry Pi's firmware for the current state. Source: vcgencmd get_throttled.
PI_WEAK_SUPPLY, PI_CAPPED, PI_THROTTLED, PI_SOFT_LIMIT = 0x1, 0x2, 0x4, 0x8

PI_FIRMWARE = PurePosixPath("/sys/devices/platform/soc/soc:firmware/get_throttled")


def frequency(root: Root = HOST, cpus: frozenset[int] | None = None, threads: int = 1) -> Reader:
    """Return a reader of the mean clock of the fastest of `cpus`, as many as a job has threads.

    A job's threads keep their CPUs at a high clock; idle CPUs may report any clock. The reader
    gives the least clock of the CPUs too, if they can leave it: if no clock is ever above it, the
    driver does not tell what the CPUs do.
    """
    numbers = _numbers(root, cpus)[:MOST_CPUS]
    opened = {
        number: files
        for number in numbers
        if (files := _opened(root, [CPUS / f"cpu{number}" / name for name in CLOCKS]))
    }
    if not opened:
        clocks = [CPUS / f"cpu{number}" / name for number in numbers for name in CLOCKS]
        raise Absent(_reason(root, clocks, "no cpufreq driver (usual in virtual machines)"))
    members = Members({number: _clock_of(files) for number, files in opened.items()})
    most = max(1, min(threads, len(opened)))
    least_hz = _least_hz(root, opened)

    def values() -> Values:
        clocks = sorted(members.read().values(), reverse=True)[:most]
        clock = {"frequency_hz": sum(clocks) / len(clocks)}
        return clock if least_hz is None else {**clock, "frequency_least_hz": least_hz}

    return values


def _clock_of(files: Iterable[KeptFile]) -> Callable[[], float]:
    """Return a reader of one CPU's clock in Hz: of the first file that states one."""

    def clock_hz() -> float:
        error: Exception = ValueError("no clock")
        for file in files:
            try:
                hz = 1e3 * int(file.read())
            except (OSError, ValueError) as failed:  # an idle CPU may state none
                error = failed
                continue
            if 0 < hz <= MOST_HZ:
                return hz
            error = ValueError(f"{hz:.3g} Hz are no clock of a CPU")
        raise error

    return clock_hz


def _least_hz(root: Root, numbers: Iterable[int]) -> float | None:
    """Return the least clock of the CPUs; None if one is held there, or states none."""
    least = 0
    for number in numbers:
        folder = CPUS / f"cpu{number}/cpufreq"
        low, high = (
            root.number(folder / f"{name}_freq") for name in ("cpuinfo_min", "scaling_max")
        )
        if low is None or (high is not None and high <= low):
            return None
        held = root.line(folder / "scaling_governor") == "powersave"
        if held and "pstate" not in (root.line(folder / "scaling_driver") or ""):
            return None
        least = max(least, low)
    return 1e3 * least or None


def thermal_throttling(root: Root = HOST, cpus: frozenset[int] | None = None) -> Reader:
    """Return a reader of how often the CPUs slowed down because of heat.

    CPUs count these events themselves; for a Raspberry Pi, we count the readings that show it.
    """
    paths = _throttle_counts(root, cpus)
    counters = {path: file for path in paths for file in _opened(root, [path])}
    bits = _opened(root, [PI_FIRMWARE])
    if not counters and not bits:
        reason = "no throttle counters in /sys (Intel CPUs on bare metal have them)"
        raise Absent(_reason(root, [*paths, PI_FIRMWARE], reason))
    read = {path: _whole_number(file) for path, file in counters.items()}
    read |= {PI_FIRMWARE: _whole_number(bits[0], 16)} if bits else {}
    members = Members(read)
    last: dict[PurePosixPath, int] = {}
    events = 0

    def values() -> Values:
        nonlocal events
        seen = members.read()
        events += _is_hot(seen.pop(PI_FIRMWARE, 0))
        rises = {path: count - last.get(path, count if last else 0) for path, count in seen.items()}
        last.update(seen)
        if min(rises.values(), default=0) < 0:
            return {"thermal_throttles": Doubt("a counter of throttling fell, and it only rises")}
        events += sum(rises.values())
        return {"thermal_throttles": events}

    return values


def _whole_number(file: KeptFile, base: int = 10) -> Callable[[], int]:
    return lambda: int(file.read(), base)


def _is_hot(bits: int) -> bool:
    """Say whether heat slows down a Raspberry Pi; a weak power supply caps and throttles it too."""
    by_heat_alone = bits & (PI_CAPPED | PI_THROTTLED) and not bits & PI_WEAK_SUPPLY
    return bool(bits & PI_SOFT_LIMIT or by_heat_alone)


def _throttle_counts(root: Root, cpus: frozenset[int] | None) -> list[PurePosixPath]:
    """Return one counter file per core and per package of `cpus`; siblings repeat the counters."""
    packages: dict[str | None, PurePosixPath] = {}
    cores: dict[tuple[str | None, str], PurePosixPath] = {}
    for number in _numbers(root, cpus):
        cpu = CPUS / f"cpu{number}"
        package = root.line(cpu / "topology/physical_package_id")
        core = root.line(cpu / "topology/core_id") or str(number)
        packages.setdefault(package, cpu / "thermal_throttle/package_throttle_count")
        if len(cores) < MOST_COUNTERS:
            cores.setdefault((package, core), cpu / "thermal_throttle/core_throttle_count")
    return [*packages.values(), *cores.values()]


def _numbers(root: Root, cpus: frozenset[int] | None = None) -> list[int]:
    """Return the sorted numbers of the CPUs in /sys that are in `cpus` (None: all)."""
    names = (path.name.removeprefix("cpu") for path in root.below(CPUS, "cpu[0-9]+"))
    return [number for number in map(int, names) if cpus is None or number in cpus]


def _opened(root: Root, paths: Iterable[PurePosixPath]) -> list[KeptFile]:
    """Return the files among `paths` that can be opened."""
    files = []
    for path in paths:
        try:
            files.append(KeptFile(root.path(path)))
        except OSError:  # missing, or not for us
            continue
    return files


def _reason(root: Root, paths: Iterable[PurePosixPath], missing: str) -> str:
    """Return why none of the files can be read: `missing` if there are none."""
    if root.is_macos:
        return system.MACOS_CLOSED
    for path in paths:
        if root.exists(path):
            try:
                root.text(path)
            except OSError as error:
                return f"{path} is there, but cannot be read: {error.strerror}"
    return missing
