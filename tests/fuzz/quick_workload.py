"""A workload whose jobs end at once: only their description matters."""

from __future__ import annotations

import numpy as np

from bench.workload import Axis, Description, JobSpec, Meter, Metric, Workload

GRID = {"name": "quick", "subgrids": [{"sizes": [64, 128], "dtypes": "float32", "epochs": [1, 2]}]}

#: The epochs that a job runs at most.
MOST = 2


class QuickWorkload(Workload):
    """Runs three empty steps an epoch."""

    description = Description(
        name="quick",
        title="Empty steps",
        axes=(
            Axis("size", "int", least=1, meaning="a number", always_marked=True, separates=True),
            Axis("dtype", choices=("float32", "float64"), meaning="a word"),
            Axis("fill", "float", 0.5, mark="", meaning="a number with a point"),
            Axis("in_place", "bool", False, plural="in_place", mark="in", meaning="yes or no"),
        ),
        metrics=(Metric("score", "higher", scored=True, targets=(0.5,)),),
        grids={"quick": GRID},
    )

    def run_job(self, job: JobSpec, meter: Meter) -> None:
        meter.runs_on("cpu", versions={"numpy": np.__version__})
        with meter.training(lambda: {"score": 0.9}):
            for _ in range(min(job.epochs, MOST)):
                with meter.epoch() as epoch:
                    for _ in range(3):
                        epoch.step()


WORKLOAD = QuickWorkload()
