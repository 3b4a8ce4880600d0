"""The protocol that a workload fulfils, and how the child finds it by name."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from bench.errors import RequestError
from bench.record.lines import Measurement
from bench.spec.grid import JobSpec


@dataclass(frozen=True)
class JobContext:
    """What the child gives a workload: where its data are, its threads, and whom to tell.

    `emit` takes a progress event (a small JSON-able mapping); `resident_bytes` and `cpu_s` read
    this process's own memory and CPU seconds. `measure_ceilings` asks for the machine's own
    ceilings after the job. Where `expects` is "gpu" a workload calls
    `bench.child.devices.check_device` with the GPUs that its framework sees, before it measures.
    """

    data_path: str
    data_digest: str
    threads: int
    environment: Mapping[str, str | None]
    niceness_asked: int | None
    started_s: float
    emit: Callable[[Mapping[str, Any]], None]
    resident_bytes: Callable[[], int | None]
    peak_bytes: Callable[[], tuple[int | None, str | None]]
    cpu_s: Callable[[], float]
    measure_ceilings: bool = False
    gpu_peak_bytes: Callable[[str], tuple[int | None, str | None]] = lambda name: (None, None)
    expects: str | None = None


class Workload(Protocol):
    """Something that can run a job in this process."""

    def run_job(self, job: JobSpec, context: JobContext) -> Measurement:
        """Run `job` and return what it measured; any exception becomes a failure record."""


def load_workload(name: str) -> Workload:
    """Return the workload that `package.module:attribute` names.

    Raises RequestError where there is none.
    """
    module, _, attribute = name.partition(":")
    try:
        return getattr(importlib.import_module(module), attribute)
    except (ImportError, AttributeError, ValueError) as error:
        raise RequestError(
            "the workload cannot be imported", seen=f"{name}: {error}", next_step="use module:name"
        ) from error
