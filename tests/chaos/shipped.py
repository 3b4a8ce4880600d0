"""The workload of chaos, in a file of its own that a run can send to the hosts of a cluster."""

from __future__ import annotations

import hashlib
import os
import time
from pathlib import Path

from bench.workload import Axis, Dataset, Description, JobSpec, Meter, Metric, Workload

#: The variable that names the file of the data, and what it must hold.
DATA, CONTENT = "CHAOS_DATA", b"the data of every job\n" * 100

STEPS, STEP_S = 40, 0.005


class Shipped(Workload):
    """Reads the data, does what `behave` does, and measures a few short steps."""

    description = Description(
        name="chaos",
        title="Chaos",
        packages=("ray", "numpy"),
        axes=(Axis("model", always_marked=True, separates=True),),
        metrics=(Metric("test_accuracy", "higher", scored=True),),
    )

    def dataset(self, which: str, path: str | None) -> Dataset:
        """Return the data, which are written anew if they are damaged."""
        digest = hashlib.sha256(CONTENT).hexdigest()
        return Dataset("made", digest, "made by the tests", stage=_written)

    def behave(self, job: JobSpec, meter: Meter) -> None:
        """Do nothing in the first epoch."""

    def run_job(self, job: JobSpec, meter: Meter) -> None:
        assert meter.data_path is not None, "every job of this workload has data"
        meter.data_loaded(hashlib.sha256(meter.data_path.read_bytes()).hexdigest())
        with meter.training(lambda: {"test_accuracy": 0.5}):
            meter.tell("begun", pid=os.getpid())
            for number in range(job.epochs):
                with meter.epoch() as epoch:
                    if number == 0:
                        self.behave(job, meter)
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


WORKLOAD = Shipped()
