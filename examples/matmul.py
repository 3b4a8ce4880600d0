"""NumPy matrix products: a workload in one file.

mnist-bench run --workload examples/matmul.py --grid quick
"""

import numpy as np

import bench.workload as bench

STEPS = 50  # products in an epoch
DTYPES = ("float32", "float64")
MEANING = "largest deviation of the product from the identity matrix"


class MatrixProducts(bench.Workload):
    """Multiplies a seeded matrix by its inverse, again and again, and checks the product."""

    description = bench.Description(
        name="matmul",
        title="NumPy matrix products",
        axes=(
            bench.Axis("size", "int", 512, least=1, mark="n{}", always_marked=True, separates=True),
            bench.Axis("dtype", default="float32", choices=DTYPES, sets_ceiling=True),
        ),
        metrics=(bench.Metric("residual", "lower", digits=None, scored=True, meaning=MEANING),),
        grids={"quick": {"name": "quick", "subgrids": [{"sizes": [256, 512], "seeds": [1, 2, 3]}]}},
        default_epochs=3,
        packages=("numpy",),
    )

    def run_job(self, job, meter):
        """Time the products; each epoch is STEPS of them."""
        size = job.axes["size"]
        a = np.random.default_rng(job.seed).normal(size=(size, size)).astype(job.axes["dtype"])
        b, product = np.linalg.inv(a), np.empty_like(a)
        meter.runs_on("cpu", versions={"numpy": np.__version__})
        meter.digest("initial_weights", [a])
        with meter.training(lambda: {"residual": abs(product - np.eye(size)).max()}):
            for _ in range(job.epochs):
                with meter.epoch() as epoch:
                    for _ in range(STEPS):
                        np.matmul(a, b, out=product)
                        epoch.step()
        moved = 3 * a.nbytes
        meter.work(bench.WorkCount(flops=2 * size**3, bytes=moved, working_set_bytes=moved))
        meter.ceilings_by(bench.Operations(lambda n: _product(n, a.dtype), _copy))


def _product(size, dtype):
    a, product = np.ones((size, size), dtype), np.empty((size, size), dtype)
    return lambda: np.matmul(a, a, out=product)


def _copy(size_bytes):
    source, target = np.zeros(size_bytes, np.uint8), np.empty(size_bytes, np.uint8)
    return lambda: np.copyto(target, source)


WORKLOAD = MatrixProducts()
