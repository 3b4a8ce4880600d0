"""What is read while a job runs; each row is a source: its name, how often it is read, its opener.

An opener returns a reader of named values. Both may raise; a source that fails is left out, with
the reason. Counters only rise; gauges may rise and fall.
"""

from __future__ import annotations

import contextlib
import os
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import psutil

import bench.probe.cgroup as cgroup
import bench.probe.usable as usable
import bench.watch.energy as energy
import bench.watch.gpus as gpus
import bench.watch.sensors as sensors
import bench.watch.temperatures as temperatures
from bench.probe.fact import Absent
from bench.probe.root import HOST, Root
from bench.watch.cpu_times import STAT, STAT_BYTES, CpuTimes
from bench.watch.files import KeptFile
from bench.watch.process_table import watch_process
from bench.watch.processes import Processes
from bench.watch.series import Reader, Values

#: Readings of our own processes between two scans of all processes (5 s). While processes are
#: started, each reading scans, because it counts only processes that a scan has found.
SCAN_EVERY = 12


@dataclass(frozen=True)
class Target:
    """What is watched: the child with its threads and GPUs, and the other processes.

    `root` holds the machine's files, and `now` is the clock of the readings.
    """

    child: int | None
    processes: Processes
    threads: int = 1
    visible_gpus: str | None = None
    root: Root = HOST
    now: Callable[[], float] = time.perf_counter


@dataclass(frozen=True)
class Source:
    """A source that is read once in `every` periods.

    `may_hang`: a driver or hardware answers, which may hang. Such sources are read in a separate
    thread, where they do not delay the others.
    """

    name: str
    every: int
    open: Callable[[Target], Reader]
    may_hang: bool = False


def _child(target: Target) -> Reader:
    if target.child is None:
        raise Absent("no job is running")
    read = watch_process(target.child)

    def values() -> Values:
        now = read()
        faults = {"minor_faults": now.minor_faults, "major_faults": now.major_faults}
        usage = {"rss_bytes": now.rss_bytes, "child_cpu_s": now.cpu_s}
        return {**usage, **faults} if sys.platform == "linux" else usage

    return values


def _processes(target: Target) -> Reader:
    readings = 0

    def values() -> Values:
        nonlocal readings
        scans = target.processes.starting or readings % SCAN_EVERY == 0
        readings += 1
        if not scans:
            return target.processes.read()
        target.processes.scan()
        return {**target.processes.read(), **target.processes.seen()}

    return values


def _cpu_times(target: Target) -> Reader:
    """Return a reader of the busy and stolen CPU seconds of the CPUs that a job may use."""
    if not target.root.is_linux:

        def portable() -> Values:
            times = psutil.cpu_times()
            return {"busy_cpu_s": times.user + times.nice + times.system}

        return portable
    file = KeptFile(target.root.path(STAT), STAT_BYTES)
    return CpuTimes(file, usable.affinity(target.root), target.now)


def _load(target: Target) -> Reader:
    return lambda: {"load_1min": os.getloadavg()[0]}


def _switches(target: Target) -> Reader:
    """Return a reader of the context switches of all the child's threads together."""
    if target.child is None:
        raise Absent("no job is running")
    if sys.platform != "linux":
        process = psutil.Process(target.child)
        return lambda: {"voluntary_switches": process.num_ctx_switches().voluntary}
    folder = f"/proc/{target.child}/task"
    counts: dict[str, tuple[int, int]] = {}  # an ended thread keeps its last counts

    def values() -> Values:
        for thread in os.listdir(folder):
            try:
                text = Path(folder, thread, "status").read_bytes()
                fields = text[text.rindex(b"\nvoluntary_ctxt_switches:") :].split()
                counts[thread] = (int(fields[1]), int(fields[3]))
            except (OSError, ValueError, IndexError):  # the thread has ended
                continue
        voluntary, involuntary = (sum(column) for column in zip(*counts.values(), strict=True))
        return {"voluntary_switches": voluntary, "involuntary_switches": involuntary}

    return values


def _throttling(target: Target) -> Reader:
    path = cgroup.throttling_file(target.root)
    if path is None:
        raise Absent("no cgroup of this process has a CPU quota")
    file, used_s = KeptFile(target.root.path(path)), _group_usage(target.root, path.parent)

    def values() -> Values:
        fields = _numbers(file.read())
        found = {
            name: fields[field] * scale for field, name, scale in THROTTLING if field in fields
        }
        if "group_cpu_s" not in found and used_s is not None:
            with contextlib.suppress(OSError, ValueError):  # the other counts stand without it
                found["group_cpu_s"] = used_s()
        if "quota_periods" not in found:
            raise LookupError(f"{path} counts no periods")
        return found

    return values


#: Fields of `cpu.stat` in versions 2 and 1 of control groups, the counters that they are, and what
#: one unit is worth.
THROTTLING = (
    ("nr_periods", "quota_periods", 1.0),
    ("nr_throttled", "throttled_periods", 1.0),
    ("throttled_usec", "throttled_s", 1e-6),
    ("throttled_time", "throttled_s", 1e-9),
    ("usage_usec", "group_cpu_s", 1e-6),
)


def _numbers(text: bytes) -> dict[str, int]:
    """Return the fields of a file that holds a name and a number in each line."""
    lines = (line.split() for line in text.decode(errors="replace").splitlines())
    return {line[0]: int(line[1]) for line in lines if len(line) == 2 and line[1].isdigit()}


def _group_usage(root: Root, folder: PurePosixPath) -> Callable[[], float] | None:
    """Return a reader of the CPU seconds of a version 1 group; None if it has no counter."""
    try:
        file = KeptFile(root.path(folder / "cpuacct.usage"))
    except OSError:
        return None
    return lambda: int(file.read()) / 1e9


def _pressure(resource: str) -> Callable[[Target], Reader]:
    def open_(target: Target) -> Reader:
        file = KeptFile(target.root.path(cgroup.pressure_file(resource, target.root)))

        def values() -> Values:
            totals = {}
            for line in file.read().decode().splitlines():
                kind, *_, total = line.split()
                totals[f"pressure_{resource}_{kind}_s"] = int(total.removeprefix("total=")) / 1e6
            return totals

        return values

    return open_


def _swap(target: Target) -> Reader:
    if not target.root.is_linux:

        def portable() -> Values:
            memory = psutil.swap_memory()
            return {"swapped_bytes": memory.sin + memory.sout}

        return portable
    file = KeptFile(target.root.path("/proc/vmstat"), 65536)
    fields, page = (b"\npswpin ", b"\npswpout "), os.sysconf("SC_PAGE_SIZE")
    if not all(field in file.read() for field in fields):
        raise Absent("this kernel counts no swapped pages in /proc/vmstat")

    def values() -> Values:
        text = file.read()
        pages = 0
        for field in fields:
            begin = text.index(field) + len(field)
            pages += int(text[begin : text.index(b"\n", begin)])
        return {"swapped_bytes": pages * page}

    return values


def _frequency(target: Target) -> Reader:
    return sensors.frequency(target.root, usable.affinity(target.root), target.threads)


def _thermal_throttling(target: Target) -> Reader:
    return sensors.thermal_throttling(target.root, usable.affinity(target.root))


def _temperature(target: Target) -> Reader:
    return temperatures.temperature(target.root)


def _rapl(target: Target) -> Reader:
    return energy.rapl(target.root, target.now)


def _battery(target: Target) -> Reader:
    return energy.battery(target.root)


def _gpus(target: Target) -> Reader:
    return gpus.gpus(target.visible_gpus, target.processes.is_own if target.child else None)


#: There are five periods a second: memory is read in each, CPU times in every other one, and the
#: rest once in one or two seconds.
SOURCES: Sequence[Source] = (
    Source("child", 1, _child),
    Source("processes", 2, _processes),
    Source("CPU times", 2, _cpu_times),
    Source("throttling", 2, _throttling),
    Source("CPU pressure", 5, _pressure("cpu")),
    Source("memory pressure", 5, _pressure("memory")),
    Source("I/O pressure", 5, _pressure("io")),
    Source("load", 5, _load),
    Source("context switches", 10, _switches),
    Source("swap", 5, _swap),
    Source("frequency", 5, _frequency, may_hang=True),
    Source("temperature", 5, _temperature, may_hang=True),
    Source("thermal throttling", 5, _thermal_throttling, may_hang=True),
    Source("RAPL", 5, _rapl, may_hang=True),
    Source("battery", 5, _battery, may_hang=True),
    Source("GPU", 5, _gpus, may_hang=True),  # last: a driver may take seconds to wake
)
