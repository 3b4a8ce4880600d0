"""Which records are one machine's: the digest that they must share to be pooled."""

from __future__ import annotations

import hashlib
from typing import Any

from bench.record.facts import MachineFacts
from bench.record.lines import JobRecord
from bench.spec.frozen import canonical_json


def machine_key(record: JobRecord) -> str:
    """Return the digest that records must share to be pooled.

    It covers the label, the machine, how it was set up (see `facts_key`), and the threads and
    priority that the job ran with.
    """
    threads = record.measurement.threads if record.measurement is not None else None
    settings = None if threads is None else [threads.asked, threads.niceness]
    return facts_key(record.label, record.machine, settings)


def facts_key(label: str, facts: MachineFacts, settings: Any = None) -> str:
    """Return the digest of a label, the pooled facts, and settings; None where nothing ran.

    The facts are the machine and what changes its speed without making it another one: versions,
    what a job may use of it, variables, governor, boost, GPU driver and power limits.
    """
    identity = [
        *(label, facts.machine_id, facts.kind, facts.python, facts.packages),
        *(facts.usable_cpus, facts.cpu_quota, facts.memory_limit_bytes, settings),
        *(facts.environment or None, facts.cpu_governor, facts.cpu_boost),
        *(facts.gpu_driver, [gpu.power_limit_w for gpu in facts.gpus or ()]),
    ]
    return hashlib.sha256(canonical_json(identity).encode()).hexdigest()[:16]
