"""The door to NVIDIA's management library: opened for a use, absent in plain words."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
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


def handles(pynvml: Any) -> list[Any]:
    """Return a handle for each GPU that this process may see."""
    return [pynvml.nvmlDeviceGetHandleByIndex(i) for i in range(pynvml.nvmlDeviceGetCount())]


def words(value: Any) -> str:
    """Return a text of the library, which older bindings give as bytes."""
    return value.decode(errors="replace") if isinstance(value, bytes) else str(value)
