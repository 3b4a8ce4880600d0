"""JAX as a backend; see `mnist_bench.backends.Backend`."""

from __future__ import annotations

import os
from typing import Any

import numpy as np

from mnist_bench.backends import EVALUATION_BATCH


def load(threads: int) -> None:
    """Import JAX and Keras on it. XLA's CPU pool takes its size from NPROC, read at start-up."""
    os.environ["KERAS_BACKEND"] = "jax"
    os.environ["NPROC"] = str(threads)
    import jax  # noqa: F401  the import is what is timed
    import keras  # noqa: F401


def thread_counts() -> tuple[int | None, int | None]:
    """JAX states neither."""
    return None, None


def device() -> str:
    import jax

    return "cpu" if jax.default_backend() == "cpu" else "gpu"


def versions() -> dict[str, str]:
    import jax
    import keras

    return {"keras": keras.__version__, "jax": jax.__version__, "numpy": np.__version__}


def evaluate(model: Any, images: np.ndarray, labels: np.ndarray) -> tuple[float, float]:
    loss, accuracy = model.evaluate(images, labels, batch_size=EVALUATION_BATCH, verbose=0)
    return loss, accuracy
