"""About how long a run still takes: estimates, scaled by how its jobs turned out so far."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from bench.dispatch.durations import UNKNOWN_S
from bench.spec.job import JobSpec


class TimeLeft:
    """Time left, from the estimates scaled by how the jobs so far turned out."""

    def __init__(
        self, jobs: Iterable[JobSpec], estimate_s: Callable[[JobSpec], float | None]
    ) -> None:
        self._estimate_s = estimate_s
        self._left: dict[str, float] = {}
        self._unscaled: set[str] = set()
        for job in jobs:
            self.add(job)
        self._spent_s = self._expected_s = 0.0

    def add(self, job: JobSpec, takes_s: float | None = None) -> None:
        """Take note of one more job to run.

        It takes its estimate, scaled like all others, or `takes_s` if that is given: a job that
        trains nothing takes no more time if training turns out to be slow.
        """
        self._left[job.job_id] = takes_s or self._estimate_s(job) or UNKNOWN_S
        if takes_s is not None:
            self._unscaled.add(job.job_id)

    def finished(self, job_id: str, took_s: float | None) -> None:
        """Take note that a job is done and how long it took; None teaches nothing (it failed)."""
        expected_s = self._left.pop(job_id, 0.0)
        if took_s is not None:
            self._expected_s += expected_s
            self._spent_s += took_s

    @property
    def factor(self) -> float:
        """How much slower than the estimate this machine has been so far; 1 at first."""
        return self._spent_s / self._expected_s if self._expected_s else 1.0

    def of(self, job_ids: Iterable[str]) -> float:
        """Return about how many seconds the jobs with these ids take that are still to run."""
        return sum(map(self._takes_s, job_ids))

    def seconds(self, running: str | None = None, since_s: float = 0.0) -> float:
        """Return about how many seconds are left, `running` having run for `since_s`."""
        running_left = max(0.0, self._takes_s(running or "") - since_s)
        return self.of(key for key in self._left if key != running) + running_left

    def _takes_s(self, job_id: str) -> float:
        scale = 1.0 if job_id in self._unscaled else self.factor
        return self._left.get(job_id, 0.0) * scale
