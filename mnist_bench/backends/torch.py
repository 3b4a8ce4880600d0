"""PyTorch as a backend; see `mnist_bench.backends.Backend`."""

from __future__ import annotations

import os
from typing import Any

import numpy as np

from mnist_bench.backends import EVALUATION_BATCH


def load(threads: int) -> None:
    os.environ["KERAS_BACKEND"] = "torch"
    import keras  # noqa: F401  the import is what is timed
    import torch

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


def evaluate(model: Any, images: np.ndarray, labels: np.ndarray) -> tuple[float, float]:
    loss, accuracy = model.evaluate(images, labels, batch_size=EVALUATION_BATCH, verbose=0)
    return loss, accuracy
