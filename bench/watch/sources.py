"""What is read while a job runs; each row is a source: its name, how often it is read, its opener.

An opener returns a reader of named values. Both may raise; a source that fails is left out, with
the reason. Counters only rise; gauges may rise and fall.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

import psutil

import bench.probe.cgroup as cgroup
import bench.probe.usable as usable
import bench.watch.energy as energy
import bench.watch.gpus as gpus
import bench.watch.sensors as sensors
from bench.probe.fact import Absent
from bench.watch.files import KeptFile
from bench.watch.processes import PROC, TICK_S, Processes, watch_process

Values = Mapping[str, float]
Reader = Callable[[], Values]

#: Readings of our own processes between two scans of all processes (5 s).
SCAN_EVERY = 12


@dataclass(frozen=True)
class Target:
    """What is watched: the child with its threads and GPUs, and the other processes."""

    child: int | None
    processes: Processes
    threads: int = 1
    visible_gpus: str | None = None


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
        if readings % SCAN_EVERY == 0:
            target.processes.scan()
        readings += 1
        return target.processes.read()

    return values


def _cpu_times(target: Target) -> Reader:
    """Return a reader of the busy and stolen CPU seconds of the CPUs that a job may use.

    Busy time is the time that processes used: user, nice and system time without interrupts.
    """
    if sys.platform != "linux":

        def portable() -> Values:
            times = psutil.cpu_times()
            return {"busy_cpu_s": times.user + times.nice + times.system}

        return portable
    file = KeptFile(PROC / "stat", 65536)
    allowed = usable.affinity()
    names = {f"cpu{number}".encode() for number in allowed}
    if len(allowed) == os.cpu_count():
        names = {b"cpu"}

    def values() -> Values:
        busy = steal = 0
        for line in file.read().split(b"\n"):
            if not line.startswith(b"cpu"):
                break
            name, *ticks = line.split()
            if name in names:
                busy += int(ticks[0]) + int(ticks[1]) + int(ticks[2])
                steal += int(ticks[7])
        return {"busy_cpu_s": busy * TICK_S, "steal_cpu_s": steal * TICK_S}

    return values


def _load(target: Target) -> Reader:
    return lambda: {"load_1min": os.getloadavg()[0]}


def _switches(target: Target) -> Reader:
    """Return a reader of the context switches of all the child's threads together."""
    if target.child is None:
        raise Absent("no job is running")
    if sys.platform != "linux":
        process = psutil.Process(target.child)
        return lambda: {"voluntary_switches": process.num_ctx_switches().voluntary}
    folder = PROC / str(target.child) / "task"
    counts: dict[str, tuple[int, int]] = {}  # an ended thread keeps its last counts

    def values() -> Values:
        for thread in os.listdir(folder):
            try:
                text = (folder / thread / "status").read_bytes()
            except OSError:  # the thread has ended
                continue
            fields = text[text.rfind(b"\nvoluntary_ctxt_switches:") :].split()
            counts[thread] = (int(fields[1]), int(fields[3]))
        voluntary, involuntary = (sum(column) for column in zip(*counts.values(), strict=True))
        return {"voluntary_switches": voluntary, "involuntary_switches": involuntary}

    return values


def _throttling(target: Target) -> Reader:
    path = cgroup.throttling_file()
    if path is None:
        raise Absent("no cgroup of this process has a CPU quota")
    file, used_s = KeptFile(path), _group_usage(path.parent)

    def values() -> Values:
        fields = dict(line.split() for line in file.read().decode().splitlines())
        seconds = (
            int(fields["throttled_usec"]) / 1e6
            if "throttled_usec" in fields
            else int(fields["throttled_time"]) / 1e9
        )
        periods, throttled = int(fields["nr_periods"]), int(fields["nr_throttled"])
        counts = {"quota_periods": periods, "throttled_periods": throttled, "throttled_s": seconds}
        if "usage_usec" in fields:
            return {**counts, "group_cpu_s": int(fields["usage_usec"]) / 1e6}
        return {**counts, "group_cpu_s": used_s()} if used_s else counts

    return values


def _group_usage(folder: PurePosixPath) -> Callable[[], float] | None:
    """Return a reader of the CPU seconds of a version 1 group; None if it has no counter."""
    try:
        file = KeptFile(folder / "cpuacct.usage")
    except OSError:
        return None
    return lambda: int(file.read()) / 1e9


def _pressure(resource: str) -> Callable[[Target], Reader]:
    def open_(target: Target) -> Reader:
        file = KeptFile(cgroup.pressure_file(resource))

        def values() -> Values:
            totals = {}
            for line in file.read().decode().splitlines():
                kind, *_, total = line.split()
                totals[f"pressure_{resource}_{kind}_s"] = int(total.removeprefix("total=")) / 1e6
            return totals

        return values

    return open_


def _swap(target: Target) -> Reader:
    if sys.platform != "linux":

        def portable() -> Values:
            memory = psutil.swap_memory()
            return {"swapped_bytes": memory.sin + memory.sout}

        return portable
    file = KeptFile(PROC / "vmstat", 65536)
    page = os.sysconf("SC_PAGE_SIZE")

    def values() -> Values:
        text = file.read()
        pages = 0
        for field in (b"\npswpin ", b"\npswpout "):
            begin = text.index(field) + len(field)
            pages += int(text[begin : text.index(b"\n", begin)])
        return {"swapped_bytes": pages * page}

    return values


def _frequency(target: Target) -> Reader:
    return sensors.frequency(cpus=usable.affinity(), threads=target.threads)


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
    Source("temperature", 5, lambda target: sensors.temperature(), may_hang=True),
    Source("thermal throttling", 5, lambda target: sensors.thermal_throttling(), may_hang=True),
    Source("RAPL", 5, lambda target: energy.rapl(), may_hang=True),
    Source("battery", 5, lambda target: energy.battery(), may_hang=True),
    Source("GPU", 5, _gpus, may_hang=True),  # last: a driver may take seconds to wake
)
