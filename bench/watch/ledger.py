"""From samples to what is recorded: the figures of an interval, as rows of a table."""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from bench.record.conditions import EnergyReading, GpuConditions, Interference
from bench.watch.energy import MODELLED
from bench.watch.flags import GPU_REASONS, Job, flagged, flagged_job
from bench.watch.series import Series

#: (field, counter) of what is counted, and (field, counter of seconds) of shares of the wall time.
COUNTS = (
    ("voluntary_switches", "voluntary_switches"),
    ("involuntary_switches", "involuntary_switches"),
    ("thermal_throttles", "thermal_throttles"),
    ("minor_faults", "minor_faults"),
    ("major_faults", "major_faults"),
    ("swapped_bytes", "swapped_bytes"),
)
SHARES = (
    ("pressure_cpu_some_share", "pressure_cpu_some_s"),
    ("pressure_memory_some_share", "pressure_memory_some_s"),
    ("pressure_memory_full_share", "pressure_memory_full_s"),
    ("pressure_io_some_share", "pressure_io_some_s"),
    ("pressure_io_full_share", "pressure_io_full_s"),
)
#: (field, gauge) of means and of peaks.
MEANS = (("load_1min", "load_1min"), ("frequency_hz", "frequency_hz"))
PEAKS = (
    ("temperature_max_c", "temperature_c"),
    ("rss_peak_bytes", "rss_bytes"),
    ("tree_rss_peak_bytes", "tree_rss_bytes"),
)
GPU_MEANS = (
    ("utilisation_share", "gpu_utilisation"),
    ("sm_clock_hz", "gpu_sm_clock_hz"),
    ("memory_clock_hz", "gpu_memory_clock_hz"),
    ("power_w", "gpu_power_w"),
    ("foreign_share", "gpu_foreign"),
)
GPU_PEAKS = (
    ("temperature_max_c", "gpu_temperature_c"),
    ("memory_used_peak_bytes", "gpu_memory_used_bytes"),
)

#: What an energy source covers, by the beginning of its name.
COVERS = (
    ("RAPL", "the CPU package, other processes included"),
    ("NVML", "the GPU, other processes included"),
    ("battery", "the whole machine, screen included"),
)

POWER_SAMPLES = "estimated from power samples"

#: What a counter's joules are, by a mark in its source's name, where they are not measured.
BASES = (
    (MODELLED, "estimated by the CPU from its activity"),
    ("battery", "estimated from the battery's charge"),
)


class Ledger:
    """All series of one watch, and the figures of any interval of it."""

    def __init__(self) -> None:
        self.series: defaultdict[str, Series] = defaultdict(Series)
        self._lock = threading.Lock()
        self._closed = False

    def add(self, at_s: float, values: Mapping[str, float]) -> None:
        """Append one reading of a meter; several threads may. After `close` nothing is kept."""
        with self._lock:
            if not self._closed:
                for name, value in values.items():
                    self.series[name].add(at_s, value)

    def close(self) -> None:
        """Take no more readings: from now on it may be read."""
        with self._lock:
            self._closed = True

    def interference(
        self, begin_s: float, end_s: float, cpus: int, epoch: int | None = None
    ) -> Interference:
        """Return what was seen from `begin_s` to `end_s` on `cpus` CPUs, unflagged."""
        wall_s = end_s - begin_s
        found: dict[str, Any] = {"epoch": epoch, "wall_s": wall_s}
        for field, name in COUNTS:
            found[field] = _whole(self._rise(name, begin_s, end_s))
        for field, name in SHARES:
            found[field] = _over(self._rise(name, begin_s, end_s), wall_s)
        for field, name in MEANS:
            found[field] = self._of(name).mean(begin_s, end_s)
        for field, name in PEAKS:
            peak = self._of(name).most(begin_s, end_s)
            found[field] = _whole(peak) if field.endswith("_bytes") else peak
        seen = (found["rss_peak_bytes"], found["tree_rss_peak_bytes"])
        if None not in seen:  # the child alone is sampled more often than its tree
            found["tree_rss_peak_bytes"] = max(seen)
        found["job_cpu_s"] = self._first_rise(("tree_cpu_s", "child_cpu_s"), begin_s, end_s)
        found["foreign_cpus"] = _over(self._foreign("busy_cpu_s", begin_s, end_s), wall_s)
        found["group_foreign_cpus"] = _over(self._foreign("group_cpu_s", begin_s, end_s), wall_s)
        found["steal_share"] = _over(self._rise("steal_cpu_s", begin_s, end_s), wall_s * cpus)
        found["throttled_s"] = self._rise("throttled_s", begin_s, end_s)
        periods = self._rise("quota_periods", begin_s, end_s)
        throttled = self._rise("throttled_periods", begin_s, end_s)
        found["throttled_periods_share"] = _over(throttled, periods or 0.0)
        on_battery = self._of("on_battery").most(begin_s, end_s)
        found["on_battery"] = None if on_battery is None else on_battery > 0
        found["gpus"] = tuple(self._gpu(index, begin_s, end_s) for index in self._gpus())
        found["energy"] = self._energy(begin_s, end_s)
        return Interference(**found)

    def _of(self, name: str) -> Series:
        return self.series.get(name) or Series()

    def _rise(self, name: str, begin_s: float, end_s: float) -> float | None:
        return self._of(name).rise(begin_s, end_s)

    def _first_rise(self, names: Sequence[str], begin_s: float, end_s: float) -> float | None:
        rises = (self._rise(name, begin_s, end_s) for name in names)
        return next((rise for rise in rises if rise is not None), None)

    def _foreign(self, name: str, begin_s: float, end_s: float) -> float | None:
        """Return the CPU seconds of all whom a counter covers less those of our own."""
        busy = self._rise(name, begin_s, end_s)
        own = self._rise("own_cpu_s", begin_s, end_s)
        return None if busy is None or own is None else max(0.0, busy - own)

    def _gpus(self) -> list[int]:
        """Return the GPUs of which anything was read; in multi-instance mode not all is."""
        names = (name.partition(":") for name in self.series if name.startswith("gpu_"))
        return sorted({int(index) for _, _, index in names})

    def _gpu(self, index: int, begin_s: float, end_s: float) -> GpuConditions:
        bits = self._of(f"gpu_throttle_bits:{index}").inside(begin_s, end_s)
        seen = int(np.bitwise_or.reduce(bits.astype(np.int64))) if bits.size else 0
        means = {f: self._of(f"{n}:{index}").mean(begin_s, end_s) for f, n in GPU_MEANS}
        peaks = {f: self._of(f"{n}:{index}").most(begin_s, end_s) for f, n in GPU_PEAKS}
        memory = peaks["memory_used_peak_bytes"]
        return GpuConditions(
            index=index,
            throttle_reasons=tuple(name for bit, name in GPU_REASONS if seen & bit),
            **means,
            **{**peaks, "memory_used_peak_bytes": _whole(memory)},
        )

    def _energy(self, begin_s: float, end_s: float) -> tuple[EnergyReading, ...]:
        """Return what each source counted, or the power that it stated makes of the time.

        A counter that stands still counts nothing. The battery's figures are the machine's only
        while it discharges.
        """
        wall_s, found = end_s - begin_s, []
        discharged = self._of("on_battery").least(begin_s, end_s)
        for name in sorted(name for name in self.series if name.startswith("energy_j:")):
            joules = self._rise(name, begin_s, end_s)
            source = name.removeprefix("energy_j:").replace(":", " ")
            if joules and (source != "battery" or discharged):
                found.append(_reading(source, joules))
        watts_w = self._of("power_w:battery").mean(begin_s, end_s)
        if watts_w and discharged:
            found.append(_reading("battery", watts_w * wall_s, POWER_SAMPLES))
        for index in self._gpus():
            power_w = self._of(f"gpu_power_w:{index}").mean(begin_s, end_s)
            if f"energy_j:NVML GPU:{index}" not in self.series and power_w is not None:
                found.append(_reading(f"NVML GPU {index}", power_w * wall_s, POWER_SAMPLES))
        return tuple(found)


def with_drift(epochs: Sequence[Interference]) -> list[Interference]:
    """Return the epochs with their clocks relative to the middle one of them.

    A CPU that clocks higher for its first seconds is no disturbance of all the others.
    """
    clocks = [epoch.frequency_hz for epoch in epochs if epoch.frequency_hz]
    if not clocks:
        return list(epochs)
    middle_hz = float(np.median(clocks))
    return [
        epoch.model_copy(update={"frequency_drift": epoch.frequency_hz / middle_hz - 1})
        if epoch.frequency_hz
        else epoch
        for epoch in epochs
    ]


def judged(
    epochs: Sequence[Interference], whole: Interference, job: Job
) -> tuple[tuple[Interference, ...], Interference]:
    """Return epochs and whole with their flags."""
    marked = tuple(flagged(epoch, job) for epoch in with_drift(epochs))
    return marked, flagged_job(whole, marked, job)


def _reading(source: str, joules: float, basis: str | None = None) -> EnergyReading:
    covers = next((words for start, words in COVERS if source.startswith(start)), "unknown")
    known = (words for mark, words in BASES if mark in source)
    return EnergyReading(
        source=source.removesuffix(f" {MODELLED}"),
        covers=covers,
        joules=joules,
        basis=basis or next(known, "measured"),
    )


def _over(value: float | None, total: float) -> float | None:
    return None if value is None or total <= 0 else value / total


def _whole(value: float | None) -> int | None:
    return None if value is None else round(value)
