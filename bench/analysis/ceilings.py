"""The ceilings of machines: what each kind of job reached there, and the best of all kinds.

A kind is a value for each pooled axis, such as a library. Its ceilings are those of one machine,
one device and one value for each other axis that sets ceilings, such as a precision; a machine's
key covers the number of threads.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from bench.analysis.cells import Group, axis_value, ceiling_axes, pooled_axes
from bench.analysis.pooling import MeasuredJob
from bench.record.ceilings import Ceilings, CopyRate
from bench.record.lines import JobRecord
from bench.record.measurement import ThreadFacts
from bench.spec.axes import Value
from bench.spec.description import Outline

#: Values of axes that set ceilings.
Values = tuple[Value | None, ...]

#: A machine's key, a device, and the values of the axes that are not pooled.
Place = tuple[str, str, Values]


@dataclass(frozen=True, slots=True)
class Ceiling:
    """The highest rate of a machine, the kind that reached it, and the highest of a job's own kind.

    `own` is None if it was not measured.
    """

    per_s: float
    by: Values
    own: float | None

    def own_share(self, share: float) -> float | None:
        """Return what a share of this ceiling is of the own one."""
        return None if self.own is None else share * (self.per_s / self.own)


@dataclass(frozen=True)
class MachineCeilings:
    """The best ceilings of every kind, by place.

    `disturbed` holds the keys of the machines on which the ceilings of a kind were measured only in
    disturbed jobs, so that the machine's may be higher.
    """

    outline: Outline
    by_place: Mapping[Place, Mapping[Values, Ceilings]] = field(default_factory=dict)
    disturbed: frozenset[str] = frozenset()

    def of(
        self, group: Group, device: str, working_set_bytes: int
    ) -> tuple[Ceiling, Ceiling] | None:
        """Return the ceilings of a group's jobs: of arithmetic, and of memory for a working set.

        None if none were measured.
        """
        kept, own = (
            tuple(group.cell.value(axis.name) for axis in axes)
            for axes in (ceiling_axes(self.outline), pooled_axes(self.outline))
        )
        kinds = self.by_place.get((group.machine_key, device, kept))
        if kinds is None:
            return None
        flops = {kind: found.flops_per_s for kind, found in kinds.items()}
        copied = {kind: found.bytes_per_s(working_set_bytes) for kind, found in kinds.items()}
        return _highest(flops, own), _highest(copied, own)


def _highest(rates: Mapping[Values, float], own: Values) -> Ceiling:
    by = max(rates, key=lambda kind: rates[kind])
    return Ceiling(rates[by], by, rates.get(own))


@dataclass(frozen=True, slots=True)
class _Found:
    """Ceilings that one job measured."""

    machine_key: str
    device: str
    record: JobRecord
    ceilings: Ceilings

    @property
    def flag(self) -> str | None:
        """Whether the job was disturbed; None if it was not watched."""
        conditions = self.record.conditions
        whole = None if conditions is None else conditions.whole
        return None if whole is None else whole.flag


def machine_ceilings(measured: Sequence[MeasuredJob], outline: Outline) -> MachineCeilings:
    """Return the ceilings of each machine over all its jobs."""
    found: dict[Place, dict[Values, list[Ceilings]]] = {}
    flags: dict[tuple[Place, Values], set[str | None]] = {}
    for one in (*_beside_jobs(measured), *_alone(measured)):
        kept, kind = (
            tuple(axis_value(one.record.job, axis) for axis in axes)
            for axes in (ceiling_axes(outline), pooled_axes(outline))
        )
        place = (one.machine_key, one.device, kept)
        found.setdefault(place, {}).setdefault(kind, []).append(one.ceilings)
        flags.setdefault((place, kind), set()).add(one.flag)
    return MachineCeilings(
        outline,
        by_place={
            place: {kind: _best(several) for kind, several in kinds.items()}
            for place, kinds in found.items()
        },
        disturbed=frozenset(key for ((key, *_), _), seen in flags.items() if seen == {"disturbed"}),
    )


def _beside_jobs(measured: Sequence[MeasuredJob]) -> Iterator[_Found]:
    """Yield the ceilings that jobs measured after their training."""
    for job in measured:
        own = job.measurement
        if own.ceilings is not None:
            yield _Found(job.machine_key, own.device, job.record, own.ceilings)


def _alone(measured: Sequence[MeasuredJob]) -> Iterator[_Found]:
    """Yield the ceilings of the jobs that measured nothing else.

    They are of the machine whose jobs in the same run had the same threads and priority.
    """
    keys = {
        (job.share.label, job.share.header.run_id, *_settings(job.measurement.threads)): (
            job.machine_key
        )
        for job in measured
    }
    shares = {(job.share.label, job.share.header.run_id): job.share for job in measured}
    for at, share in shares.items():
        for record in share.ceiling_records:
            bare = record.ceilings
            if bare is not None and (key := keys.get((*at, *_settings(bare.threads)))):
                yield _Found(key, bare.device, record, bare.ceilings)


def _settings(threads: ThreadFacts) -> tuple[int, int | None]:
    return threads.asked, threads.niceness


def _best(several: Sequence[Ceilings]) -> Ceilings:
    best: dict[int, CopyRate] = {}
    for rate in (rate for ceilings in several for rate in ceilings.copy_rates):
        known = best.setdefault(rate.size_bytes, rate)
        best[rate.size_bytes] = max(known, rate, key=lambda each: each.bytes_per_s)
    return Ceilings(
        matmul=tuple(rate for ceilings in several for rate in ceilings.matmul),
        copy_rates=tuple(best.values()),
        took_s=sum(ceilings.took_s for ceilings in several),
    )
