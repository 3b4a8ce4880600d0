"""Access to NVIDIA's management library (NVML); Absent says why it is unavailable."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from typing import Any

from bench.probe.fact import Absent
from bench.record.facts import UNREAD_GPUS

#: NVML's errors that mean that this machine has no driver, by number and by text. Any other error
#: means that there are GPUs whose driver does not work, such as after an update of its library.
NO_DRIVER = frozenset({9, "Driver Not Loaded", 12, "NVML Shared Library Not Found"})


@contextlib.contextmanager
def session() -> Iterator[Any]:
    """Yield the module `pynvml` with the library initialised.

    Raises Absent if the module, the driver or a device is missing.
    """
    try:
        import pynvml  # takes 10 ms, which only a look at the GPUs should pay
    except ImportError:
        raise Absent("the package nvidia-ml-py is not installed") from None
    try:
        pynvml.nvmlInit()
    except Exception as error:  # the driver's library may be broken
        if NO_DRIVER & {getattr(error, "value", None), str(error)}:
            raise Absent(f"no NVIDIA driver answers: {error}") from error
        raise Absent(f"{UNREAD_GPUS}: {type(error).__name__}: {error}"[:200]) from error
    try:
        yield pynvml
    finally:
        with contextlib.suppress(Exception):
            pynvml.nvmlShutdown()


def handles(pynvml: Any) -> dict[int, Any]:
    """Return, for each GPU that this process may see, its handle or the error instead."""
    handles_: dict[int, Any] = {}
    for index in range(pynvml.nvmlDeviceGetCount()):
        try:
            handles_[index] = pynvml.nvmlDeviceGetHandleByIndex(index)
        except Exception as error:  # fallen off the bus, or not accessible to this user
            handles_[index] = error
    return handles_


def chosen(pynvml: Any, visible: str | None) -> list[int]:
    """Return the indices of the GPUs in `visible`, the value of CUDA_VISIBLE_DEVICES; None: all.

    Under CUDA_DEVICE_ORDER=PCI_BUS_ID, which our children have, CUDA and NVML number GPUs alike.
    As in CUDA, entries after the first wrong entry are ignored. Source: CUDA C programming guide,
    "CUDA Environment Variables".
    """
    opened = {k: v for k, v in handles(pynvml).items() if not isinstance(v, Exception)}
    if visible is None:
        return list(opened)
    indices = []
    for word in (part.strip() for part in visible.split(",")):
        index = int(word) if word.isdigit() else _by_uuid(pynvml, word, opened)
        if index not in opened:
            break
        indices.append(index)
    return list(dict.fromkeys(indices))


def _by_uuid(pynvml: Any, word: str, opened: Mapping[int, Any]) -> int | None:
    """Return the index of the GPU whose UUID begins with `word`, or whose MIG slice it names."""
    if word.startswith("MIG-"):
        with contextlib.suppress(Exception):
            slice_ = pynvml.nvmlDeviceGetHandleByUUID(word)
            parent = pynvml.nvmlDeviceGetDeviceHandleFromMigDeviceHandle(slice_)
            return int(pynvml.nvmlDeviceGetIndex(parent))
        return None
    for index, handle in opened.items():
        with contextlib.suppress(Exception):  # the driver's text may not be UTF-8
            if word and pynvml.nvmlDeviceGetUUID(handle).startswith(word):
                return index
    return None
