"""What the parent sees of a job's child from outside while it runs."""

from __future__ import annotations

import time
from collections.abc import Sequence

import psutil

from bench.record import Conditions, EpochRecord


class ChildWatch:
    """Samples a child's resident memory and CPU time; a child that is gone ends the sampling."""

    def __init__(self, pid: int, period_s: float) -> None:
        self._process = psutil.Process(pid)
        self._period_s = period_s
        self._samples: list[tuple[float, int]] = []
        self._cpu_s: float | None = None

    def sample(self) -> None:
        """Take one sample, stamped with this machine's monotonic clock."""
        try:
            with self._process.oneshot():
                rss = self._process.memory_info().rss
                times = self._process.cpu_times()
        except psutil.Error:
            return
        self._samples.append((time.perf_counter(), rss))
        self._cpu_s = times.user + times.system

    def conditions(self, epochs: Sequence[EpochRecord], clock_s: float | None) -> Conditions:
        """Return what was seen; `clock_s` is the child's clock at the start of its annex region.

        `time.perf_counter` reads the same monotonic clock in every process of one machine, so
        samples are given to epochs by their stamps.
        """
        peaks = [self._peak_between(clock_s, epoch) for epoch in epochs]
        return Conditions(
            period_s=self._period_s,
            samples=len(self._samples),
            rss_peak_bytes=max((rss for _, rss in self._samples), default=None),
            rss_peak_by_epoch_bytes=tuple(peaks),
            cpu_s=self._cpu_s,
        )

    def _peak_between(self, clock_s: float | None, epoch: EpochRecord) -> int | None:
        if clock_s is None:
            return None
        begin = clock_s + epoch.started_s
        inside = [rss for at, rss in self._samples if begin <= at <= begin + epoch.wall_s]
        return max(inside, default=None)
