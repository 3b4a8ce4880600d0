"""Turns samples into the recorded figures of an interval; the figures are rows of a table."""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from bench.record.conditions import EnergyReading, GpuConditions, Interference, energy_source
from bench.watch.energy import MODELLED
from bench.watch.flags import GPU_REASONS, Job, flagged, flagged_job
from bench.watch.series import Series

#: (field, counter) of counts, and (field, counter of seconds) of shares of the wall time.
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

POWER_SAMPLES = "estimated from power samples"

#: Basis of a counter's joules if they are not measured, by a mark in its source's name.
BASES = (
    (MODELLED, "estimated by the CPU from its activity"),
    ("battery", "estimated from the battery's charge"),
)


class Ledger:
    """All series of one watch; gives the figures of any interval."""

    def __init__(self) -> None:
        self.series: defaultdict[str, Series] = defaultdict(Series)
        self._lock = threading.Lock()
        self._closed = False

    def add(self, at_s: float, values: Mapping[str, float]) -> None:
        """Append one reading of a source (thread-safe). After `close`, readings are dropped."""
        with self._lock:
            if not self._closed:
                for name, value in values.items():
                    self.series[name].add(at_s, value)

    def close(self) -> None:
        """Drop all further readings, so that the ledger may be read."""
        with self._lock:
            self._closed = True

    def interference(
        self, begin_s: float, end_s: float, cpus: int, epoch: int | None = None
    ) -> Interference:
        """Return what was seen from `begin_s` to `end_s` on `cpus` CPUs, without a flag."""
        wall_s = end_s - begin_s
        figures: dict[str, Any] = {"epoch": epoch, "wall_s": wall_s}
        for field, name in COUNTS:
            figures[field] = _whole(self._rise(name, begin_s, end_s))
        for field, name in SHARES:
            figures[field] = _over(self._rise(name, begin_s, end_s), wall_s)
        for field, name in MEANS:
            figures[field] = self._of(name).mean(begin_s, end_s)
        for field, name in PEAKS:
            peak = self._of(name).most(begin_s, end_s)
            figures[field] = _whole(peak) if field.endswith("_bytes") else peak
        peaks = (figures["rss_peak_bytes"], figures["tree_rss_peak_bytes"])
        if None not in peaks:  # the child itself is sampled more often than its tree
            figures["tree_rss_peak_bytes"] = max(peaks)
        figures["job_cpu_s"] = self._first_rise(("tree_cpu_s", "child_cpu_s"), begin_s, end_s)
        figures["foreign_cpus"] = _over(self._foreign("busy_cpu_s", begin_s, end_s), wall_s)
        figures["group_foreign_cpus"] = _over(self._foreign("group_cpu_s", begin_s, end_s), wall_s)
        figures["steal_share"] = _over(self._rise("steal_cpu_s", begin_s, end_s), wall_s * cpus)
        figures["throttled_s"] = self._rise("throttled_s", begin_s, end_s)
        periods = self._rise("quota_periods", begin_s, end_s)
        throttled = self._rise("throttled_periods", begin_s, end_s)
        figures["throttled_periods_share"] = _over(throttled, periods or 0.0)
        on_battery = self._of("on_battery").most(begin_s, end_s)
        figures["on_battery"] = None if on_battery is None else on_battery > 0
        figures["gpus"] = tuple(self._gpu(index, begin_s, end_s) for index in self._gpus())
        figures["energy"] = self._energy(begin_s, end_s)
        return Interference(**figures)

    def _of(self, name: str) -> Series:
        return self.series.get(name) or Series()

    def _rise(self, name: str, begin_s: float, end_s: float) -> float | None:
        return self._of(name).rise(begin_s, end_s)

    def _first_rise(self, names: Sequence[str], begin_s: float, end_s: float) -> float | None:
        rises = (self._rise(name, begin_s, end_s) for name in names)
        return next((rise for rise in rises if rise is not None), None)

    def _foreign(self, name: str, begin_s: float, end_s: float) -> float | None:
        """Return the CPU seconds of a counter minus the CPU seconds of our own processes."""
        busy = self._rise(name, begin_s, end_s)
        own = self._rise("own_cpu_s", begin_s, end_s)
        return None if busy is None or own is None else max(0.0, busy - own)

    def _gpus(self) -> list[int]:
        """Return the GPUs that gave any figure; in multi-instance mode some figures are missing."""
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
        """Return what each source counted, or the power that it stated times the wall time.

        A counter that does not move is left out. The battery's figures cover the machine only
        while it discharges.
        """
        wall_s, readings = end_s - begin_s, []
        discharged = self._of("on_battery").least(begin_s, end_s)
        for name in sorted(name for name in self.series if name.startswith("energy_j:")):
            joules = self._rise(name, begin_s, end_s)
            source = name.removeprefix("energy_j:").replace(":", " ")
            if joules and (source != "battery" or discharged):
                readings.append(_reading(source, joules))
        watts_w = self._of("power_w:battery").mean(begin_s, end_s)
        if watts_w and discharged:
            readings.append(_reading("battery", watts_w * wall_s, POWER_SAMPLES))
        for index in self._gpus():
            power_w = self._of(f"gpu_power_w:{index}").mean(begin_s, end_s)
            if f"energy_j:NVML GPU:{index}" not in self.series and power_w is not None:
                readings.append(_reading(f"NVML GPU {index}", power_w * wall_s, POWER_SAMPLES))
        return tuple(readings)


def with_drift(epochs: Sequence[Interference]) -> list[Interference]:
    """Return the epochs with their CPU clocks relative to the median epoch.

    If a CPU clocks higher in its first seconds, the later epochs are not disturbed.
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
    """Return the epochs and the whole training with their flags."""
    marked = tuple(flagged(epoch, job) for epoch in with_drift(epochs))
    return marked, flagged_job(whole, marked, job)


def _reading(source: str, joules: float, basis: str | None = None) -> EnergyReading:
    kind = energy_source(source)
    known = (text for mark, text in BASES if mark in source)
    return EnergyReading(
        source=source.removesuffix(f" {MODELLED}"),
        covers="unknown" if kind is None else kind.covers,
        joules=joules,
        basis=basis or next(known, "measured"),
    )


def _over(value: float | None, total: float) -> float | None:
    return None if value is None or total <= 0 else value / total


def _whole(value: float | None) -> int | None:
    return None if value is None else round(value)
