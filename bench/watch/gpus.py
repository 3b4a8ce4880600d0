"""What each NVIDIA GPU of a job is doing, and what others do on it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any

import bench.probe.nvml as nvml
from bench.probe.fact import Absent

Reader = Callable[[], Mapping[str, float]]

#: Says of a process whether it is our own; None: it cannot be seen from here.
IsOwn = Callable[[int], bool | None]


def gpus(visible: str | None, is_own: IsOwn | None) -> Reader:
    """Return a reader of what the GPUs do that `visible` (CUDA_VISIBLE_DEVICES) leaves to a job.

    Without `is_own` no job of ours runs yet, and all use of a GPU is foreign; of several GPUs that
    nobody chose from the first is looked at, which a job will be given. Raises Absent where there
    is no GPU, the reader RuntimeError where no GPU answers any more.
    """
    session = nvml.session()
    pynvml = session.__enter__()
    indices = nvml.chosen(pynvml, visible)
    if is_own is None and visible is None:
        indices = indices[:1]
    if not indices:
        session.__exit__(None, None, None)
        hidden = " (CUDA_VISIBLE_DEVICES hides all)" if visible is not None else ""
        raise Absent(f"the NVIDIA driver shows this process no GPU{hidden}")
    return _Gpus(session, pynvml, indices, is_own)


class _Gpus:
    """Holds the session open: the driver answers as long as this reader lives."""

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
        found: dict[str, float] = {}
        errors: list[Exception] = []
        for index, handle in self._handles.items():
            for name, read in GAUGES.items():
                try:
                    key = name if name.startswith("energy_j") else f"gpu_{name}"
                    found[f"{key}:{index}"] = read(self._pynvml, handle)
                except (self._pynvml.NVMLError, AttributeError) as error:  # not on this GPU
                    errors.append(error)
            foreign = self._foreign_share(index, handle, found.get(f"gpu_utilisation:{index}"))
            if foreign is not None:
                found[f"gpu_foreign:{index}"] = foreign
        if not found:
            raise RuntimeError(f"no GPU answers: {errors[0]}")
        return found

    def _foreign_share(self, index: int, handle: Any, whole: float | None) -> float | None:
        if self._is_own is None:
            return whole
        share, self._since[index] = _foreign(self._pynvml, handle, self._since[index], self._is_own)
        return share


def _foreign(pynvml: Any, handle: Any, since: int, is_own: IsOwn) -> tuple[float | None, int]:
    """Return the share of a GPU's time that strangers used since the stamp `since`, and a new one.

    None where the driver does not tell, or tells of processes that cannot be seen from here (in a
    container their numbers are the host's).
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
    strangers = (shares for pid, shares in by_process.items() if not owned[pid])
    return sum(sum(shares) / len(shares) for shares in strangers), newest


def _reasons(pynvml: Any, handle: Any) -> int:
    """Return the bits of why the clocks are low; drivers before 535 know the old call alone."""
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
