"""Which records are pooled: a digest of the machine and its settings, which they must share."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from bench.analysis.cells import Cell, cell_of
from bench.analysis.warmup import steady_figures
from bench.probe.instruction_sets import named_instruction_sets
from bench.record.facts import MachineFacts
from bench.record.lines import JobRecord
from bench.record.measurement import Measurement
from bench.record.share import Share
from bench.spec.description import Outline
from bench.spec.frozen import canonical_json, digest_of


@dataclass(frozen=True)
class MeasuredJob:
    """A record that holds a measurement, with its machine's share of the run and the pooling key.

    The key is a digest of a canonical form, so it is worked out once for each record.
    """

    share: Share
    record: JobRecord
    measurement: Measurement
    machine_key: str

    @cached_property
    def steady(self) -> Mapping[str, Any]:
        """The figures of the steady steps and epochs of the whole job (see `steady_figures`)."""
        last = self.measurement.final.epochs
        epochs = [epoch for epoch in self.measurement.epochs if epoch.epoch <= last]
        return steady_figures(self.measurement, epochs)

    def cell(self, outline: Outline, epochs: int | None = None) -> Cell:
        """Return the cell of the job after so many epochs, or of the whole job."""
        last, digest = self.measurement.final.epochs, self.measurement.digests.data
        return cell_of(self.record.job, last if epochs is None else epochs, digest, outline)

    def pooled_as(self, machine_key: str) -> MeasuredJob:
        """Return this job as one of another pool."""
        job = replace(self, machine_key=machine_key)
        job.__dict__["steady"] = self.steady  # the same measurement has the same figures
        return job


#: The parts of a CPU that change its speed, as `telling_facts` returns them.
Telling = tuple[Any, ...]


def measured_jobs(shares: Sequence[Share]) -> tuple[MeasuredJob, ...]:
    """Return every measured record of `shares`, in their order.

    An older journal may lack one of the CPU's telling facts. If only one CPU of the same machine
    agrees with all that is known, the record is pooled with that CPU.
    """
    found = [
        (share, record, record.measurement, _alike(record))
        for share in shares
        for record in share.records
        if record.measurement is not None
    ]
    told: dict[tuple[Hashable, ...], tuple[str, Telling]] = {}
    for _, record, _, alike in found:
        if alike not in told:  # records share the facts of their machine
            told[alike] = _identity(record), telling_facts(record.machine)
    known: dict[str, dict[str, Telling]] = {}
    for identity, telling in told.values():
        known.setdefault(identity, {})[canonical_json(telling)] = telling
    keys = {
        alike: _digest([identity, completed(telling, known[identity])])
        for alike, (identity, telling) in told.items()
    }
    return tuple(
        MeasuredJob(share, record, measurement, keys[alike])
        for share, record, measurement, alike in found
    )


def facts_key(label: str, facts: MachineFacts, settings: Any = None) -> str:
    """Return the digest of a label, of facts and of settings; `settings` is None if nothing ran.

    The facts are the machine's identity and the parts of its setup that change its speed: versions,
    the CPUs and memory that a job may use, variables, governor, boost, GPU driver, power limits,
    and the CPU's telling facts, because one id may cover hosts of unlike CPUs.
    """
    return _digest([_setup(label, facts, settings), telling_facts(facts)])


def telling_facts(facts: MachineFacts) -> Telling:
    """Return the design, the instruction sets and the caches of a CPU; None is unknown.

    The instruction sets are named anew from the flags, so a longer table of sets splits no machine.
    """
    sets = facts.instruction_sets
    if facts.cpu_flags is not None:
        sets = named_instruction_sets(facts.cpu_flags)
    return (
        facts.microarchitecture,
        facts.cpu_signature,
        None if sets is None else list(sets),
        facts.caches_bytes,
    )


def completed(telling: Telling, known: Mapping[str, Telling]) -> Telling:
    """Return the one CPU of `known` that agrees with `telling` and is known best.

    If unlike CPUs agree with it, it remains as it is.
    """
    alike = [other for other in known.values() if _agrees(telling, other)]
    best = [one for one in alike if not any(_agrees(one, other) for other in alike if other != one)]
    return best[0] if len(best) == 1 else telling


def _agrees(telling: Telling, other: Telling) -> bool:
    """Say whether `other` states all that is known of `telling`."""
    pairs = zip(telling, other, strict=True)
    return all(own is None or own == theirs for own, theirs in pairs)


def _alike(record: JobRecord) -> tuple[Hashable, ...]:
    """Return what two records have in common if their digests surely agree."""
    threads = record.measurement.threads if record.measurement is not None else None
    settings = threads and (threads.asked, threads.niceness)
    return record.label, id(record.machine), settings


def _identity(record: JobRecord) -> str:
    """Return what records must share beside the CPU's telling facts.

    It covers the label, the machine, how it was set up (see `facts_key`), and the threads and
    priority that the job ran with.
    """
    threads = record.measurement.threads if record.measurement is not None else None
    settings = None if threads is None else [threads.asked, threads.niceness]
    return _setup(record.label, record.machine, settings)


def _setup(label: str, facts: MachineFacts, settings: Any) -> str:
    return _digest(
        [
            *(label, facts.machine_id, facts.kind, facts.python, facts.packages),
            *(facts.usable_cpus, facts.cpu_quota, facts.memory_limit_bytes, settings),
            *(facts.environment or None, facts.cpu_governor, facts.cpu_boost),
            *(facts.gpu_driver, [gpu.power_limit_w for gpu in facts.gpus or ()]),
        ]
    )


def _digest(value: Any) -> str:
    return digest_of(value)[:16]
