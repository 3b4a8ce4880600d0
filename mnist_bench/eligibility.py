"""Which jobs a machine can run, and why others are skipped."""

from __future__ import annotations

import shutil
from collections.abc import Mapping

from bench.child.workload import Needs
from bench.probe.software import version
from bench.record.facts import MachineFacts
from mnist_bench.backends import BACKENDS, is_installed, why_not
from mnist_bench.settings import Settings
from mnist_bench.training import LOOPS

#: The loop that uses torch.compile, and the compilers that it may call.
INDUCTOR, COMPILERS = "inductor", ("g++", "clang++", "c++")

#: Minimum compute capability of an NVIDIA GPU that multiplies bfloat16 (Ampere).
BFLOAT16_CAPABILITY = 8.0

#: Packages that come with a backend for NVIDIA GPUs (TensorFlow and PyTorch, then JAX), and the
#: oldest driver of each. Source: NVIDIA, "CUDA Compatibility", minor version compatibility.
GPU_PACKAGES: Mapping[str, str] = {
    "nvidia-cudnn-cu12": "525",
    "nvidia-cudnn-cu13": "580",
    "jax-cuda12-plugin": "525",
    "jax-cuda13-plugin": "580",
}

#: The command that installs them.
GPU_INSTALL = "make setup EXTRAS=gpu"

#: The most memory that a job of reports/example took, rounded up.
MEMORY_BYTES = 1700 * 2**20

#: Instruction sets that multiply bfloat16 matrices (named as in bench.probe.cpu).
BFLOAT16_SETS = frozenset({"AVX512_BF16", "AMX_BF16", "BF16"})


def may_use_gpu() -> bool:
    """Say whether any backend here is built for NVIDIA GPUs, by the packages that come with it.

    Nothing is imported. A backend that was built against the system's libraries is not recognised.
    """
    return bool(_gpu_drivers())


def needs() -> Needs:
    """Return what the jobs need of a machine; nothing is imported."""
    return Needs(
        memory_bytes=MEMORY_BYTES,
        gpu_driver=max(_gpu_drivers(), default=None),
        gpu_install=GPU_INSTALL,
        optional={name: row.install for name, row in BACKENDS.items() if not is_installed(name)},
    )


def _gpu_drivers() -> list[str]:
    """Return the oldest driver of each package for GPUs that is installed."""
    return [driver for name, driver in GPU_PACKAGES.items() if version(name)]


def why_skipped(settings: Settings, facts: MachineFacts) -> str | None:
    """Return why a job with `settings` cannot run on the machine with `facts`; None if it can."""
    backends = [name for loop, name in LOOPS if loop == settings.loop]
    if settings.backend not in backends:
        known = ", ".join(backends)
        return f"the loop {settings.loop} exists only for {known}, not for {settings.backend}"
    if reason := why_not(settings.backend):
        return reason
    if settings.loop == INDUCTOR and not any(shutil.which(name) for name in COMPILERS):
        return f"torch.compile needs a C++ compiler ({', '.join(COMPILERS)}): install one"
    if settings.precision == "bfloat16" and not _multiplies_bfloat16(facts):
        return (
            "this machine has no bfloat16 arithmetic (AVX512_BF16, AMX_BF16, Arm BF16 or a GPU), "
            "so a job would measure an emulation"
        )
    return None


def _multiplies_bfloat16(facts: MachineFacts) -> bool:
    capabilities = [gpu.compute_capability for gpu in facts.gpus or ()]
    has_gpu = any(float(text) >= BFLOAT16_CAPABILITY for text in capabilities if text)
    return has_gpu or bool(BFLOAT16_SETS & set(facts.instruction_sets or ()))
