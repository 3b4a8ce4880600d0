"""The door to NVIDIA's management library: opened for a use, absent in plain words."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from typing import Any

from bench.probe.fact import Absent


@contextlib.contextmanager
def session() -> Iterator[Any]:
    """Yield the module `pynvml` with the library initialised.

    Raises Absent where there is no such module, driver or device.
    """
    try:
        import pynvml  # 10 ms that only a look at the GPUs need pay
    except ImportError:
        raise Absent("the package nvidia-ml-py is not installed") from None
    try:
        pynvml.nvmlInit()
    except pynvml.NVMLError as error:
        raise Absent(f"no NVIDIA driver answers: {error}") from error
    try:
        yield pynvml
    finally:
        with contextlib.suppress(pynvml.NVMLError):
            pynvml.nvmlShutdown()


def handles(pynvml: Any) -> dict[int, Any]:
    """Return a handle, or the error in its place, for each GPU that this process may see."""
    found = {}
    for index in range(pynvml.nvmlDeviceGetCount()):
        try:
            found[index] = pynvml.nvmlDeviceGetHandleByIndex(index)
        except pynvml.NVMLError as error:  # fallen off the bus, or closed to this user
            found[index] = error
    return found


def chosen(pynvml: Any, visible: str | None) -> list[int]:
    """Return the indices of the GPUs that CUDA_VISIBLE_DEVICES leaves to a process; None: all.

    Numbers are NVML's own under CUDA_DEVICE_ORDER=PCI_BUS_ID, which our children have. As in CUDA,
    what follows the first wrong entry is not seen. Source: CUDA C programming guide, "CUDA
    Environment Variables".
    """
    opened = {k: v for k, v in handles(pynvml).items() if not isinstance(v, Exception)}
    if visible is None:
        return list(opened)
    found = []
    for word in (part.strip() for part in visible.split(",")):
        index = int(word) if word.isdigit() else _by_uuid(pynvml, word, opened)
        if index not in opened:
            break
        found.append(index)
    return list(dict.fromkeys(found))


def _by_uuid(pynvml: Any, word: str, opened: Mapping[int, Any]) -> int | None:
    """Return the index of the GPU whose serial begins with `word`, or that a MIG slice is of."""
    if word.startswith("MIG-"):
        with contextlib.suppress(pynvml.NVMLError):
            slice_ = pynvml.nvmlDeviceGetHandleByUUID(word)
            parent = pynvml.nvmlDeviceGetDeviceHandleFromMigDeviceHandle(slice_)
            return int(pynvml.nvmlDeviceGetIndex(parent))
        return None
    for index, handle in opened.items():
        with contextlib.suppress(pynvml.NVMLError):
            if word and pynvml.nvmlDeviceGetUUID(handle).startswith(word):
                return index
    return None
