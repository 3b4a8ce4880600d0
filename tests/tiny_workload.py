"""A second workload in a file of its own, with an axis of every type: only its options matter."""

from __future__ import annotations

from bench.workload import Axis, Description, JobSpec, Meter, Workload

GRID = {"name": "quick", "subgrids": [{"sizes": [64, 128], "dtypes": "float32", "epochs": 1}]}


class TinyWorkload(Workload):
    """Multiplies matrices, as far as its description goes."""

    description = Description(
        name="tiny",
        title="Matrix products",
        axes=(
            Axis("size", "int", least=1, meaning="rows of the matrices", always_marked=True),
            Axis("dtype", choices=("float32", "float64"), meaning="the type of a number"),
            Axis("fill", "float", 0.5, mark="", meaning="the value of every element"),
            Axis("in_place", "bool", False, plural="in_place", mark="in", meaning="reuse memory"),
        ),
        grids={"quick": GRID},
    )

    def run_job(self, job: JobSpec, meter: Meter) -> None:
        raise NotImplementedError


WORKLOAD = TinyWorkload()
