"""What was seen of jobs from outside: which jobs were disturbed, by what, and what is unknown."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bench.analysis.pooling import MeasuredJob
from bench.record.conditions import Conditions, Interference
from bench.record.share import Share


@dataclass(frozen=True, slots=True)
class WatchedJob:
    """A measured job that was watched; `whole` is None if nothing was seen of its training."""

    job: MeasuredJob
    machine: str
    conditions: Conditions
    whole: Interference | None

    @property
    def is_disturbed(self) -> bool:
        """Whether something disturbed the job."""
        return self.whole is not None and self.whole.is_disturbed

    @property
    def epochs_disturbed(self) -> int:
        """How many of the job's epochs were disturbed."""
        return sum(epoch.is_disturbed for epoch in self.conditions.epochs)

    @property
    def preempted_per_cpu_s(self) -> float | None:
        """How often the job was preempted, per second of its CPU time."""
        if self.whole is None or not self.whole.job_cpu_s:
            return None
        switches = self.whole.involuntary_switches
        return None if switches is None else switches / self.whole.job_cpu_s


@dataclass(frozen=True)
class Disturbances:
    """How many jobs were watched, how many of them were disturbed, and by what.

    `unseen` counts the jobs whose disturbances could not be seen. `causes` holds the number of jobs
    by cause, the most frequent cause first.
    """

    watched: int
    disturbed: int
    unseen: int
    causes: Mapping[str, int]


@dataclass(frozen=True)
class Looks:
    """The looks at machines before their first job: how many, and how many found a quiet machine.

    `loud` holds the label and the finding of each machine that was not found quiet.
    """

    taken: int
    quiet: int
    loud: tuple[tuple[str, str], ...]


def watched_jobs(
    measured: Sequence[MeasuredJob], names: Mapping[str, str]
) -> tuple[WatchedJob, ...]:
    """Return the jobs that were watched, the disturbed ones first."""
    found = [
        WatchedJob(job, names[job.machine_key], conditions, conditions.whole)
        for job in measured
        if (conditions := job.record.conditions) is not None
    ]
    return tuple(sorted(found, key=lambda watched: not watched.is_disturbed))


def disturbances(watched: Sequence[WatchedJob]) -> Disturbances:
    """Return how many of the jobs were disturbed, and by what."""
    hit = [job.whole for job in watched if job.whole is not None and job.is_disturbed]
    causes = Counter(name for whole in hit for name in whole.cause_names)
    unseen = sum(job.whole is not None and job.whole.flag == "unknown" for job in watched)
    return Disturbances(len(watched), len(hit), unseen, dict(causes.most_common()))


def looks(shares: Sequence[Share]) -> Looks:
    """Return what was seen of each machine before its first job."""
    taken = [(share.label, share.look) for share in shares if share.look is not None]
    loud = dict.fromkeys((label, look.words) for label, look in taken if not look.quiet)
    return Looks(len(taken), sum(look.quiet is True for _, look in taken), tuple(loud))


def unseen(measured: Sequence[MeasuredJob]) -> dict[str, tuple[str, ...]]:
    """Return the sources that gave nothing, by their reason."""
    reasons: dict[str, dict[str, None]] = {}
    for job in measured:
        if job.record.conditions is not None:
            for source, reason in job.record.conditions.unknown.items():
                reasons.setdefault(reason, {})[source] = None
    return {reason: tuple(sources) for reason, sources in reasons.items()}
