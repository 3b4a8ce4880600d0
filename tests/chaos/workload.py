"""A workload for chaos: jobs of a second without a framework, with data whose digest is checked."""

from __future__ import annotations

import hashlib
import os
import time
from dataclasses import replace
from pathlib import Path

from toy_workload import BEHAVIOURS, DESCRIPTION

from bench.child.meter import Meter
from bench.child.workload import Dataset, Workload
from bench.spec.job import JobSpec

NAME = "tests.chaos.workload:WORKLOAD"

#: The variable that names the file of the data, and what it must hold.
DATA, CONTENT = "CHAOS_DATA", b"the data of every job\n" * 100

STEPS, STEP_S = 40, 0.005


class ChaosWorkload(Workload):
    """Reads the data, behaves as the model's name says, and measures a few short steps."""

    description = replace(DESCRIPTION, name="chaos", title="Chaos")

    def dataset(self, which: str, path: str | None) -> Dataset:
        """Return the data, which are written anew if they are damaged."""
        digest = hashlib.sha256(CONTENT).hexdigest()
        return Dataset("made", digest, "made by the tests", stage=_written)

    def run_job(self, job: JobSpec, meter: Meter) -> None:
        assert meter.data_path is not None, "every job of this workload has data"
        meter.data_loaded(hashlib.sha256(meter.data_path.read_bytes()).hexdigest())
        with meter.training(lambda: {"test_accuracy": 0.5}):
            meter.tell("begun", pid=os.getpid())
            for number in range(job.epochs):
                with meter.epoch() as epoch:
                    if number == 0:
                        BEHAVIOURS[str(job.axes["model"])](meter)
                    for _ in range(STEPS):
                        time.sleep(STEP_S)
                        epoch.step()

    def estimate_s(self, job: JobSpec) -> float | None:
        """Return about how long a job takes."""
        return 2.0


def _written() -> Path:
    path = Path(os.environ[DATA])
    if not path.exists() or path.read_bytes() != CONTENT:
        temporary = path.with_suffix(".tmp")
        temporary.write_bytes(CONTENT)
        temporary.replace(path)
    return path


WORKLOAD = ChaosWorkload()
