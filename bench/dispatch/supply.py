"""Which job a host runs next. The scheduler pulls jobs from a supply and knows no order itself."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from bench.record.lines import JobRecord
from bench.record.repeats import repeat_of, repeats_due
from bench.spec.job import JobSpec


class Supply(Protocol):
    """Gives each host its next job; it may decide by the records that have come back.

    A job may be given to a host again: the scheduler counts its attempts.
    """

    def begin(self, host: str, jobs: Sequence[JobSpec]) -> None:
        """Take note that `host` is ready for the first time and can run `jobs`."""

    def next(self, host: str) -> JobSpec | None:
        """Return the next job of `host`; None if the host is done for good.

        A host that was lost for good is asked until it returns None, so that each job that the
        host leaves undone gets a record.
        """

    def returned(self, host: str, record: JobRecord) -> None:
        """Take note of a job's record, which may hold a failure."""

    def out_of_time(self, host: str) -> Sequence[JobSpec]:
        """Return the jobs that `host` did not run because the time was too short for them."""


@dataclass(frozen=True)
class Known:
    """What is known of a run that is continued, by host: its records, and the jobs that are done.

    `done` holds the ids of the jobs that need not run again.
    """

    records: Mapping[str, Collection[JobRecord]] = field(default_factory=dict)
    done: Mapping[str, Collection[str]] = field(default_factory=dict)


#: Returns the jobs of a host, by its name, in the order in which it runs them.
Order = Callable[[str, Sequence[JobSpec]], Sequence[JobSpec]]


def as_given(host: str, jobs: Sequence[JobSpec]) -> Sequence[JobSpec]:
    """Return the jobs in the order in which the host was given them."""
    return jobs


class GridSupply:
    """Gives each host its jobs once and in order, except the jobs that it has `done` already."""

    def __init__(
        self, done: Mapping[str, Collection[str]] | None = None, order: Order = as_given
    ) -> None:
        self._done, self._order = done or {}, order
        self._left: dict[str, deque[JobSpec]] = {}

    def begin(self, host: str, jobs: Sequence[JobSpec]) -> None:
        """Put the jobs of `host` into its queue."""
        done = self._done.get(host, ())
        self._left[host] = deque(job for job in self._order(host, jobs) if job.job_id not in done)

    def next(self, host: str) -> JobSpec | None:
        """Return the first job that is left."""
        left = self._left[host]
        return left.popleft() if left else None

    def returned(self, host: str, record: JobRecord) -> None:
        """Change nothing: a grid runs every job once."""

    def out_of_time(self, host: str) -> Sequence[JobSpec]:
        """Return nothing: a grid has all the time that it needs."""
        return ()


class RepeatingSupply:
    """Gives a host the jobs of another supply, and then each job that was disturbed again.

    A job is run again `most` times at most.
    """

    def __init__(self, supply: Supply, most: int, known: Known | None = None) -> None:
        self._supply, self._most, self._known = supply, most, known or Known()
        self._due: dict[str, deque[JobSpec]] = {}

    def begin(self, host: str, jobs: Sequence[JobSpec]) -> None:
        """Put the repeats that a continued run still owes into the queue of `host`."""
        self._supply.begin(host, jobs)
        records, done = self._known.records.get(host, ()), self._known.done.get(host, ())
        self._due[host] = deque(repeats_due(records, done, self._most))

    def next(self, host: str) -> JobSpec | None:
        """Return the next job; repeats follow when the supply has no other job."""
        job = self._supply.next(host)
        due = self._due[host]
        return due.popleft() if job is None and due else job

    def returned(self, host: str, record: JobRecord) -> None:
        """Put the job into the queue again if it was disturbed."""
        self._supply.returned(host, record)
        job = repeat_of(record, self._most)
        if job is not None:
            self._due[host].append(job)

    def out_of_time(self, host: str) -> Sequence[JobSpec]:
        """Return what the other supply leaves out."""
        return self._supply.out_of_time(host)
