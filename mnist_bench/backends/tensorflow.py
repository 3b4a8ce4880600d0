"""TensorFlow as a backend; see `mnist_bench.backends.Backend`."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import numpy as np

from mnist_bench.backends import FLOAT_BYTES
from mnist_bench.loops.pipeline import in_order


def load(threads: int) -> None:
    """Import TensorFlow, and Keras with it; on a GPU, memory is allocated as needed.

    TF32 is off here and in the other backends, so float32 means the same precision in all.
    """
    os.environ["KERAS_BACKEND"] = "tensorflow"
    import keras  # noqa: F401  the import is what is timed
    import tensorflow as tf

    tf.config.threading.set_intra_op_parallelism_threads(threads)
    tf.config.threading.set_inter_op_parallelism_threads(threads)
    tf.config.experimental.enable_tensor_float_32_execution(False)
    for gpu in tf.config.list_physical_devices("GPU"):
        tf.config.experimental.set_memory_growth(gpu, True)


def thread_counts() -> tuple[int | None, int | None]:
    import tensorflow as tf

    threading = tf.config.threading
    return (
        threading.get_intra_op_parallelism_threads(),
        threading.get_inter_op_parallelism_threads(),
    )


def device() -> str:
    import tensorflow as tf

    return "gpu" if tf.config.list_physical_devices("GPU") else "cpu"


def versions() -> dict[str, str]:
    import keras
    import tensorflow as tf

    return {"keras": keras.__version__, "tensorflow": tf.__version__, "numpy": np.__version__}


def synchronise() -> None:
    """Do nothing: the loops wait for the result of each launch."""


def evaluate(
    model: Any, images: np.ndarray, labels: np.ndarray, batch_size: int
) -> tuple[float, float]:
    loss, accuracy = model.evaluate(in_order(images, labels, batch_size), verbose=0)
    return loss, accuracy


def matmul(size: int, precision: str) -> Callable[[], Any]:
    import tensorflow as tf

    left, right = (
        tf.cast(tf.random.stateless_uniform((size, size), seed=(seed, 0)), precision)
        for seed in (1, 2)
    )
    multiply = tf.function(tf.linalg.matmul)
    return lambda: _finished(multiply(left, right))


def copy(size_bytes: int) -> Callable[[], Any]:
    import tensorflow as tf

    source = tf.ones(size_bytes // FLOAT_BYTES)
    target = tf.Variable(tf.zeros(size_bytes // FLOAT_BYTES))

    @tf.function
    def write() -> None:
        # by slice: assigning the whole variable would only share the buffer
        tf.raw_ops.ResourceStridedSliceAssign(
            ref=target.handle,
            begin=[0],
            end=[0],
            strides=[1],
            value=source,
            begin_mask=1,
            end_mask=1,
        )

    return lambda: _finished(write())


def _finished(result: Any) -> Any:
    """Wait for the device; on a CPU, an operation is done when its call returns."""
    if device() == "gpu":
        import tensorflow as tf

        tf.test.experimental.sync_devices()
    return result
