"""Keras `fit`, as people use it, with a given batch order.

The input pipeline takes the indices of each epoch from `orders`, so every machine trains on the
same batches. It is tf.data on TensorFlow; on JAX and PyTorch, arrays are sliced in Python, as Keras
does with arrays there. One `fit` call runs all epochs, as in the 2020 annex.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

from bench.child.meter import Meter
from mnist_bench.inputs import Inputs
from mnist_bench.loops.pipeline import batches


def train(
    model: Any,
    inputs: Inputs,
    orders: npt.NDArray[np.int32],
    batch_size: int,
    meter: Meter,
) -> None:
    """Train the compiled Keras `model`; see `mnist_bench.loops.Loop`."""
    epochs, count = orders.shape
    with warnings.catch_warnings():
        # Keras warns that it ignores shuffle for a Dataset: `orders` is already shuffled
        warnings.filterwarnings("ignore", message=".*shuffle.*")
        model.fit(
            _source(inputs, orders, batch_size),
            epochs=epochs,
            steps_per_epoch=-(-count // batch_size),
            shuffle=False,
            verbose=0,
            callbacks=[_timing_callback(meter)],
        )


def _source(inputs: Inputs, orders: np.ndarray, batch_size: int) -> Any:
    import keras

    if keras.backend.backend() == "tensorflow":
        return batches(inputs.x_train, inputs.y_train, orders, batch_size)
    return _cut(inputs.x_train, inputs.y_train, orders, batch_size)


def _cut(
    images: np.ndarray, labels: np.ndarray, orders: np.ndarray, batch_size: int
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    for order in orders:
        for begin in range(0, len(order), batch_size):
            chosen = order[begin : begin + batch_size]
            yield images[chosen], labels[chosen]


def _timing_callback(meter: Meter) -> Any:
    import keras

    class Timing(keras.callbacks.Callback):  # type: ignore[misc,unused-ignore]
        """Reports each step to the meter; its time includes its share of the input pipeline."""

        def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
            self.timer = meter.epoch()

        def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
            float(logs["loss"])  # waits for the device if the framework ran ahead of it
            self.timer.step()

        def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
            self.timer.end(train_loss=float(logs["loss"]), train_accuracy=float(logs["accuracy"]))

    return Timing()
