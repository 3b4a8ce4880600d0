"""A workload with an exact amount of extra work: steps of 20 matrix products, and of a few more.

A step of 21 products takes 5% longer than one of 20, a step of 22 takes 10% longer and a step of
24 takes 20% longer, whatever the machine. `evidence.py --measure-planted` runs it.
"""

import numpy as np

import bench.workload as bench

SIZE = 512
STEPS = 10  # steps in an epoch
MEANING = "largest deviation of the product from the identity matrix"


class PlantedProducts(bench.Workload):
    """Multiplies a seeded matrix by its inverse, a stated number of times in a step."""

    description = bench.Description(
        name="planted",
        title="Matrix products with planted extra work",
        axes=(
            bench.Axis(
                "product_count", "int", 20, least=1, mark="p{}", always_marked=True, separates=True
            ),
        ),
        metrics=(bench.Metric("residual", "lower", digits=None, scored=True, meaning=MEANING),),
        grids={"quick": {"name": "quick", "subgrids": [{"product_counts": [20]}]}},
        default_epochs=3,
        packages=("numpy",),
    )

    def run_job(self, job, meter):
        """Time the products; each step makes as many as the axis says."""
        a = np.random.default_rng(job.seed).normal(size=(SIZE, SIZE)).astype(np.float32)
        b, product = np.linalg.inv(a), np.empty_like(a)
        meter.runs_on("cpu", versions={"numpy": np.__version__})
        with meter.training(lambda: {"residual": abs(product - np.eye(SIZE)).max()}):
            for _ in range(job.epochs):
                with meter.epoch() as epoch:
                    for _ in range(STEPS):
                        for _ in range(job.axes["product_count"]):
                            np.matmul(a, b, out=product)
                        epoch.step()
        flops, moved = 2 * SIZE**3 * job.axes["product_count"], 3 * a.nbytes
        meter.work(bench.WorkCount(flops=flops, bytes=moved, working_set_bytes=moved))


WORKLOAD = PlantedProducts()
