"""Turns samples into the recorded figures of an interval; the figures are rows of a table."""

from __future__ import annotations

import os
import threading
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from bench.record.conditions import GpuConditions, Interference, energy_source
from bench.watch.counters import series_of
from bench.watch.cpu_use import cpu_use
from bench.watch.flags import GPU_REASONS, Job, flagged, flagged_job
from bench.watch.interval import Interval
from bench.watch.joules import energy_readings
from bench.watch.series import Doubt, Series

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

#: A job that uses this many CPUs keeps their clock above the clock of an idle CPU.
RUNNING_CPUS = 0.5

#: Share of a group's periods that may be throttled; the two counters are read a moment apart.
MOST_PERIODS = 1.05


class _AllSeries(dict[str, Series]):
    """The series of a watch by their names; a new name begins a series of its kind."""

    def __init__(self, cpus: int) -> None:
        super().__init__()
        self._cpus = cpus

    def __missing__(self, name: str) -> Series:
        self[name] = series_of(name, self._cpus)
        return self[name]


class Ledger:
    """All series of one watch; gives the figures of any interval."""

    def __init__(self, cpus: int | None = None) -> None:
        """Begin a ledger of a machine of `cpus` CPUs (None: of this machine)."""
        self.series: dict[str, Series] = _AllSeries(cpus or os.cpu_count() or 1)
        self._lock = threading.Lock()
        self._closed = False

    def add(self, at_s: float, values: Mapping[str, float | Doubt]) -> None:
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
        """Return what was seen from `begin_s` to `end_s` on `cpus` CPUs, without a flag.

        Doubts of energy stand in the record of the whole training, and not in those of epochs.
        """
        seen = Interval(self.series, begin_s, end_s)
        figures: dict[str, Any] = {"epoch": epoch, "wall_s": seen.wall_s}
        figures |= {field: _whole(seen.rise(field, name)) for field, name in COUNTS}
        figures |= {field: seen.share(field, name) for field, name in SHARES}
        figures |= {field: seen.gauge(field, name, Series.mean) for field, name in MEANS}
        for field, name in PEAKS:
            peak = seen.gauge(field, name, Series.most)
            figures[field] = _whole(peak) if field.endswith("_bytes") else peak
        peaks = (figures["rss_peak_bytes"], figures["tree_rss_peak_bytes"])
        if None not in peaks:  # the child itself is sampled more often than its tree
            figures["tree_rss_peak_bytes"] = max(peaks)
        figures |= {**cpu_use(seen, cpus), **_throttling(seen)}
        figures["frequency_hz"] = _clock(seen, figures["frequency_hz"], figures["job_cpu_s"])
        on_battery = seen.of("on_battery").most(begin_s, end_s)
        figures["on_battery"] = None if on_battery is None else on_battery > 0
        figures["gpus"] = tuple(_gpu(seen, index) for index in _gpus(seen))
        figures["energy"] = energy_readings(seen)
        kept = {
            name: why for name, why in seen.doubts.items() if not (epoch and energy_source(name))
        }
        return Interference(**figures, doubts=kept)


def _throttling(seen: Interval) -> Mapping[str, float | None]:
    figure = "throttled_periods_share"
    periods, throttled = (
        seen.rise(figure, name) for name in ("quota_periods", "throttled_periods")
    )
    share = None if throttled is None or not periods else throttled / periods
    if share is not None and share > MOST_PERIODS:
        seen.doubt(figure, f"{throttled:.0f} of {periods:.0f} periods are said to be throttled")
        share = None
    return {"throttled_s": seen.rise("throttled_s", "throttled_s"), figure: share}


def _clock(seen: Interval, hz: float | None, job_cpu_s: float | None) -> float | None:
    """Return the clock, or None if a running job's CPUs stood at the clock of idle ones."""
    most = seen.of("frequency_hz").most(seen.begin_s, seen.end_s)
    least = seen.of("frequency_least_hz").most(seen.begin_s, seen.end_s)
    runs = job_cpu_s is not None and job_cpu_s >= RUNNING_CPUS * seen.wall_s
    if most is None or least is None or not runs or most > least:
        return hz
    seen.doubt("frequency_hz", f"it stands at its least, {least / 1e6:.0f} MHz, while the job runs")
    return None


def _gpus(seen: Interval) -> list[int]:
    """Return the GPUs that gave any figure; in multi-instance mode some figures are missing."""
    names = (name.partition(":") for name in seen.named("gpu_"))
    return sorted({int(index) for _, _, index in names})


def _gpu(seen: Interval, index: int) -> GpuConditions:
    bits = seen.of(f"gpu_throttle_bits:{index}").inside(seen.begin_s, seen.end_s)
    reasons = int(np.bitwise_or.reduce(bits.astype(np.int64))) if bits.size else 0
    means, peaks = (
        {f: seen.gauge(f"GPU {index}: {f}", f"{name}:{index}", read) for f, name in rows}
        for rows, read in ((GPU_MEANS, Series.mean), (GPU_PEAKS, Series.most))
    )
    memory = peaks["memory_used_peak_bytes"]
    return GpuConditions(
        index=index,
        throttle_reasons=tuple(name for bit, name in GPU_REASONS if reasons & bit),
        **means,
        **{**peaks, "memory_used_peak_bytes": _whole(memory)},
    )


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


def _whole(value: float | None) -> int | None:
    return None if value is None else round(value)
