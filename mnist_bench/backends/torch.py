"""PyTorch as a backend; see `mnist_bench.backends.Backend`."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import numpy as np

from mnist_bench.allocator import keep_freed_memory
from mnist_bench.backends import FLOAT_BYTES
from mnist_bench.loops.torch_products import onednn_product


def load(threads: int) -> None:
    os.environ["KERAS_BACKEND"] = "torch"
    import keras  # noqa: F401  the import is what is timed
    import torch

    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = False
    torch.set_num_threads(threads)
    torch.set_num_interop_threads(threads)


def thread_counts() -> tuple[int | None, int | None]:
    import torch

    return torch.get_num_threads(), torch.get_num_interop_threads()


def device() -> str:
    import torch

    return "gpu" if torch.cuda.is_available() else "cpu"


def versions() -> dict[str, str]:
    import keras
    import torch

    return {"keras": keras.__version__, "torch": torch.__version__, "numpy": np.__version__}


def synchronise() -> None:
    """Wait for the GPU if this process has used it."""
    import torch

    # is_available would ask the driver, which is too slow to do after each step
    if torch.cuda.is_initialized():
        torch.cuda.synchronize()


def evaluate(
    model: Any, images: np.ndarray, labels: np.ndarray, batch_size: int
) -> tuple[float, float]:
    loss, accuracy = model.evaluate(images, labels, batch_size=batch_size, verbose=0)
    return loss, accuracy


def matmul(size: int, precision: str) -> Callable[[], Any]:
    import torch

    device_name = _torch_device()
    left, right = (
        torch.rand(size, size, device=device_name).to(getattr(torch, precision)) for _ in range(2)
    )
    faster = onednn_product() if (device_name, precision) == ("cpu", "float32") else None
    if faster is not None:
        keep_freed_memory()  # it makes its result anew each time
        return lambda: faster(left, right, None)
    product = torch.empty_like(left)
    return lambda: _finished(torch.mm(left, right, out=product))


def copy(size_bytes: int) -> Callable[[], Any]:
    import torch

    device_name = _torch_device()
    source = torch.ones(size_bytes // FLOAT_BYTES, device=device_name)
    target = torch.zeros_like(source)
    return lambda: _finished(target.copy_(source))


def _torch_device() -> str:
    return "cuda" if device() == "gpu" else "cpu"


def _finished(result: Any) -> Any:
    synchronise()
    return result
