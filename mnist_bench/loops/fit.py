"""Keras `fit`, as people use it, with the batch order given from outside.

The input pipeline takes the indices of each epoch from `orders`, so that every machine trains on
the same batches: tf.data on TensorFlow, arrays cut in Python on JAX and PyTorch, as Keras does
there with arrays. One `fit` call runs all epochs, as in the 2020 annex.
"""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from mnist_bench.inputs import Inputs
from mnist_bench.loops import TimedEpoch, split_steps
from mnist_bench.loops.pipeline import batches


def train(
    model: Any,
    inputs: Inputs,
    orders: np.ndarray,
    batch_size: int,
    on_epoch: Callable[[TimedEpoch], None],
) -> None:
    """Train the compiled Keras `model`; see `mnist_bench.loops.Loop`."""
    epochs, count = orders.shape
    with warnings.catch_warnings():
        # Keras says that shuffle is ignored for a Dataset: the shuffling is in the orders
        warnings.filterwarnings("ignore", message=".*shuffle.*")
        model.fit(
            _source(inputs, orders, batch_size),
            epochs=epochs,
            steps_per_epoch=-(-count // batch_size),
            shuffle=False,
            verbose=0,
            callbacks=[_timing_callback(on_epoch)],
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


def _timing_callback(on_epoch: Callable[[TimedEpoch], None]) -> Any:
    import keras

    class Timing(keras.callbacks.Callback):
        """Stamps the end of every step; a step's time holds its share of the input pipeline."""

        def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
            self.stamps: list[float] = []
            self.cpu = time.process_time()
            self.started = time.perf_counter()

        def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
            float(logs["loss"])  # waits for the device, where the framework has run ahead of it
            self.stamps.append(time.perf_counter())

        def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
            ended = time.perf_counter()
            on_epoch(
                TimedEpoch(
                    epoch=epoch + 1,
                    started=self.started,
                    ended=ended,
                    cpu_s=time.process_time() - self.cpu,
                    step_s=split_steps(self.stamps, self.started),
                    train_loss=float(logs["loss"]),
                    train_accuracy=float(logs["accuracy"]),
                )
            )

    return Timing()
