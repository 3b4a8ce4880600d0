"""JAX as a backend; see `mnist_bench.backends.Backend`."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import numpy as np

from mnist_bench.backends import FLOAT_BYTES

#: Devices that the cores of a CPU become at most.
MOST_DEVICES = 16


def load(threads: int) -> None:
    """Import JAX, and Keras with it. XLA's CPU pool takes its size from NPROC at start-up.

    Each core is a device, at most MOST_DEVICES of them; a loop uses the first one or all.
    On a GPU, memory is allocated as needed, so its peak shows what the job used.
    """
    os.environ["KERAS_BACKEND"] = "jax"
    os.environ["NPROC"] = str(threads)
    os.environ.setdefault("XLA_PYTHON_CLIENT_PREALLOCATE", "false")
    import jax
    import keras  # noqa: F401  the import is what is timed

    jax.config.update("jax_num_cpu_devices", min(threads, MOST_DEVICES))
    if device() == "gpu":
        jax.config.update("jax_default_matmul_precision", "float32")  # no TF32


def thread_counts() -> tuple[int | None, int | None]:
    """Return (None, None): JAX reports neither."""
    return None, None


def device() -> str:
    import jax

    return "cpu" if jax.default_backend() == "cpu" else "gpu"


def versions() -> dict[str, str]:
    import jax
    import keras

    return {"keras": keras.__version__, "jax": jax.__version__, "numpy": np.__version__}


def synchronise() -> None:
    """Do nothing: the loops wait for the result of each step."""


def evaluate(
    model: Any, images: np.ndarray, labels: np.ndarray, batch_size: int
) -> tuple[float, float]:
    loss, accuracy = model.evaluate(images, labels, batch_size=batch_size, verbose=0)
    return loss, accuracy


def matmul(size: int, precision: str) -> Callable[[], Any]:
    import jax

    left, right = (
        jax.random.uniform(jax.random.key(seed), (size, size)).astype(precision) for seed in (1, 2)
    )
    multiply = jax.jit(lambda a, b: a @ b)
    return lambda: multiply(left, right).block_until_ready()


def copy(size_bytes: int) -> Callable[[], Any]:
    import jax
    import jax.numpy as jnp

    source = jnp.ones(size_bytes // FLOAT_BYTES)
    target = jnp.zeros(size_bytes // FLOAT_BYTES)
    # donating the target lets JAX write to its memory instead of allocating new memory
    write = jax.jit(lambda to, what: to.at[:].set(what), donate_argnums=0)

    def run() -> None:
        nonlocal target
        target = write(target, source).block_until_ready()

    return run
