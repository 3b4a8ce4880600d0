"""What this machine can run: which jobs are skipped, and why."""

from __future__ import annotations

import shutil
from collections.abc import Iterable

from bench.probe.software import version
from bench.record.lines import MachineFacts, Skip
from bench.spec.grid import GridSpec, JobSpec
from mnist_bench.backends import BACKENDS, is_installed, why_not
from mnist_bench.training import LOOPS

#: Word that stands for every backend that is installed.
ALL = "all"

#: The loop that torch.compile makes, and the programs one of which it calls.
INDUCTOR, COMPILERS = "inductor", ("g++", "clang++", "c++")

#: Least compute capability of an NVIDIA GPU that multiplies bfloat16 (Ampere).
BFLOAT16_CAPABILITY = 8.0

#: What a backend that is built for NVIDIA GPUs brings: TensorFlow and PyTorch, JAX.
GPU_PACKAGES = (
    *("nvidia-cudnn-cu12", "nvidia-cudnn-cu13"),
    *("jax-cuda12-plugin", "jax-cuda13-plugin"),
)

#: Instruction sets that multiply bfloat16 matrices (bench.probe.machine.cpu names them).
BFLOAT16_SETS = frozenset({"AVX512_BF16", "AMX_BF16", "BF16"})


def with_installed_backends(grid: GridSpec) -> GridSpec:
    """Return `grid` with `all` among its backends replaced by those that are installed."""
    installed = tuple(name for name in BACKENDS if is_installed(name))
    subgrids = tuple(
        sub.model_copy(update={"backends": installed}) if ALL in sub.backends else sub
        for sub in grid.subgrids
    )
    return grid.model_copy(update={"subgrids": subgrids})


def may_use_gpu() -> bool:
    """Say whether any backend here is built for NVIDIA GPUs, by the packages that it came with.

    Nothing is imported. A backend that was built against libraries of the system's is not known.
    """
    return any(version(name) for name in GPU_PACKAGES)


def divide(jobs: Iterable[JobSpec], facts: MachineFacts) -> tuple[list[JobSpec], list[Skip]]:
    """Return the jobs that the machine with `facts` can run, and the others with their reason."""
    able, skipped = [], []
    for job in jobs:
        reason = why_skipped(job, facts)
        if reason is None:
            able.append(job)
        else:
            skipped.append(Skip(job=job, reason=reason))
    return able, skipped


def why_skipped(job: JobSpec, facts: MachineFacts) -> str | None:
    """Return why `job` cannot run on the machine with `facts`; None where it can."""
    backends = [name for loop, name in LOOPS if loop == job.loop]
    if job.backend not in backends:
        return f"the loop {job.loop} exists for {', '.join(backends)} alone, not for {job.backend}"
    if reason := why_not(job.backend):
        return reason
    if job.loop == INDUCTOR and not any(shutil.which(name) for name in COMPILERS):
        return f"torch.compile needs a C++ compiler ({', '.join(COMPILERS)}): install one"
    if job.precision == "bfloat16" and not _multiplies_bfloat16(facts):
        return (
            "this machine has no bfloat16 arithmetic (AVX512_BF16, AMX_BF16, Arm BF16 or a GPU): "
            "a job would measure its emulation"
        )
    return None


def _multiplies_bfloat16(facts: MachineFacts) -> bool:
    capabilities = [gpu.compute_capability for gpu in facts.gpus or ()]
    has_gpu = any(float(found) >= BFLOAT16_CAPABILITY for found in capabilities if found)
    return has_gpu or bool(BFLOAT16_SETS & set(facts.instruction_sets or ()))
