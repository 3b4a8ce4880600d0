"""About how long jobs take on one machine: estimates, corrected by the jobs that it has run."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable
from statistics import fmean

from bench.record.facts import MachineFacts
from bench.record.lines import JobRecord
from bench.spec.axes import Axis
from bench.spec.job import JobSpec
from bench.spec.limits import MOST_AMOUNT

#: Seconds that a job is taken to last if its workload gives no estimate.
UNKNOWN_S = 30.0

#: The CPUs of the machine for which workloads estimate (`Workload.estimate_s`).
ESTIMATED_CPUS = 2.0

#: A job's time limit, if the user states none: so many times its estimate (a machine may be slow,
#: and shared), this many seconds at least, and this many if there is no estimate.
LIMIT_FACTOR, LIMIT_LEAST_S, LIMIT_UNKNOWN_S = 20.0, 900.0, 3600.0


def time_limit_s(stated_s: float | None, estimate_s: float | None) -> float:
    """Return the seconds after which a job is ended: the stated ones, or some of its estimate.

    No limit is above what a job's description takes.
    """
    if stated_s is not None:
        return stated_s
    if estimate_s is None:
        return LIMIT_UNKNOWN_S
    return min(max(LIMIT_LEAST_S, LIMIT_FACTOR * estimate_s), MOST_AMOUNT)


def slowdown(facts: MachineFacts) -> float:
    """Return by what factor jobs exceed their estimates on a machine with `facts`.

    Estimates are for two CPUs. With fewer, such as half a CPU in a container, a job is expected to
    take longer in proportion. More CPUs make small jobs little faster, so they count as two.
    """
    usable = facts.usable_cpus or facts.logical_cores or ESTIMATED_CPUS
    return ESTIMATED_CPUS / min(ESTIMATED_CPUS, usable)


def on_machine(estimate_s: float | None, facts: MachineFacts) -> float | None:
    """Return an estimate for a machine with `facts`; None if there is no estimate."""
    return None if estimate_s is None else estimate_s * slowdown(facts)


def cell_of(job: JobSpec) -> Hashable:
    """Return what jobs share if they are replicates of each other: all but seed and repeat."""
    axes = tuple(sorted(job.axes.items()))
    return axes, job.epochs, job.dataset, job.read_off, job.threads


def kind_of(job: JobSpec, axes: Iterable[Axis]) -> Hashable:
    """Return the kind of a job: its values of the axes that separate machines."""
    return tuple(job.axes.get(axis.name) for axis in axes if axis.separates)


class Durations:
    """Learns from each job of a machine how long its jobs take.

    A job of a cell that was measured is expected to take the mean of that cell. Another job is
    expected to take its estimate, scaled by how the jobs of its kind turned out or, if its kind was
    not measured yet, all jobs.
    """

    def __init__(
        self, estimate_s: Callable[[JobSpec], float | None], axes: Iterable[Axis] = ()
    ) -> None:
        self._estimate_s, self._axes = estimate_s, tuple(axes)
        self._took_s: dict[Hashable, list[float]] = {}
        self._spent_s: dict[Hashable, tuple[float, float]] = {}  # by kind: expected, and spent

    def learn(self, record: JobRecord, took_s: float) -> None:
        """Take note of how long a measured job took, its ceilings left out: few jobs have any."""
        measurement = record.measurement
        if measurement is None:
            return
        ceilings_s = measurement.ceilings.took_s if measurement.ceilings else None
        took_s, job = max(0.0, took_s - (ceilings_s or 0.0)), record.job
        self._took_s.setdefault(cell_of(job), []).append(took_s)
        kind = kind_of(job, self._axes)
        expected_s, spent_s = self._spent_s.get(kind, (0.0, 0.0))
        self._spent_s[kind] = expected_s + self._estimated_s(job), spent_s + took_s

    def expected_s(self, job: JobSpec) -> float:
        """Return about how many seconds a job takes."""
        took_s = self._took_s.get(cell_of(job))
        return fmean(took_s) if took_s else self._estimated_s(job) * self._factor(job)

    def _estimated_s(self, job: JobSpec) -> float:
        return self._estimate_s(job) or UNKNOWN_S

    def _factor(self, job: JobSpec) -> float:
        """Return how much slower than the estimates the machine is."""
        own = self._spent_s.get(kind_of(job, self._axes))
        found = [own] if own else list(self._spent_s.values())
        expected_s = sum(expected for expected, _ in found)
        return sum(spent for _, spent in found) / expected_s if expected_s else 1.0
