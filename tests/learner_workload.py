"""A workload for tests that really learns: logistic regression in NumPy, some milliseconds a job.

`LEARNER.fault` plants what a broken machine would do: it computes fast, but not the same job.
"""

from __future__ import annotations

import numpy as np

from bench.child.meter import Meter
from bench.child.workload import Workload
from bench.spec.axes import Axis, Metric
from bench.spec.description import Description
from bench.spec.job import JobSpec

NAME = "learner_workload:LEARNER"
SAMPLES, FEATURES, BATCH, RATE = 2000, 20, 50, 0.02

DESCRIPTION = Description(
    name="learner",
    title="Logistic regression",
    axes=(Axis("model", default="logistic", always_marked=True, separates=True),),
    metrics=(
        Metric("loss", "lower", "both"),
        Metric("accuracy", "higher", scored=True),
    ),
)


class Learner(Workload):
    """Trains on one set of points; the seed draws the first weights and the batches."""

    description = DESCRIPTION
    fault: str | None = None

    def run_job(self, job: JobSpec, meter: Meter) -> None:
        points = np.random.default_rng(0)
        x = points.normal(size=(SAMPLES, FEATURES))
        noise = points.normal(size=SAMPLES)
        y = (x @ points.normal(size=FEATURES) + noise > 0).astype(float)
        draws = np.random.default_rng(job.seed)
        weights = draws.normal(size=FEATURES, scale=0.05)
        rate = {"wrong rate": 5 * RATE, "diverges": np.inf}.get(self.fault or "", RATE)

        def figures() -> dict[str, float]:
            scores = x @ weights
            return {
                "loss": float(np.logaddexp(0, -np.where(y > 0, scores, -scores)).mean()),
                "accuracy": float(((scores > 0) == (y > 0)).mean()),
            }

        with meter.training(figures, lambda: [weights]):
            for _ in range(job.epochs):
                with meter.epoch() as epoch:
                    order = draws.permutation(SAMPLES).reshape(-1, BATCH)
                    for number, batch in enumerate(order):
                        given = 1 / (1 + np.exp(-(x[batch] @ weights)))
                        slope = x[batch].T @ (given - y[batch]) / BATCH
                        if self.fault != "skips updates" or number % 2:
                            weights -= rate * slope
                        epoch.step()
                    epoch.report(loss=figures()["loss"])


LEARNER = Learner()
