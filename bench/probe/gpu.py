"""GPU facts, read from NVIDIA's management library (NVML)."""

from __future__ import annotations

import contextlib
import os
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import bench.probe.nvml as nvml
from bench.probe.fact import NO_ANSWER, NOT_IN_FILES, Absent, Fact
from bench.probe.root import HOST, Root
from bench.record.facts import UNREAD_GPUS, GpuFacts, MigFacts
from bench.spec.privacy import salted

TITLE = "GPUs"

#: Seconds that the driver may take: if nothing keeps it awake, it initialises every GPU again.
WAKE_S = 5.0

#: Seconds for which the rows of one probe share an answer.
SHARED_S = 1.0

#: The maker's number of NVIDIA's devices on the PCI bus.
NVIDIA = "0x10de"

#: Each fact of a GPU and how it is read; NVML uses milliwatts, MHz and bytes.
GPU_FACTS: tuple[tuple[str, Callable[[Any, Any], Any]], ...] = (
    ("model", lambda n, h: n.nvmlDeviceGetName(h)),
    ("uuid_hash", lambda n, h: salted(n.nvmlDeviceGetUUID(h))),
    ("memory_total_bytes", lambda n, h: int(n.nvmlDeviceGetMemoryInfo(h).total)),
    ("power_limit_w", lambda n, h: _power_limit_w(n, h)),
    ("compute_capability", lambda n, h: _capability(n, h)),
    ("mig", lambda n, h: n.nvmlDeviceGetMigMode(h)[0] == 1),
    ("mig_slices", lambda n, h: _slices(n, h)),
    ("sm_clock_max_hz", lambda n, h: n.nvmlDeviceGetMaxClockInfo(h, n.NVML_CLOCK_SM) * 1e6),
    ("memory_clock_max_hz", lambda n, h: n.nvmlDeviceGetMaxClockInfo(h, n.NVML_CLOCK_MEM) * 1e6),
)

#: Values that no GPU reaches. A driver writes the largest number of a word for what it cannot tell.
MOST: Mapping[str, float] = {
    "memory_total_bytes": 1e15,
    "power_limit_w": 1e4,
    "sm_clock_max_hz": 1e10,
    "memory_clock_max_hz": 5e10,
}

#: Texts that drivers write for what they do not know.
NO_TEXTS = frozenset(
    {"", "n/a", "none", "unknown", "not supported", "unknown error", "not available"}
)

#: Each fact of a slice and how it is read.
MIG_FACTS: tuple[tuple[str, Callable[[Any, Any], Any]], ...] = (
    ("profile", lambda n, h: n.nvmlDeviceGetName(h)),
    ("uuid_hash", lambda n, h: salted(n.nvmlDeviceGetUUID(h))),
    ("memory_total_bytes", lambda n, h: int(n.nvmlDeviceGetMemoryInfo(h).total)),
)


def gpus(root: Root = HOST) -> tuple[GpuFacts, ...]:
    """Return the facts of every GPU that this process may see. Raises Absent if it sees none."""
    seen = _ASKED.get().part("gpus")
    if not seen:
        raise Absent("the NVIDIA driver shows no GPU to this process")
    return tuple(seen)


def _seen_only(root: Root) -> str:
    """Return why a faked root without a driver's answers states no GPUs."""
    return f"{UNREAD_GPUS}: {NOT_IN_FILES}" if is_on_bus(root) else NOT_IN_FILES


def is_on_bus(root: Root = HOST) -> bool:
    """Say whether the PCI bus shows a GPU of NVIDIA's, whatever its driver says."""
    return any(
        (root.line(device / "class") or "").startswith("0x03")
        and root.line(device / "vendor") == NVIDIA
        for device in root.below("/sys/bus/pci/devices")
    )


def driver(root: Root = HOST) -> str:
    """Return the version of NVIDIA's driver."""
    return str(_sensible(_ASKED.get().part("driver")))


def visible(root: Root = HOST) -> int:
    """Return how many GPUs a job may see under CUDA_VISIBLE_DEVICES."""
    return int(_ASKED.get().part("visible"))


@dataclass(frozen=True)
class _Answer:
    """What one NVML session returned: each part, or the reason why it could not be read."""

    parts: Mapping[str, Any]
    reasons: Mapping[str, str]

    def part(self, name: str) -> Any:
        if name in self.reasons:
            raise Absent(self.reasons[name])
        return self.parts[name]


@dataclass
class _Asked:
    """The last answer, which the rows of one probe share: a sleeping driver takes seconds to wake.

    If another row is still asking the driver, a row waits no longer than its own timeout.
    """

    lock: threading.Lock = field(default_factory=threading.Lock)
    answer: _Answer | None = None
    at_s: float = 0.0

    def get(self) -> _Answer:
        if not self.lock.acquire(timeout=WAKE_S):
            raise Absent(f"{NO_ANSWER} within {WAKE_S:g} s")
        try:
            if self.answer is None or time.monotonic() - self.at_s > SHARED_S:
                self.answer = None
                self.answer, self.at_s = _ask(), time.monotonic()
            return self.answer
        finally:
            self.lock.release()


_ASKED = _Asked()


def _ask() -> _Answer:
    """Ask the driver for each part; a part that fails costs the others nothing."""
    parts: dict[str, Any] = {}
    reasons: dict[str, str] = {}
    with nvml.session() as pynvml:
        reads: Mapping[str, Callable[[], Any]] = {
            "gpus": lambda: [_one(pynvml, *one) for one in nvml.handles(pynvml).items()],
            "driver": pynvml.nvmlSystemGetDriverVersion,
            "visible": lambda: len(nvml.chosen(pynvml, os.environ.get("CUDA_VISIBLE_DEVICES"))),
        }
        for name, read in reads.items():
            try:
                parts[name] = read()
            except Exception as error:  # the binding raises what it likes, such as decoding errors
                why = f"{type(error).__name__}: {error}"[:200]
                reasons[name] = why if name == "driver" else f"{UNREAD_GPUS}: {why}"
    return _Answer(parts, reasons)


def _one(pynvml: Any, index: int, handle: Any) -> GpuFacts:
    """Return the facts of a GPU; a fact that cannot be read, or is nonsense, is unknown."""
    if isinstance(handle, Exception):
        return GpuFacts(index=index, unknown={"model": f"the driver gives no access: {handle}"})
    values, unknown = {}, {}
    for name, read in GPU_FACTS:
        try:
            values[name] = _sensible(read(pynvml, handle), MOST.get(name))
        except Exception as error:  # not supported, or not a text
            unknown[name] = f"{type(error).__name__}: {error}"[:200]
    return GpuFacts(index=index, unknown=unknown, **values)


def _sensible(value: Any, most: float | None = None) -> Any:
    """Return `value`; a size, power or clock lies between 0 and `most`, and a text says something.

    Raises ValueError if it is nonsense, such as the largest number that a word can hold.
    """
    value = value.decode() if isinstance(value, bytes) else value
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    is_nothing = isinstance(value, str) and value.strip(" []\0").lower() in NO_TEXTS
    if value is None or is_nothing or (is_number and not 0 < value < (most or float("inf"))):
        raise ValueError(f"the driver says {value!r}")
    return value


def _capability(pynvml: Any, handle: Any) -> str:
    major, minor = map(int, pynvml.nvmlDeviceGetCudaComputeCapability(handle))
    if major < 1 or minor < 0:
        raise ValueError(f"the driver says {major}.{minor}")
    return f"{major}.{minor}"


def _power_limit_w(pynvml: Any, handle: Any) -> float:
    """Return the limit that was set; the limit in force may be lower for a while."""
    try:
        return float(pynvml.nvmlDeviceGetPowerManagementLimit(handle)) / 1e3
    except Exception:  # not supported
        return float(pynvml.nvmlDeviceGetEnforcedPowerLimit(handle)) / 1e3


def _slices(pynvml: Any, handle: Any) -> tuple[MigFacts, ...]:
    """Return the slices of a GPU in multi-instance mode."""
    if pynvml.nvmlDeviceGetMigMode(handle)[0] != 1:
        return ()
    slices = []
    for index in range(pynvml.nvmlDeviceGetMaxMigDeviceCount(handle)):
        try:
            own = pynvml.nvmlDeviceGetMigDeviceHandleByIndex(handle, index)
        except pynvml.NVMLError:  # fewer slices than the maximum
            continue
        values = {}
        for name, read in MIG_FACTS:
            with contextlib.suppress(Exception):  # one field costs that field
                values[name] = _sensible(read(pynvml, own), MOST.get(name))
        slices.append(MigFacts(**values))
    return tuple(slices)


FACTS = (
    Fact("gpus", gpus, "NVML", limit_s=WAKE_S, is_asked=True, missing=_seen_only),
    Fact("gpus_visible", visible, "NVML and CUDA_VISIBLE_DEVICES", is_asked=True),
    Fact("gpu_driver", driver, "NVML", is_asked=True),
)
