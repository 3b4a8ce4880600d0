"""The progress of one machine: how many of its jobs have a record, and how long the rest takes."""

from __future__ import annotations

import time
from collections.abc import Iterable

from bench.app.time_left import TimeLeft
from bench.dispatch.ceiling_jobs import CEILING_JOB_S
from bench.dispatch.events import Event
from bench.record.repeats import repeat_of
from bench.spec.job import JobSpec


class Tally:
    """Counts the jobs of one machine and estimates the time that they still take.

    A job that was lost and is tried again counts once. Repeats of disturbed jobs, `most` for each
    job at most, are counted apart, and so are the jobs that were `added` to the planned ones. Only
    the time counts of jobs that only measure `ceilings`.
    """

    def __init__(
        self,
        time_left: TimeLeft,
        jobs: Iterable[JobSpec],
        already: int,
        repeats: Iterable[JobSpec] = (),
        most: int = 0,
        ceilings: Iterable[JobSpec] = (),
    ) -> None:
        self.running = ""  # the id of the job that runs; empty if none does
        self.repeats_ended = self.added = 0
        self._jobs, self._already = {job.job_id for job in jobs}, already
        self._ended: set[str] = set()
        self._repeats_left: set[str] = set()
        self._most, self._time_left = most, time_left
        self._since = time.monotonic()
        for job in repeats:
            self._add_repeat(job)
        for job in ceilings:
            time_left.add(job, CEILING_JOB_S)

    def take(self, event: Event) -> None:
        """Take note of what happened."""
        if event.kind == "started":
            self.running, self._since = event.job_id, time.monotonic()
        elif event.record is not None and event.record.only_ceilings:
            self._time_left.finished(event.job_id, None)
            self.running = ""
        elif event.record is not None:
            measured = event.record.measurement is not None
            self._time_left.finished(event.job_id, self._since_s if measured else None)
            self.running = ""
            if event.record.job.again:
                self._repeats_left.discard(event.job_id)
                self.repeats_ended += 1
            elif event.job_id in self._jobs or not (self._jobs or self._already):
                self._ended.add(event.job_id)
            else:
                self.added += 1
            repeat = repeat_of(event.record, self._most)
            if repeat is not None:
                self._add_repeat(repeat)

    def _add_repeat(self, job: JobSpec) -> None:
        self._repeats_left.add(job.job_id)
        self._time_left.add(job)

    @property
    def repeats(self) -> int:
        """All repeats that are known: the ones that ended and the ones to come."""
        return self.repeats_ended + len(self._repeats_left)

    @property
    def repeats_left_s(self) -> float:
        """Seconds that the repeats to come take."""
        return self._time_left.of(self._repeats_left)

    @property
    def finished(self) -> int:
        """Jobs that have a record."""
        return self._already + len(self._ended)

    @property
    def total(self) -> int:
        """All jobs, also any that the machine did not have at first."""
        return self._already + len(self._jobs | self._ended)

    @property
    def _since_s(self) -> float:
        return time.monotonic() - self._since

    @property
    def running_left_s(self) -> float:
        """Seconds until the running job is done; 0 if none runs."""
        return max(0.0, self._time_left.of([self.running]) - self._since_s) if self.running else 0.0

    @property
    def left_s(self) -> float:
        """Seconds until the machine has done all its jobs and repeats."""
        return self._time_left.seconds(self.running or None, self._since_s)
