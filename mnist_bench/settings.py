"""A job's values for the axes of this workload, each under its own name."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from bench.spec.job import JobSpec


@dataclass(frozen=True)
class Settings:
    """What a job asks of this workload; the fields are the names of its axes."""

    model: str
    optimizer: str
    batch_size: int
    loop: str
    precision: str
    backend: str
    as_published: bool


def settings_of(job: JobSpec) -> Settings:
    """Return the values of `job`. Raises TypeError if the job is not one of this workload."""
    values: dict[str, Any] = dict(job.axes)
    return Settings(**values)
