"""A workload for tests whose ceilings depend on a type and on a library, which is pooled.

A child finds it as `ceilings_workload:WORKLOAD`. Its products and copies sleep.
"""

from __future__ import annotations

import functools
import time
from typing import Any

from bench.child.ceilings import Operations
from bench.child.meter import Meter
from bench.child.workload import Workload
from bench.record.facts import MachineFacts
from bench.spec.axes import Axis
from bench.spec.description import Description
from bench.spec.job import JobSpec, make_job

NAME = "ceilings_workload:WORKLOAD"

#: Seconds of a product and a copy: above a twentieth, so that only the smallest sizes are tried.
PRODUCT_S = {"plain": 0.08, "quick": 0.055, "broken": 0.06}

#: About what a job is said to take, so that jobs for ceilings are a small part of a run.
JOB_S = 1000.0

AXES = (
    Axis("size", "int", mark="n{}", always_marked=True),
    Axis("dtype", default="float32", choices=("float32", "float64"), sets_ceiling=True),
    Axis(
        "library",
        default="plain",
        choices=(*PRODUCT_S, "absent"),
        sets_ceiling=True,
        pools_ceiling=True,
        available=lambda: tuple(PRODUCT_S),
    ),
    Axis("order", default="rows", choices=("rows", "columns")),
)


class Libraries(Workload):
    """Sleeps in place of products; the library `broken` cannot be loaded."""

    description = Description("libraries", "Libraries", AXES, packages=("numpy",))

    def run_job(self, job: JobSpec, meter: Meter) -> None:
        operations = self.bare_operations(job, meter)
        with meter.training():
            for _ in range(job.epochs):
                with meter.epoch() as epoch:
                    for _ in range(3):
                        time.sleep(0.002)
                        epoch.step()
        meter.ceilings_by(operations)

    def bare_operations(self, job: JobSpec, meter: Meter) -> Operations:
        name = str(job.axes["library"])
        if name == "broken":
            raise ImportError("no such symbol\nin its second line")
        meter.runs_on("cpu", versions={name: "1.0"}, threads=(meter.threads, 1))
        sleep = functools.partial(time.sleep, PRODUCT_S[name])
        return Operations(lambda size: sleep, lambda size: sleep)

    def why_skipped(self, job: JobSpec, facts: MachineFacts) -> str | None:
        quick64 = (job.axes["library"], job.axes["dtype"]) == ("quick", "float64")
        return "quick knows no float64" if quick64 else None

    def estimate_s(self, job: JobSpec) -> float:
        return JOB_S


def a_library_job(**changes: Any) -> JobSpec:
    """Return a job; `changes` are values of axes, or `seed` and `threads`."""
    named = {axis.name for axis in AXES}
    values = {key: value for key, value in changes.items() if key in named}
    rest = {key: value for key, value in changes.items() if key not in named}
    return make_job(AXES, {"size": 8, **values}, **{"epochs": 1, "seed": 1, **rest})


WORKLOAD = Libraries()
