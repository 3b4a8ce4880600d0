"""Which job a machine measures once more: the one that narrows the answer most per second."""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable, Iterable
from statistics import fmean

from bench.dispatch.durations import cell_of
from bench.record.lines import JobRecord
from bench.record.repeats import is_disturbed
from bench.spec.job import JobSpec

#: Noise between jobs of one cell in one sitting, as a standard deviation of log seconds, until a
#: cell has a replicate. Source: docs/statistics.md, "The formulas".
NOISE = 0.03


class Replicates:
    """The cells that one machine has measured, and the job that is worth most as a replicate.

    In a mean over cells, cell c adds s_c^2 / n_c to the variance, so one more job takes away
    s_c^2 / (n_c (n_c + 1)). The variances are moderated towards the mean one, as in the estimator:
    s_c^2 = (s^2 + SS_c) / (1 + df_c).
    """

    def __init__(self, planned: Iterable[JobSpec] = ()) -> None:
        self._times: dict[Hashable, list[tuple[float, bool]]] = {}  # log seconds, and disturbed
        self._jobs: dict[Hashable, JobSpec] = {}
        self._numbers: dict[Hashable, int] = {}
        self._spoilt: set[Hashable] = set()  # cells whose last replicate failed
        for job in planned:
            self._number(job)

    def take(self, record: JobRecord) -> None:
        """Take note of a record; a cell with a failed job is measured no more."""
        job, cell = record.job.original, cell_of(record.job)
        self._number(job)
        if record.measurement is None:
            self._spoilt.add(cell)
        else:
            log = math.log(max(record.measurement.final.total_s, 1e-9))
            self._times.setdefault(cell, []).append((log, is_disturbed(record)))
            self._jobs.setdefault(cell, job)

    def best(self, expected_s: Callable[[JobSpec], float], most_s: float) -> JobSpec | None:
        """Return the replicate that is worth most per second, None if none ends in `most_s`.

        A cell without a replicate comes first, because its noise is unknown.
        """
        worth: dict[Hashable, tuple[bool, float]] = {}
        for cell, variance in self._variances().items():
            takes_s, count = expected_s(self._jobs[cell]), len(self._kept(cell))
            if takes_s <= most_s and cell not in self._spoilt:
                drop = variance / (count * (count + 1)) / max(takes_s, 1e-9)
                worth[cell] = (count < 2, drop)
        if not worth:
            return None
        job = self._jobs[max(worth, key=lambda cell: worth[cell])]
        return job.replicate(self._numbers[_work_of(job)] + 1)

    def _number(self, job: JobSpec) -> None:
        """Keep the largest number that a repeat of the same seeded job has."""
        work = _work_of(job)
        self._numbers[work] = max(self._numbers.get(work, 0), job.repeat)

    def _kept(self, cell: Hashable) -> list[float]:
        """Return the log times that count: disturbed jobs only if the cell has no other job."""
        times = self._times[cell]
        return [log for log, disturbed in times if not disturbed] or [log for log, _ in times]

    def _variances(self) -> dict[Hashable, float]:
        squares: dict[Hashable, tuple[float, int]] = {}
        for cell in self._times:
            logs = self._kept(cell)
            mean = fmean(logs)
            squares[cell] = sum((log - mean) ** 2 for log in logs), len(logs) - 1
        freedom = sum(df for _, df in squares.values())
        common = sum(ss for ss, _ in squares.values()) / freedom if freedom else NOISE**2
        common = common or NOISE**2
        return {cell: (common + ss) / (1 + df) for cell, (ss, df) in squares.items()}


def _work_of(job: JobSpec) -> Hashable:
    return cell_of(job), job.seed
