"""A job description: one job, and how its child is started on a machine."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal

from pydantic import Field, field_validator

from bench.clock import utc_now
from bench.outside.environment import for_python, python_path
from bench.record.facts import MachineFacts
from bench.record.lines import SCHEMA_VERSION, JobRecord
from bench.spec.axes import Axis, Value
from bench.spec.description import Description
from bench.spec.frozen import Frozen
from bench.spec.job import JobSpec
from bench.spec.limits import MOST_AMOUNT, MOST_OF_JOB, MOST_THREADS
from bench.spec.privacy import Privacy
from bench.spec.variables import (
    FAMILIES,
    NEEDED_VARIABLES,
    RECORDED_VARIABLES,
    THREAD_VARIABLES,
)

#: The value of `placed_by` for jobs on the nodes of a cluster.
ON_CLUSTER = "ray cluster"


class LaunchSpec(Frozen):
    """A job description: one job, and how to run its child. It can also be run by hand."""

    schema_version: int = SCHEMA_VERSION
    run_id: str
    workload: str = Field(description="module:attribute, or the path of a Python file")
    job: JobSpec
    label: str
    data_path: str | None = Field(default=None, description="None: the workload reads no data")
    data_digest: str = Field(default="", description="digest that the data at data_path must have")
    threads: int = Field(ge=1, le=MOST_THREADS)
    niceness: int | None = Field(default=None, ge=-20, le=19)
    time_limit_s: float = Field(default=3600, gt=0, le=MOST_AMOUNT)
    attempt: int = 1
    placed_by: str = "bare"
    measure_ceilings: bool = Field(
        default=False, description="measure the machine's ceilings after the job"
    )
    only_ceilings: bool = Field(
        default=False, description="train nothing, and measure only the machine's ceilings"
    )
    expects: Literal["gpu"] | None = Field(
        default=None, description="the device that the machine was declared to have"
    )
    privacy: Privacy = Field(default_factory=Privacy)
    machine: MachineFacts | None = Field(
        default=None, description="facts that were read already; None: the child reads them"
    )

    @field_validator("job")
    @classmethod
    def _within_limits(cls, job: JobSpec) -> JobSpec:
        for name, most in MOST_OF_JOB.items():
            if (getattr(job, name) or 0) > most:
                raise ValueError(f"{name} is more than {most}")
        return job

    def record(self, **outcome: Any) -> JobRecord:
        """Return the record of this job, which ends now; `outcome` holds the other fields."""
        return JobRecord(
            run_id=self.run_id,
            job_id=self.job.job_id,
            job=self.job,
            attempt=self.attempt,
            label=self.label,
            placed_by=self.placed_by,
            ended_at=utc_now(),
            only_ceilings=self.only_ceilings,
            **outcome,
        )


def ceiling_key(job: JobSpec, axes: Sequence[Axis]) -> tuple[Value | None, ...]:
    """Return the values on which a job's ceilings depend: those of some axes, and the threads."""
    return (*(job.axes[axis.name] for axis in axes if axis.sets_ceiling), job.threads)


def first_of_each(
    jobs: Iterable[JobSpec], axes: Sequence[Axis], records: Iterable[JobRecord] = ()
) -> frozenset[str]:
    """Return the ids of the jobs that measure ceilings: one for each `ceiling_key`.

    `jobs` are in the order in which they will run; `records` are the records of a continued run.
    """
    known = {
        ceiling_key(record.job, axes)
        for record in records
        if record.measurement is not None and record.measurement.ceilings is not None
    }
    chosen: dict[tuple[Value | None, ...], str] = {}
    for job in jobs:
        key = ceiling_key(job, axes)
        if key not in known:
            chosen.setdefault(key, job.job_id)
    return frozenset(chosen.values())


def child_environment(
    parent: Mapping[str, str], launch: LaunchSpec, description: Description | None = None
) -> dict[str, str]:
    """Return the child's environment: what is known of the parent's, with explicit threads.

    Ray sets OMP_NUM_THREADS and its own RAY_ variables for its workers; they must not reach a job.
    A variable of a framework or a numerical library reaches it only if the job's record shows it.
    A job trains on one GPU. If the user chose none of several GPUs, the job gets the first. CUDA
    numbers GPUs as NVML does, so the watched GPU is the one that the job uses. On a cluster's node,
    Ray lists all GPUs in CUDA_VISIBLE_DEVICES, and the job gets the first.
    """
    kept = _inherited(parent, description)
    named = description.thread_variables if description else ()
    threads = dict.fromkeys((*THREAD_VARIABLES, *named), str(launch.threads))
    defaults = description.default_variables if description else {}
    usual = {name: kept.get(name, value) for name, value in defaults.items()}
    gpus = {"CUDA_DEVICE_ORDER": "PCI_BUS_ID"}
    stated = kept.get("CUDA_VISIBLE_DEVICES")
    if stated is not None and launch.placed_by == ON_CLUSTER:
        gpus["CUDA_VISIBLE_DEVICES"] = stated.partition(",")[0]
    elif stated is None and launch.machine is not None and len(launch.machine.gpus or ()) > 1:
        gpus["CUDA_VISIBLE_DEVICES"] = "0"
    fixed = {"PYTHONHASHSEED": "0", "PYTHONPATH": python_path(kept)}
    own = description.fixed_variables if description else {}
    return {**kept, **threads, **usual, **gpus, **fixed, **own}


def _inherited(parent: Mapping[str, str], description: Description | None) -> dict[str, str]:
    """Return the parent's variables without what would change a job unseen."""
    known, families = {*RECORDED_VARIABLES, *NEEDED_VARIABLES}, FAMILIES
    if description is not None:
        known |= {*description.recorded_variables, *description.default_variables}
        families += description.variable_families
    kept = for_python(parent)
    return {k: v for k, v in kept.items() if k in known or not k.startswith(families)}
