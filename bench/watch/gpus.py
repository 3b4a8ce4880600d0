"""What each NVIDIA GPU of a job is doing, and how much other processes use it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any

import bench.probe.nvml as nvml
from bench.probe.fact import Absent
from bench.watch.counters import GPU_W
from bench.watch.members import Members
from bench.watch.series import Doubt, Reader, Values

#: Says whether a process is our own; None: the process is not visible from here.
IsOwn = Callable[[int], bool | None]

#: Seconds by which the driver's clock may be ahead of ours.
AHEAD_S = 60.0

#: What a sample of a process says in percent; a sample with one above 100 is not believed.
PERCENTAGES = ("smUtil", "memUtil", "encUtil", "decUtil")


def gpus(visible: str | None, is_own: IsOwn | None) -> Reader:
    """Return a reader of the GPUs that `visible` (CUDA_VISIBLE_DEVICES) leaves to a job.

    If `is_own` is None, no job of ours runs yet, and all use of a GPU is foreign. If the user chose
    none of several GPUs, only the first is watched then, because a job gets that one. Raises Absent
    if there is no GPU; the reader raises the driver's error if no GPU answers any more.
    """
    session = nvml.session()
    pynvml = session.__enter__()
    indices = nvml.chosen(pynvml, visible)
    if is_own is None and visible is None:
        indices = indices[:1]
    if not indices:
        session.__exit__(None, None, None)
        hidden = " (CUDA_VISIBLE_DEVICES hides all)" if visible is not None else ""
        raise Absent(f"the NVIDIA driver shows no GPU to this process{hidden}")
    return _Gpus(session, pynvml, indices, is_own)


class _Gpus:
    """Reads GPUs, and keeps the NVML session open as long as it lives.

    A figure that a GPU does not state, or not any more, is given up alone.
    """

    def __init__(
        self,
        session: AbstractContextManager[Any],
        pynvml: Any,
        indices: Sequence[int],
        is_own: IsOwn | None,
    ) -> None:
        self._session = session
        readers: dict[str, Callable[[], float | Doubt | None]] = {}
        for index in indices:
            gpu = _Gpu(pynvml, index)
            for name in GAUGES:
                key = name if name.startswith("energy_j") else f"gpu_{name}"
                readers[f"{key}:{index}"] = gpu.reader(name)
            if is_own is not None:
                readers[f"gpu_foreign:{index}"] = gpu.foreign(is_own)
        self._members = Members(readers)
        self._all_foreign = is_own is None

    def __call__(self) -> Values:
        try:
            read = self._members.read()
        except Exception as error:
            raise RuntimeError(f"no GPU answers: {error}") from error
        values = {name: value for name, value in read.items() if value is not None}
        if self._all_foreign:
            for name, value in tuple(values.items()):
                if name.startswith("gpu_utilisation:"):
                    values[f"gpu_foreign:{name.partition(':')[2]}"] = value
        return values


class _Gpu:
    """One GPU; its handle is asked for at the first reading, so that a lost GPU fails alone."""

    def __init__(self, pynvml: Any, index: int) -> None:
        self._pynvml, self._index = pynvml, index
        self._handle: Any = None
        self._since = 0

    def reader(self, name: str) -> Callable[[], float | Doubt]:
        """Return a reader of one of GAUGES, which raises what the driver raises."""
        read, most = GAUGES[name]

        def value() -> float | Doubt:
            found: float = read(self._pynvml, self._opened())
            if 0 <= found <= most:
                return found
            return Doubt(f"the driver states {name.partition(':')[0]} {found:.4g}")

        return value

    def foreign(self, is_own: IsOwn) -> Callable[[], float | Doubt | None]:
        """Return a reader of the share of the GPU's time that others used since the last look."""

        def share() -> float | Doubt | None:
            found, self._since = foreign_share(
                self._pynvml, self._opened(), self._since, is_own, time.time()
            )
            return found

        return share

    def _opened(self) -> Any:
        if self._handle is None:
            self._handle = self._pynvml.nvmlDeviceGetHandleByIndex(self._index)
        return self._handle


def foreign_share(
    pynvml: Any, handle: Any, since: int, is_own: IsOwn, now_s: float
) -> tuple[float | Doubt | None, int]:
    """Return the share of a GPU's time that others used since the stamp `since`, and a new stamp.

    `now_s` is the time of day. The share is a Doubt if no sample is believable. It is None if the
    driver names processes that are not visible from here (in a container, it uses the host's
    process numbers). Raises the driver's error if it does not say.
    """
    try:
        samples = list(pynvml.nvmlDeviceGetProcessUtilization(handle, since) or ())
    except pynvml.NVMLError as error:
        if getattr(error, "value", None) == getattr(pynvml, "NVML_ERROR_NOT_FOUND", object()):
            return 0.0, since
        raise
    believed = [one for one in samples if _is_believable(one, since, now_s)]
    if samples and not believed:
        return Doubt("the driver's samples of processes are stale or impossible"), since
    newest = max((int(sample.timeStamp) for sample in believed), default=since)
    owned = {pid: is_own(pid) for pid in {int(sample.pid) for sample in believed}}
    if None in owned.values():
        return None, newest
    others = (_mean_use(believed, pid) for pid, own in owned.items() if not own)
    return min(1.0, sum(others)), newest  # processes take turns, so that they are 1 at most


def _is_believable(sample: Any, since: int, now_s: float) -> bool:
    """Say whether a sample can be right: its percentages, and its stamp in microseconds.

    The driver may repeat samples of ended processes, with stamps of the past or of the future.
    """
    shares = [getattr(sample, name, 0) for name in PERCENTAGES]
    if None in {*shares, sample.pid, sample.timeStamp}:
        return False
    stamp = int(sample.timeStamp)
    return all(0 <= share <= 100 for share in shares) and (since < stamp <= (now_s + AHEAD_S) * 1e6)


def _mean_use(samples: Iterable[Any], pid: int) -> float:
    shares = [sample.smUtil / 100 for sample in samples if int(sample.pid) == pid]
    return float(sum(shares) / len(shares))


def _reasons(pynvml: Any, handle: Any) -> int:
    """Return the reasons for low clocks, as bits; drivers before 535 know only the old call."""
    try:
        return int(pynvml.nvmlDeviceGetCurrentClocksEventReasons(handle))
    except (AttributeError, pynvml.NVMLError):
        return int(pynvml.nvmlDeviceGetCurrentClocksThrottleReasons(handle))


def _memory_used(pynvml: Any, handle: Any) -> float:
    """Return the bytes in use; more than there are is said of none (infinity)."""
    memory = pynvml.nvmlDeviceGetMemoryInfo(handle)
    return float(memory.used) if memory.used <= memory.total else float("inf")


#: How each figure is read, and the most that it can be.
GAUGES: Mapping[str, tuple[Callable[[Any, Any], float], float]] = {
    "utilisation": (lambda n, h: n.nvmlDeviceGetUtilizationRates(h).gpu / 100, 1.0),
    "sm_clock_hz": (lambda n, h: n.nvmlDeviceGetClockInfo(h, n.NVML_CLOCK_SM) * 1e6, 1e10),
    "memory_clock_hz": (lambda n, h: n.nvmlDeviceGetClockInfo(h, n.NVML_CLOCK_MEM) * 1e6, 5e10),
    "power_w": (lambda n, h: n.nvmlDeviceGetPowerUsage(h) / 1e3, GPU_W),
    "temperature_c": (lambda n, h: n.nvmlDeviceGetTemperature(h, n.NVML_TEMPERATURE_GPU), 150.0),
    "memory_used_bytes": (_memory_used, 1e15),
    "throttle_bits": (_reasons, 2.0**32),
    "energy_j:NVML GPU": (lambda n, h: n.nvmlDeviceGetTotalEnergyConsumption(h) / 1e3, 1e15),
}
