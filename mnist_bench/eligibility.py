"""What this machine can run: which jobs are skipped, and why."""

from __future__ import annotations

import shutil

from bench.probe.software import version
from bench.record.facts import MachineFacts
from mnist_bench.backends import why_not
from mnist_bench.settings import Settings
from mnist_bench.training import LOOPS

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


def may_use_gpu() -> bool:
    """Say whether any backend here is built for NVIDIA GPUs, by the packages that it came with.

    Nothing is imported. A backend that was built against libraries of the system's is not known.
    """
    return any(version(name) for name in GPU_PACKAGES)


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
            "this machine has no bfloat16 arithmetic (AVX512_BF16, AMX_BF16, Arm BF16 or a GPU): "
            "a job would measure its emulation"
        )
    return None


def _multiplies_bfloat16(facts: MachineFacts) -> bool:
    capabilities = [gpu.compute_capability for gpu in facts.gpus or ()]
    has_gpu = any(float(found) >= BFLOAT16_CAPABILITY for found in capabilities if found)
    return has_gpu or bool(BFLOAT16_SETS & set(facts.instruction_sets or ()))
