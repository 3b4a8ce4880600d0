"""Samples the conditions around a job while its child runs."""

from __future__ import annotations

import contextlib
import os
import threading
import time
from collections.abc import Sequence
from dataclasses import replace
from typing import Self

import psutil

import bench.probe.cgroup as cgroup
import bench.probe.usable as usable
from bench.probe.fact import LIMIT_S, Absent, in_time
from bench.probe.root import HOST, Root
from bench.record.conditions import Conditions, Interference
from bench.record.measurement import EpochRecord
from bench.watch.flags import Job
from bench.watch.ledger import Ledger, judged
from bench.watch.members import TRIES
from bench.watch.processes import Processes
from bench.watch.series import Reader
from bench.watch.sources import SOURCES, Source, Target
from bench.watch.standstill import Standstill

#: Seconds of a period. The cost of sampling is recorded with every job (`sampling_cpu_s`).
PERIOD_S = 0.2

#: Seconds that a sampling thread has to end.
GRACE_S = 1.0

#: Errors from reading a process that has ended; they are not failures of the source.
GONE = (ProcessLookupError, FileNotFoundError, psutil.NoSuchProcess)


class _Sampler:
    """Reads some sources in a separate thread, so that a hanging source delays no other sampler."""

    def __init__(self, sources: Sequence[Source], watch: Watch) -> None:
        self.reading: str | None = None
        self.cpu_s = 0.0
        self.opened = threading.Event()
        self._sources, self._watch = sources, watch
        self._opening = 0
        self._failed: dict[str, int] = {}
        self.thread = threading.Thread(target=self._run, daemon=True)

    def start(self) -> None:
        """Start the thread; if the system has no threads left, the run goes on without samples."""
        try:
            self.thread.start()
        except RuntimeError as error:
            self.opened.set()
            self._watch.unknown |= {source.name: str(error) for source in self._sources}

    def end(self, deadline: float) -> bool:
        """Wait until `deadline` for the last reading; say whether the thread has ended.

        If it has not, the source that hangs is named; it is the reason for the sources that wait.
        """
        if self.thread.ident is None:
            return True
        self.thread.join(max(0.0, deadline - time.monotonic()))
        hangs = self.reading
        if self.thread.is_alive() and hangs:
            unknown = self._watch.unknown
            unknown[hangs] = "hangs: it gave no more samples"
            for number, source in enumerate(self._sources):
                how = "not read" if number >= self._opening else "not read to the end"
                unknown.setdefault(source.name, f"{how}: {hangs} hangs")
        return not self.thread.is_alive()

    def _run(self) -> None:
        watch, begin, periods = self._watch, time.thread_time(), 0
        readers = self._open()
        self.opened.set()
        due = time.monotonic()
        while not watch.stopped.is_set():
            self._sample(readers, periods)
            periods += 1
            self.cpu_s = time.thread_time() - begin
            due = max(due + watch.period_s, time.monotonic())
            watch.stopped.wait(due - time.monotonic())
        self._sample(readers, 0)  # all once more, so that counters reach to the end
        self.cpu_s = time.thread_time() - begin

    def _open(self) -> list[tuple[Source, Reader]]:
        """Open every source; a source that cannot be opened is left out, with the reason."""
        opened = []
        for source in self._sources:
            self.reading = source.name
            try:
                opened.append((source, source.open(self._watch.target)))
            except Exception as error:  # a failing source must not stop a run
                self._watch.unknown[source.name] = _reason(error)
            self._opening += 1
        self.reading = None
        return opened

    def _sample(self, readers: list[tuple[Source, Reader]], periods: int) -> None:
        """Read every source that is due; a source that fails TRIES times in a row is dropped."""
        for entry in tuple(readers):
            source, read = entry
            if periods % source.every:
                continue
            self.reading = source.name
            try:
                self._watch.ledger.add(time.perf_counter(), read())
                if self._failed.pop(source.name, None):
                    self._watch.unknown.pop(source.name, None)
            except Exception as error:  # a failing source must not stop a run
                failed = self._failed[source.name] = self._failed.get(source.name, 0) + 1
                ended = isinstance(error, GONE) and not source.may_hang
                if ended or failed >= TRIES:
                    readers.remove(entry)
                if not ended:
                    self._watch.unknown[source.name] = _reason(error)
        self.reading = None


class Watch:
    """Samples all sources in separate threads, so that a sensor that hangs delays nothing.

    If `child` is None, it watches only the machine, and if `starting`, it takes what this process
    starts meanwhile as its own. Use it as a context manager, and read `ledger` afterwards.
    """

    def __init__(
        self,
        child: int | None,
        period_s: float = PERIOD_S,
        threads: int = 1,
        visible_gpus: str | None = None,
        root: Root = HOST,
        *,
        starting: bool = False,
    ) -> None:
        self.period_s = period_s
        self.ledger = Ledger()
        self.unknown: dict[str, str] = {}
        self.processes = Processes(child, starting=starting)
        self.target = Target(child, self.processes, threads, visible_gpus, root)
        self.stopped = threading.Event()
        self.began_s = self.ended_s = time.perf_counter()
        self._samplers = [
            _Sampler([source for source in SOURCES if source.may_hang == may_hang], self)
            for may_hang in (False, True)
        ]

    def __enter__(self) -> Self:
        for sampler in self._samplers:
            sampler.start()
        return self

    @property
    def cpu_s(self) -> float:
        """CPU seconds that the sampling has taken so far."""
        return sum(sampler.cpu_s for sampler in self._samplers)

    def wait_open(self, timeout_s: float) -> None:
        """Wait until all sources are open; the watched time begins then."""
        deadline = time.monotonic() + timeout_s
        for sampler in self._samplers:
            sampler.opened.wait(max(0.0, deadline - time.monotonic()))
        self.began_s = time.perf_counter()

    def stop(self) -> None:
        """End the watched time: what comes after it does not belong to the job."""
        if not self.stopped.is_set():
            self.stopped.set()
            self.ended_s = time.perf_counter()

    def __exit__(self, *exception: object) -> None:
        self.stop()
        deadline = time.monotonic() + GRACE_S
        if all([sampler.end(deadline) for sampler in self._samplers]):
            with contextlib.suppress(Exception):  # finds processes that were busy until the end
                self.processes.scan()
                self.ledger.add(time.perf_counter(), self.processes.seen())
        self.ledger.close()  # a sampler that hangs may return later


def _reason(error: Exception) -> str:
    """Return why a source gave nothing, for a record."""
    text = str(error) if isinstance(error, Absent) else f"{type(error).__name__}: {error}"
    return text[:200]


def job_here(threads: int, on_gpu: bool | None = None) -> Job:
    """Return what thresholds need to know about a job with `threads` threads here; never fails."""
    quota, _ = in_time(cgroup.cpu_quota, LIMIT_S)
    cores, _ = in_time(usable.cores, LIMIT_S)
    cpus, _ = in_time(lambda: len(usable.affinity()), LIMIT_S)
    return Job(threads, cpus or os.cpu_count() or 1, quota, cores, on_gpu)


class ChildWatch(Watch):
    """Watches a job's child. The thread that waits for the child makes it (see `Standstill`)."""

    def __init__(self, pid: int, threads: int, visible_gpus: str | None = None) -> None:
        super().__init__(pid, threads=threads, visible_gpus=visible_gpus)
        self._job = job_here(threads)
        self.standstill = Standstill(pid, self._job.cpus, self.ledger)

    def conditions(
        self, epochs: Sequence[EpochRecord], clock_s: float | None, device: str | None = None
    ) -> Conditions:
        """Return what was seen; `clock_s` is the child's clock when its training began.

        `device` is the device that the job trained on, as its record says; None: unknown.

        `time.perf_counter` reads the same monotonic clock in every process of a machine, so samples
        are assigned to epochs by their times.
        """
        seen = [self._epoch(epoch, clock_s) for epoch in epochs] if clock_s is not None else []
        job = replace(self._job, on_gpu=None if device is None else device == "gpu")
        marked, whole = judged(seen, self._whole(epochs, clock_s), job)
        everything = (self.began_s, self.ended_s)
        ledger = self.ledger
        memory = ledger.interference(*everything, self._job.cpus)
        return Conditions(
            period_s=self.period_s,
            samples=len(ledger.series["rss_bytes"]),
            rss_peak_bytes=memory.rss_peak_bytes,
            tree_rss_peak_bytes=memory.tree_rss_peak_bytes,
            cpu_s=ledger.series["child_cpu_s"].most(*everything),
            sampling_cpu_s=self.cpu_s,
            whole=whole,
            epochs=marked,
            foreign_processes=self.processes.busiest_foreign(max(self.ended_s - self.began_s, 0.1)),
            unknown={**whole.doubts_by_meter, **self.unknown},
        )

    def _epoch(self, epoch: EpochRecord, clock_s: float) -> Interference:
        begin_s = clock_s + epoch.started_s
        return self.ledger.interference(
            begin_s, begin_s + epoch.wall_s, self._job.cpus, epoch.epoch
        )

    def _whole(self, epochs: Sequence[EpochRecord], clock_s: float | None) -> Interference:
        begin_s, end_s = self.began_s, self.ended_s
        if clock_s is not None and epochs:
            begin_s = clock_s + epochs[0].started_s
            end_s = clock_s + epochs[-1].started_s + epochs[-1].wall_s
        return self.ledger.interference(begin_s, end_s, self._job.cpus)
