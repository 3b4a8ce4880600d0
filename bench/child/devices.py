"""Whether a machine that was declared to have a GPU shows one; if not, its jobs fail plainly."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Sequence

from bench.errors import DeviceError

#: Seconds after which a driver's listing of its GPUs counts as hung.
LISTING_S = 20


def visible_gpus() -> tuple[str, ...]:
    """Return a line for each NVIDIA GPU that the driver lists; empty where it lists none."""
    tool = shutil.which("nvidia-smi")
    if tool is None:
        return ()
    try:
        done = subprocess.run(
            [tool, "-L"], capture_output=True, text=True, timeout=LISTING_S, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return ()
    return tuple(line for line in done.stdout.splitlines() if line.startswith("GPU "))


def check_device(expects: str | None, gpus: Sequence[object]) -> None:
    """Raise DeviceError where a GPU is expected and `gpus`, as whoever looks sees them, are none.

    The child calls it with the driver's list before the framework is loaded; a workload may call
    it again with the framework's own list, which a CPU-only build leaves empty.
    """
    if expects == "gpu" and not gpus:
        raise DeviceError(
            "no GPU visible: the machine was declared to have one, and the job is not measured "
            "on its CPU instead",
            seen="no device",
            next_step="check `nvidia-smi -L` on it, and that the GPU build of the backend is there",
        )
