"""GPU facts, from NVIDIA's management library."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import bench.probe.nvml as nvml
from bench.facts import GpuFacts
from bench.probe.fact import Absent, Fact
from bench.probe.identity import salted

TITLE = "GPUs"

#: Each fact of a GPU and how it is read; NVML gives milliwatts, MHz and MiB-less bytes.
GPU_FACTS: tuple[tuple[str, Callable[[Any, Any], Any]], ...] = (
    ("model", lambda n, h: nvml.words(n.nvmlDeviceGetName(h))),
    ("uuid_hash", lambda n, h: salted(nvml.words(n.nvmlDeviceGetUUID(h)))),
    ("memory_total_bytes", lambda n, h: int(n.nvmlDeviceGetMemoryInfo(h).total)),
    ("power_limit_w", lambda n, h: n.nvmlDeviceGetEnforcedPowerLimit(h) / 1e3),
    (
        "compute_capability",
        lambda n, h: "{}.{}".format(*n.nvmlDeviceGetCudaComputeCapability(h)),
    ),
    ("mig", lambda n, h: n.nvmlDeviceGetMigMode(h)[0] == 1),
    ("sm_clock_max_hz", lambda n, h: n.nvmlDeviceGetMaxClockInfo(h, n.NVML_CLOCK_SM) * 1e6),
    ("memory_clock_max_hz", lambda n, h: n.nvmlDeviceGetMaxClockInfo(h, n.NVML_CLOCK_MEM) * 1e6),
)


def gpus() -> tuple[GpuFacts, ...]:
    """Return the facts of every GPU that this process may see. Raises Absent where NVML is not."""
    with nvml.session() as pynvml:
        found = tuple(_one(pynvml, index, h) for index, h in enumerate(nvml.handles(pynvml)))
    if not found:
        raise Absent("the NVIDIA driver shows this process no GPU")
    return found


def driver() -> str:
    """Return the version of NVIDIA's driver."""
    with nvml.session() as pynvml:
        return nvml.words(pynvml.nvmlSystemGetDriverVersion())


def _one(pynvml: Any, index: int, handle: Any) -> GpuFacts:
    values, unknown = {}, {}
    for name, read in GPU_FACTS:
        try:
            values[name] = read(pynvml, handle)
        except (pynvml.NVMLError, AttributeError, TypeError) as error:  # not on this GPU, or driver
            unknown[name] = f"{type(error).__name__}: {error}"[:200]
    return GpuFacts(index=index, unknown=unknown, **values)


FACTS = (
    Fact("gpus", gpus, "NVML", limit_s=2.0),
    Fact("gpu_driver", driver, "NVML", limit_s=1.0),
)
