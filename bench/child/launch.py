"""How a job is started on a machine: its description, and the environment of its child."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Literal

from pydantic import Field

from bench.record.lines import SCHEMA_VERSION, JobRecord, MachineFacts
from bench.spec.grid import Frozen, JobSpec

#: Variables that set the number of threads, each to the number asked for.
THREAD_VARIABLES = (
    "OMP_NUM_THREADS",
    "MKL_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
    "TF_NUM_INTRAOP_THREADS",
    "TF_NUM_INTEROP_THREADS",
    "NPROC",  # XLA's pool on a CPU
)

#: Variables that change speed and that are recorded as the child saw them.
RECORDED_VARIABLES = (
    *THREAD_VARIABLES,
    "OMP_PROC_BIND",
    "OMP_PLACES",
    "OMP_WAIT_POLICY",
    "OMP_DYNAMIC",
    "GOMP_CPU_AFFINITY",
    "KMP_AFFINITY",
    "KMP_BLOCKTIME",
    "MKL_DYNAMIC",
    "MKL_ENABLE_INSTRUCTIONS",
    "TF_ENABLE_ONEDNN_OPTS",
    "ONEDNN_MAX_CPU_ISA",
    "DNNL_MAX_CPU_ISA",
    "ONEDNN_DEFAULT_FPMATH_MODE",
    "OPENBLAS_CORETYPE",
    "ATEN_CPU_CAPABILITY",
    "XLA_FLAGS",
    "TF_XLA_FLAGS",
    "CUDA_VISIBLE_DEVICES",
    "NVIDIA_VISIBLE_DEVICES",
    "CUDA_DEVICE_ORDER",
    "CUDA_MODULE_LOADING",
    "CUDA_LAUNCH_BLOCKING",
    "NVIDIA_TF32_OVERRIDE",
    "TF_FORCE_GPU_ALLOW_GROWTH",
    "TF_GPU_ALLOCATOR",
    "TF_GPU_THREAD_MODE",
    "TF_DETERMINISTIC_OPS",
    "TF_CUDNN_USE_AUTOTUNE",
    "XLA_PYTHON_CLIENT_PREALLOCATE",
    "XLA_PYTHON_CLIENT_MEM_FRACTION",
    "XLA_PYTHON_CLIENT_ALLOCATOR",
    "PYTORCH_CUDA_ALLOC_CONF",
    "PYTORCH_ALLOC_CONF",
    "JAX_PLATFORMS",
    "JAX_DEFAULT_MATMUL_PRECISION",
    "JAX_ENABLE_X64",
    "MALLOC_ARENA_MAX",
    "MALLOC_CONF",
    "GLIBC_TUNABLES",
    "LD_PRELOAD",
)


#: What places jobs on the nodes of a cluster, as `placed_by` says it.
ON_CLUSTER = "ray cluster"


class LaunchSpec(Frozen):
    """A job description: one job, and how its child is to be run. A bare child can read it too."""

    schema_version: int = SCHEMA_VERSION
    run_id: str
    workload: str = Field(description="module:attribute")
    job: JobSpec
    label: str
    data_path: str
    data_digest: str = Field(description="SHA-256 that the data at data_path must have")
    threads: int = Field(ge=1)
    niceness: int | None = None
    time_limit_s: float = Field(default=3600, gt=0)
    attempt: int = 1
    placed_by: str = "bare"
    packages: tuple[str, ...] = ()
    measure_ceilings: bool = Field(
        default=False, description="measure what the machine can do at best, after the job"
    )
    expects: Literal["gpu"] | None = Field(
        default=None, description="the device that the machine was declared to have"
    )
    show_hostnames: bool = Field(
        default=False, description="leave host names in messages of a job on a cluster's node"
    )
    machine: MachineFacts | None = Field(
        default=None, description="facts that were read already; None: the child reads them"
    )


def first_of_each(jobs: Iterable[JobSpec], records: Iterable[JobRecord] = ()) -> frozenset[str]:
    """Return the ids of the jobs that are to measure ceilings: one a backend and precision.

    `jobs` are in the order in which they will run, `records` what a run that was cut off holds.
    """
    known = {
        (record.job.backend, record.job.precision)
        for record in records
        if record.measurement is not None and record.measurement.ceilings is not None
    }
    chosen: dict[tuple[str, str], str] = {}
    for job in jobs:
        key = (job.backend, job.precision)
        if key not in known:
            chosen.setdefault(key, job.job_id)
    return frozenset(chosen.values())


def child_environment(parent: Mapping[str, str], launch: LaunchSpec) -> dict[str, str]:
    """Return the child's environment: the parent's, less Ray's additions, with explicit threads.

    Ray sets OMP_NUM_THREADS and its own RAY_ variables for its workers; none of it may reach a job.
    A job trains on one GPU: of several it is given the first unless the user chose, and CUDA
    numbers them as NVML does, so that what is watched is what the job uses. On a cluster's node
    the list is Ray's, which hands out all of them.
    """
    kept = {key: value for key, value in parent.items() if not key.startswith("RAY_")}
    threads = dict.fromkeys(THREAD_VARIABLES, str(launch.threads))
    fixed = {"PYTHONHASHSEED": "0", "TF_CPP_MIN_LOG_LEVEL": kept.get("TF_CPP_MIN_LOG_LEVEL", "2")}
    gpus = {"CUDA_DEVICE_ORDER": "PCI_BUS_ID"}
    stated = kept.get("CUDA_VISIBLE_DEVICES")
    if stated is not None and launch.placed_by == ON_CLUSTER:
        gpus["CUDA_VISIBLE_DEVICES"] = stated.partition(",")[0]
    elif stated is None and launch.machine is not None and len(launch.machine.gpus or ()) > 1:
        gpus["CUDA_VISIBLE_DEVICES"] = "0"
    return {**kept, **threads, **fixed, **gpus, "PYTHONPATH": _python_path(kept)}


def _python_path(environment: Mapping[str, str]) -> str:
    """Put the folder of this package first, so that a child of a source tree finds it."""
    here = str(Path(__file__).resolve().parents[2])
    rest = environment.get("PYTHONPATH")
    return f"{here}:{rest}" if rest else here
