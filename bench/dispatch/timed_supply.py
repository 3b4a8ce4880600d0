"""The supply of a run that has so many minutes: the best answer that they can buy."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass

from bench.clock import seconds_between
from bench.dispatch.durations import Durations, kind_of
from bench.dispatch.replicates import Replicates
from bench.dispatch.supply import GridSupply, Known, Order, RepeatingSupply, Supply, as_given
from bench.record.failure import HOST_LOST
from bench.record.lines import JobRecord, RunHeader
from bench.record.repeats import repeat_of, repeats_due
from bench.spec.axes import Axis
from bench.spec.job import JobSpec


@dataclass
class _Queues:
    """What one host is to run, and what it is known to take.

    `first` holds one job of each kind, `rest` the other jobs of the grid, and `due` the repeats of
    disturbed jobs. A host that was `lost` gets no jobs beyond the grid's.
    """

    durations: Durations
    replicates: Replicates
    first: deque[JobSpec]
    rest: list[JobSpec]
    due: list[JobSpec]
    began_s: float = 0.0
    lost: bool = False


class TimedSupply:
    """Gives each host jobs until `ends_s` on the clock, the most telling ones first.

    First comes one job of each kind, the one that is expected to be shortest; these jobs are begun
    even if they end too late, so that there is an answer. Each other job is begun only if it is
    expected to end in time: the rest of the grid, then the disturbed jobs again (each `most` times
    at most), then replicates, where they narrow the answer most per second.
    """

    def __init__(
        self,
        ends_s: float,
        clock: Callable[[], float],
        estimate_s: Callable[[JobSpec], float | None],
        *,
        axes: Sequence[Axis] = (),
        most: int = 0,
        order: Order = as_given,
        known: Known | None = None,
    ) -> None:
        self._ends_s, self._clock, self._estimate_s = ends_s, clock, estimate_s
        self._axes, self._most, self._order = axes, most, order
        self._known = known or Known()
        self._hosts: dict[str, _Queues] = {}

    def begin(self, host: str, jobs: Sequence[JobSpec]) -> None:
        """Learn from the records of a continued run, and sort what is left to run."""
        done = self._known.done.get(host, ())
        records = self._known.records.get(host, ())
        durations, replicates = Durations(self._estimate_s, self._axes), Replicates(jobs)
        for record in records:
            durations.learn(record, seconds_between(record.started_at, record.ended_at))
            replicates.take(record)
        left = [job for job in self._order(host, jobs) if job.job_id not in done]
        measured = {kind_of(one.job, self._axes) for one in records if one.measurement}
        chosen = shortest_of_each_kind(left, self._axes, durations.expected_s)
        first = [job for job in chosen if kind_of(job, self._axes) not in measured]
        self._hosts[host] = _Queues(
            durations,
            replicates,
            first=deque(first),
            rest=[job for job in left if job not in first],
            due=list(repeats_due(records, done, self._most)),
        )

    def next(self, host: str) -> JobSpec | None:
        """Return the next job that is expected to end in time."""
        queues, left_s = self._hosts[host], self._ends_s - self._clock()
        queues.began_s = self._clock()
        if queues.first:
            return queues.first.popleft()
        for waiting in (queues.rest, queues.due):
            for place, job in enumerate(waiting):
                if queues.durations.expected_s(job) <= left_s:
                    return waiting.pop(place)
        if queues.lost:
            return None
        return queues.replicates.best(queues.durations.expected_s, left_s)

    def returned(self, host: str, record: JobRecord) -> None:
        """Learn from a record, and put a disturbed job into the queue again."""
        queues = self._hosts[host]
        queues.durations.learn(record, self._clock() - queues.began_s)
        queues.replicates.take(record)
        if record.failure is not None and record.failure.reason == HOST_LOST:
            queues.lost = True
        job = repeat_of(record, self._most)
        if job is not None and not queues.lost:
            queues.due.append(job)

    def out_of_time(self, host: str) -> tuple[JobSpec, ...]:
        """Return the jobs and the repeats for which the time of `host` was too short."""
        queues = self._hosts.get(host)
        return () if queues is None else (*queues.first, *queues.rest, *queues.due)


def shortest_of_each_kind(
    jobs: Sequence[JobSpec], axes: Sequence[Axis], expected_s: Callable[[JobSpec], float]
) -> list[JobSpec]:
    """Return the job of each kind that is expected to be shortest, in the order of `jobs`."""
    shortest: dict[Hashable, JobSpec] = {}
    for job in jobs:
        known = shortest.setdefault(kind_of(job, axes), job)
        if expected_s(job) < expected_s(known):
            shortest[kind_of(job, axes)] = job
    chosen = {job.job_id for job in shortest.values()}
    return [job for job in jobs if job.job_id in chosen]


def kinds_first(
    jobs: Sequence[JobSpec], axes: Sequence[Axis], estimate_s: Callable[[JobSpec], float | None]
) -> list[JobSpec]:
    """Return `jobs` with the shortest job of each kind before all others."""
    expected_s = Durations(estimate_s, axes).expected_s
    first = shortest_of_each_kind(jobs, axes, expected_s)
    return [*first, *(job for job in jobs if job not in first)]


def supply_of(
    header: RunHeader,
    order: Order,
    *,
    ends_s: float | None,
    clock: Callable[[], float],
    estimate_s: Callable[[JobSpec], float | None],
    known: Known | None = None,
) -> Supply:
    """Return what gives the hosts of a run their jobs.

    `ends_s` is the time on the clock at which the jobs of a run with `minutes` must have ended;
    None if the run may take all the time that it needs.
    """
    most = header.repeat_disturbed
    if ends_s is None:
        done = known.done if known else {}
        return RepeatingSupply(GridSupply(done, order), most, known)
    axes = header.workload.axes if header.workload else ()
    return TimedSupply(ends_s, clock, estimate_s, axes=axes, most=most, order=order, known=known)
