"""A job's values for the axes of this workload, as named fields."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from bench.spec.job import JobSpec


@dataclass(frozen=True)
class Settings:
    """The settings of a job; the fields are the names of this workload's axes."""

    model: str
    optimizer: str
    batch_size: int
    loop: str
    precision: str
    backend: str
    as_published: bool


def settings_of(job: JobSpec) -> Settings:
    """Return the settings of `job`. Raises TypeError if it is not a job of this workload."""
    values: dict[str, Any] = dict(job.axes)
    return Settings(**values)
