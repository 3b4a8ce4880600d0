"""Whether equal jobs were equal work: repeats on one machine, and the jobs that two machines share.

Machines are not compared in all pairs: one machine, which shares jobs with the most others, stands
for all of them, so 40 machines give 39 comparisons.
"""

from __future__ import annotations

import enum
import functools
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from bench.analysis.cells import Cell, column_axes
from bench.analysis.differences import Difference, lasting_differences, setup_of
from bench.analysis.equal_work import Ran, by_work, counterparts
from bench.analysis.machines import Machine
from bench.analysis.pooling import MeasuredJob
from bench.analysis.same_curves import (
    CurveGap,
    curve_gap,
    curve_metric,
    tolerance_of,
)
from bench.analysis.telling import Subject
from bench.spec.axes import Agreement, Metric, Value
from bench.spec.description import Outline

#: What may change the bits of a result, most telling first. Clock, memory and load do not.
NUMERIC: tuple[Subject, ...] = (
    *("device", "GPU", "instruction sets", "threads", "versions", "variables", "CPU"),
)

#: How a job is computed: pairs of an axis's name and its value.
Ways = tuple[tuple[str, Value | None], ...]


class Equality(enum.Enum):
    """How equal the jobs in common were, the worst answer first."""

    OTHER_DATA = "other data"
    OTHER_START = "other start"
    PARTED = "parted"
    WITHIN = "within tolerance"
    UNKNOWN = "unknown"
    IDENTICAL = "identical"


@dataclass(frozen=True)
class Alike:
    """In how many jobs a digest is the same, of those jobs in which all records state it."""

    same: int
    told: int


@dataclass(frozen=True)
class WorstGap:
    """The job whose curves lie farthest apart, and how far."""

    cell: Cell
    seed: int
    gap: CurveGap


@dataclass(frozen=True)
class SameJobs:
    """How equal the jobs were that two machines measured in common, or that one repeated.

    If `second` is None, the jobs are repeats on one machine. `jobs` counts cells and seeds.
    `worst` is the job that exceeds its tolerance most, `first_parted` the first epoch at which the
    curves of any job part. `unlike` counts the jobs whose final weights differ, by how they are
    computed. `differences` holds what may explain a difference, most telling first.
    """

    first: str
    second: str | None
    jobs: int
    data: Alike
    initial_weights: Alike
    batch_order: Alike
    final_weights: Alike
    worst: WorstGap | None
    first_parted: int | None
    parted: int
    judged: int
    unlike: Mapping[Ways, int]
    told: Mapping[Ways, int]
    differences: tuple[Difference, ...]

    @property
    def equality(self) -> Equality:
        """How equal the jobs in common were."""
        starts = (self.initial_weights, self.batch_order)
        if self.data.same < self.data.told:
            return Equality.OTHER_DATA
        if any(one.same < one.told for one in starts):
            return Equality.OTHER_START
        if self.parted:
            return Equality.PARTED
        if self.final_weights.same == self.final_weights.told == self.jobs:
            return Equality.IDENTICAL
        return Equality.WITHIN if self.judged == self.jobs else Equality.UNKNOWN


def same_jobs(
    measured: Sequence[MeasuredJob],
    machines: Sequence[Machine],
    outline: Outline,
    agreements: Sequence[Agreement] = (),
) -> tuple[SameJobs, ...]:
    """Return the repeats of each machine, then each machine against the one that stands for all."""
    metric = curve_metric(outline, agreements)
    done = by_work(machines, measured, outline, metric)
    names = {machine.key: machine.name for machine in machines}
    compare = _Compare(outline, agreements, metric)
    repeats = (
        compare.jobs(names[key], None, [(records[:1], records[1:]) for records in again])
        for key, works in done.items()
        if (again := [records for records in works.values() if len(records) > 1])
    )
    pairs = (
        compare.jobs(
            names[first],
            names[second],
            [
                (done[first][work], done[second][work])
                for work in done[first]
                if work in done[second]
            ],
        )
        for first, second in counterparts({key: set(works) for key, works in done.items()})
    )
    return (*repeats, *pairs)


@functools.lru_cache(maxsize=2**14)
def ways_of(cell: Cell, outline: Outline) -> Ways:
    """Return how the jobs of a cell are computed, such as by which backend and loop."""
    axes = (axis for axis in column_axes(outline) if not axis.is_batch)
    return tuple((axis.name, cell.value(axis.name)) for axis in axes)


@dataclass(frozen=True)
class _Compare:
    """Compares records of equal work, given how far they may lie apart."""

    outline: Outline
    agreements: Sequence[Agreement]
    metric: Metric | None

    def jobs(
        self,
        first: str,
        second: str | None,
        pairs: Sequence[tuple[Sequence[Ran], Sequence[Ran]]],
    ) -> SameJobs:
        """Compare the records of each pair: those of one machine with those of the other."""
        gaps = [self._worst(ours, theirs) for ours, theirs in pairs]
        known = [gap for gap in gaps if gap is not None]
        parted = [one.gap.parted for one in known if one.gap.parted is not None]
        digests = [
            [set(found) for found in zip(*(one.digests for one in (*ours, *theirs)), strict=True)]
            for ours, theirs in pairs
        ]
        data, initial_weights, batch_order, final_weights = zip(*digests, strict=True)
        ours, theirs = ([ran.job for pair in pairs for ran in pair[side]] for side in (0, 1))
        unlike, told = self._ways([ours[0].cell for ours, _ in pairs], final_weights)
        between = lasting_differences(setup_of(ours), setup_of(theirs))
        return SameJobs(
            first=first,
            second=second,
            jobs=len(pairs),
            data=_alike(data),
            initial_weights=_alike(initial_weights),
            batch_order=_alike(batch_order),
            final_weights=_alike(final_weights),
            worst=max(known, key=_excess, default=None),
            first_parted=min(parted, default=None),
            parted=len(parted),
            judged=sum(one.gap.tolerance is not None for one in known),
            unlike=unlike,
            told=told,
            differences=tuple(
                sorted(
                    (one for one in between if one.subject in NUMERIC),
                    key=lambda one: NUMERIC.index(one.subject),
                )
            ),
        )

    def _worst(self, ours: Sequence[Ran], theirs: Sequence[Ran]) -> WorstGap | None:
        """Return the largest gap between the first record of one side and those of the other.

        None if the data differ, because unlike data are never compared.
        """
        first, metric = ours[0], self.metric
        if metric is None:
            return None
        gaps, axes = [], dict(first.cell.axes)
        for other in theirs:
            if first.digests[0] != other.digests[0]:
                return None
            devices = (first.device, other.device)
            within = tolerance_of(metric.name, axes, devices, self.agreements)
            if (gap := curve_gap(first.curve, other.curve, metric.name, within)) is not None:
                gaps.append(WorstGap(first.cell, first.job.record.job.seed, gap))
        return max(gaps, key=_excess, default=None)

    def _ways(
        self, cells: Iterable[Cell], final_weights: Iterable[set[str | None]]
    ) -> tuple[dict[Ways, int], dict[Ways, int]]:
        """Return how many jobs ended with unlike weights, and how many tell, by computation."""
        unlike: dict[Ways, int] = {}
        told: dict[Ways, int] = {}
        for cell, digests in zip(cells, final_weights, strict=True):
            if None not in digests:
                ways = ways_of(cell, self.outline)
                told[ways] = told.get(ways, 0) + 1
                if len(digests) > 1:
                    unlike[ways] = unlike.get(ways, 0) + 1
        return unlike, told


def _excess(worst: WorstGap) -> tuple[float, float]:
    """Return the gap in tolerances, then the gap itself; a gap without a tolerance comes last."""
    gap = worst.gap
    return (0.0 if not gap.tolerance else gap.greatest / gap.tolerance, gap.greatest)


def _alike(digests: Iterable[set[str | None]]) -> Alike:
    """Return in how many jobs a digest is the same, given the digests of each job's records."""
    told = [found for found in digests if None not in found]
    return Alike(sum(len(found) == 1 for found in told), len(told))
