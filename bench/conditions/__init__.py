"""The interference ledger: what is seen of a job from outside while its child runs."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Sequence

import psutil

import bench.probe.cgroup as cgroup
import bench.probe.limits as limits
from bench.conditions.flags import Job
from bench.conditions.ledger import Ledger, judged
from bench.conditions.meters import METERS, Meter, Reader, Target
from bench.conditions.processes import Processes
from bench.observed import Conditions, Interference
from bench.probe.fact import Absent
from bench.record import EpochRecord

#: Seconds between two looks. What they cost is recorded with every job (`sampling_cpu_s`).
PERIOD_S = 0.2

#: Seconds that the sampling thread is given to end.
GRACE_S = 1.0


#: What reading a process raises once it has ended, which is no failure of a source.
GONE = (ProcessLookupError, FileNotFoundError, psutil.NoSuchProcess)


class Watch:
    """Samples all meters in a thread of its own, so that a sensor that hangs holds up nothing.

    `child` None watches the machine alone. A context manager; `ledger` may be read after it.
    """

    def __init__(self, child: int | None, period_s: float = PERIOD_S) -> None:
        self.period_s = period_s
        self.ledger = Ledger()
        self.unknown: dict[str, str] = {}
        self.processes = Processes(child)
        self.looks = 0
        self.cpu_s = 0.0
        self.began_s = self.ended_s = time.perf_counter()
        self._child = child
        self._reading: str | None = None
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> Watch:
        self._thread.start()
        return self

    def stop(self) -> None:
        """End the looking: what comes after this is none of the job's."""
        if not self._stop.is_set():
            self._stop.set()
            self.ended_s = time.perf_counter()

    def __exit__(self, *exception: object) -> None:
        self.stop()
        self._thread.join(GRACE_S)
        if self._thread.is_alive() and self._reading:
            self.unknown[self._reading] = "hangs: it and what comes after it gave no more samples"

    def _run(self) -> None:
        begin = time.thread_time()
        readers = self._open()
        due = time.monotonic()
        while not self._stop.is_set():
            self._look(readers)
            self.looks += 1
            self.cpu_s = time.thread_time() - begin
            due = max(due + self.period_s, time.monotonic())
            self._stop.wait(due - time.monotonic())
        with contextlib.suppress(Exception):  # a last scan names who was busy till the end
            self.processes.scan()

    def _open(self) -> list[tuple[Meter, Reader]]:
        """Open every meter; one that cannot be opened is left out, with its reason."""
        target = Target(self._child, self.processes)
        opened = []
        for meter in METERS:
            self._reading = meter.name
            try:
                opened.append((meter, meter.open(target)))
            except Absent as error:
                self.unknown[meter.name] = str(error)
            except Exception as error:  # whatever a source does, a run goes on
                self.unknown[meter.name] = f"{type(error).__name__}: {error}"[:200]
        return opened

    def _look(self, readers: list[tuple[Meter, Reader]]) -> None:
        """Read every meter that is due; one that fails is not read again."""
        for entry in tuple(readers):
            meter, read = entry
            if self.looks % meter.every:
                continue
            self._reading = meter.name
            try:
                self.ledger.add(time.perf_counter(), read())
            except Exception as error:  # whatever a source does, a run goes on
                readers.remove(entry)
                if not isinstance(error, GONE):
                    self.unknown[meter.name] = f"{type(error).__name__}: {error}"[:200]


class ChildWatch(Watch):
    """Watches a job's child."""

    def __init__(self, pid: int, threads: int) -> None:
        super().__init__(pid)
        self._job = Job(threads, len(limits.affinity()), cgroup.cpu_quota())

    def conditions(self, epochs: Sequence[EpochRecord], clock_s: float | None) -> Conditions:
        """Return what was seen; `clock_s` is the child's clock at the start of its annex region.

        `time.perf_counter` reads the same monotonic clock in every process of one machine, so
        samples are given to epochs by their stamps.
        """
        seen = [self._epoch(epoch, clock_s) for epoch in epochs] if clock_s is not None else []
        marked, whole = judged(seen, self._whole(epochs, clock_s), self._job)
        everything = (self.began_s, self.ended_s)
        ledger = self.ledger
        return Conditions(
            period_s=self.period_s,
            samples=len(ledger.series["rss_bytes"]),
            rss_peak_bytes=ledger.interference(*everything, self._job.cpus).rss_peak_bytes,
            cpu_s=ledger.series["child_cpu_s"].most(*everything),
            sampling_cpu_s=self.cpu_s,
            whole=whole,
            epochs=marked,
            foreign_processes=self.processes.busiest_foreign(max(self.ended_s - self.began_s, 0.1)),
            unknown=self.unknown,
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
