"""Checks that a machine which was declared to have a GPU shows one; if not, its jobs fail."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Sequence

from bench.errors import DeviceError
from bench.outside.programs import run_to_end
from bench.record.failure import NO_GPU, REASONS

#: Seconds that the driver may take to list its GPUs.
LISTING_S = 20


def visible_gpus() -> tuple[str, ...]:
    """Return a line for each NVIDIA GPU that the driver lists."""
    tool = shutil.which("nvidia-smi")
    if tool is None:
        return ()
    try:
        listed = run_to_end([tool, "-L"], LISTING_S).out
    except (OSError, subprocess.TimeoutExpired):
        return ()
    return tuple(line for line in listed.splitlines() if line.startswith("GPU "))


def check_device(expects: str | None, gpus: Sequence[object]) -> None:
    """Raise DeviceError if a GPU is expected and `gpus`, the visible GPUs, are empty.

    The child calls this with the driver's list before it loads the framework. A workload may call
    it again with the framework's own list, which is empty in a CPU-only build.
    """
    if expects == "gpu" and not gpus:
        raise DeviceError(
            f"{NO_GPU}: the machine was declared to have one, so the job is not measured on "
            "its CPU",
            seen="no device",
            next_step=REASONS[NO_GPU].advice,
        )
