"""TensorFlow as a backend; see `mnist_bench.backends.Backend`."""

from __future__ import annotations

import os
from typing import Any

import numpy as np

from mnist_bench.backends import EVALUATION_BATCH
from mnist_bench.loops.pipeline import in_order


def load(threads: int) -> None:
    os.environ["KERAS_BACKEND"] = "tensorflow"
    import keras  # noqa: F401  the import is what is timed
    import tensorflow as tf

    tf.config.threading.set_intra_op_parallelism_threads(threads)
    tf.config.threading.set_inter_op_parallelism_threads(threads)


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


def evaluate(model: Any, images: np.ndarray, labels: np.ndarray) -> tuple[float, float]:
    loss, accuracy = model.evaluate(in_order(images, labels, EVALUATION_BATCH), verbose=0)
    return loss, accuracy
