"""What each NVIDIA GPU of a job is doing, and how much other processes use it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any

import bench.probe.nvml as nvml
from bench.probe.fact import Absent

Reader = Callable[[], Mapping[str, float]]

#: Says whether a process is our own; None: the process is not visible from here.
IsOwn = Callable[[int], bool | None]


def gpus(visible: str | None, is_own: IsOwn | None) -> Reader:
    """Return a reader of the GPUs that `visible` (CUDA_VISIBLE_DEVICES) leaves to a job.

    If `is_own` is None, no job of ours runs yet, and all use of a GPU is foreign. If the user chose
    none of several GPUs, only the first is watched then, because a job gets that one. Raises Absent
    if there is no GPU; the reader raises RuntimeError if no GPU answers any more.
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
    """Reads GPUs, and keeps the NVML session open as long as it lives."""

    def __init__(
        self,
        session: AbstractContextManager[Any],
        pynvml: Any,
        indices: Sequence[int],
        is_own: IsOwn | None,
    ) -> None:
        self._session, self._pynvml, self._is_own = session, pynvml, is_own
        self._handles = {index: pynvml.nvmlDeviceGetHandleByIndex(index) for index in indices}
        self._since = dict.fromkeys(indices, 0)

    def __call__(self) -> Mapping[str, float]:
        values: dict[str, float] = {}
        errors: list[Exception] = []
        for index, handle in self._handles.items():
            for name, read in GAUGES.items():
                try:
                    key = name if name.startswith("energy_j") else f"gpu_{name}"
                    values[f"{key}:{index}"] = read(self._pynvml, handle)
                except (self._pynvml.NVMLError, AttributeError) as error:  # not supported
                    errors.append(error)
            foreign = self._foreign_share(index, handle, values.get(f"gpu_utilisation:{index}"))
            if foreign is not None:
                values[f"gpu_foreign:{index}"] = foreign
        if not values:
            raise RuntimeError(f"no GPU answers: {errors[0]}")
        return values

    def _foreign_share(self, index: int, handle: Any, whole: float | None) -> float | None:
        if self._is_own is None:
            return whole
        share, self._since[index] = _foreign(self._pynvml, handle, self._since[index], self._is_own)
        return share


def _foreign(pynvml: Any, handle: Any, since: int, is_own: IsOwn) -> tuple[float | None, int]:
    """Return the share of a GPU's time that others used since the stamp `since`, and a new stamp.

    The share is None if the driver does not say, or if it names processes that are not visible from
    here (in a container, it uses the host's process numbers).
    """
    try:
        samples = pynvml.nvmlDeviceGetProcessUtilization(handle, since)
    except AttributeError:
        return None, since
    except pynvml.NVMLError as error:
        nothing = getattr(pynvml, "NVML_ERROR_NOT_FOUND", None)
        return (0.0 if getattr(error, "value", None) == nothing else None), since
    by_process: dict[int, list[float]] = {}
    for sample in samples:
        by_process.setdefault(int(sample.pid), []).append(sample.smUtil / 100)
    owned = {pid: is_own(pid) for pid in by_process}
    newest = max((int(sample.timeStamp) for sample in samples), default=since)
    if None in owned.values():
        return None, newest
    others = (shares for pid, shares in by_process.items() if not owned[pid])
    return sum(sum(shares) / len(shares) for shares in others), newest


def _reasons(pynvml: Any, handle: Any) -> int:
    """Return the reasons for low clocks, as bits; drivers before 535 know only the old call."""
    try:
        return int(pynvml.nvmlDeviceGetCurrentClocksEventReasons(handle))
    except (AttributeError, pynvml.NVMLError):
        return int(pynvml.nvmlDeviceGetCurrentClocksThrottleReasons(handle))


GAUGES: Mapping[str, Callable[[Any, Any], float]] = {
    "utilisation": lambda n, h: n.nvmlDeviceGetUtilizationRates(h).gpu / 100,
    "sm_clock_hz": lambda n, h: n.nvmlDeviceGetClockInfo(h, n.NVML_CLOCK_SM) * 1e6,
    "memory_clock_hz": lambda n, h: n.nvmlDeviceGetClockInfo(h, n.NVML_CLOCK_MEM) * 1e6,
    "power_w": lambda n, h: n.nvmlDeviceGetPowerUsage(h) / 1e3,
    "temperature_c": lambda n, h: n.nvmlDeviceGetTemperature(h, n.NVML_TEMPERATURE_GPU),
    "memory_used_bytes": lambda n, h: n.nvmlDeviceGetMemoryInfo(h).used,
    "throttle_bits": _reasons,
    "energy_j:NVML GPU": lambda n, h: n.nvmlDeviceGetTotalEnergyConsumption(h) / 1e3,
}
