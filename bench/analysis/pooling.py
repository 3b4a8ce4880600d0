"""Which records are pooled: a digest of the machine and its settings, which they must share."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from bench.record.facts import MachineFacts
from bench.record.lines import JobRecord
from bench.record.measurement import Measurement
from bench.record.run import Share
from bench.spec.frozen import canonical_json


@dataclass(frozen=True)
class MeasuredJob:
    """A record that holds a measurement, with its machine's share of the run and the pooling key.

    The key is a digest of a canonical form, so it is worked out once for each record.
    """

    share: Share
    record: JobRecord
    measurement: Measurement
    machine_key: str


def measured_jobs(shares: Sequence[Share]) -> tuple[MeasuredJob, ...]:
    """Return every measured record of `shares`, in their order."""
    return tuple(
        MeasuredJob(share, record, record.measurement, machine_key(record))
        for share in shares
        for record in share.records
        if record.measurement is not None
    )


def machine_key(record: JobRecord) -> str:
    """Return the digest that records must share to be pooled.

    It covers the label, the machine, how it was set up (see `facts_key`), and the threads and
    priority that the job ran with.
    """
    threads = record.measurement.threads if record.measurement is not None else None
    settings = None if threads is None else [threads.asked, threads.niceness]
    return facts_key(record.label, record.machine, settings)


def facts_key(label: str, facts: MachineFacts, settings: Any = None) -> str:
    """Return the digest of a label, of facts and of settings; `settings` is None if nothing ran.

    The facts are the machine's identity and the parts of its setup that change its speed: versions,
    the CPUs and memory that a job may use, variables, governor, boost, GPU driver and power limits.
    """
    identity = [
        *(label, facts.machine_id, facts.kind, facts.python, facts.packages),
        *(facts.usable_cpus, facts.cpu_quota, facts.memory_limit_bytes, settings),
        *(facts.environment or None, facts.cpu_governor, facts.cpu_boost),
        *(facts.gpu_driver, [gpu.power_limit_w for gpu in facts.gpus or ()]),
    ]
    return hashlib.sha256(canonical_json(identity).encode()).hexdigest()[:16]
