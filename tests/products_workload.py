"""A workload for tests that computes: matrix products on every thread that a job has.

Unlike examples/matmul.py it measures no ceilings, which would take longer than its jobs.
"""

from __future__ import annotations

import time

import numpy as np

from bench.workload import Axis, Description, JobSpec, Meter, Workload

STEPS = 50


class Products(Workload):
    """Multiplies a matrix by itself; an epoch takes a second or two on one thread.

    With `rest_s`, a job pauses after each step, so that it lasts long without much work.
    """

    description = Description(
        name="products",
        title="Products",
        axes=(
            Axis("size", "int", 1024, least=1, always_marked=True, separates=True),
            Axis("rest_s", "float", 0.0, plural="rest_s", mark="rest", meaning="pause of a step"),
        ),
        grids={"quick": {"name": "quick", "subgrids": [{"seeds": 1}]}},
        default_epochs=2,
        packages=("numpy",),
    )

    def estimate_s(self, job: JobSpec) -> float | None:
        """Return about how long a job takes."""
        return 3.0

    def run_job(self, job: JobSpec, meter: Meter) -> None:
        size = int(str(job.axes["size"]))
        rest_s = float(str(job.axes["rest_s"]))
        matrix = np.random.default_rng(job.seed).normal(size=(size, size)).astype(np.float32)
        product = np.empty_like(matrix)
        meter.digest("initial_weights", [matrix])
        with meter.training():
            for _ in range(job.epochs):
                with meter.epoch() as epoch:
                    for _ in range(STEPS):
                        np.matmul(matrix, matrix, out=product)
                        time.sleep(rest_s)
                        epoch.step()


WORKLOAD = Products()
