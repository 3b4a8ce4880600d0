"""Keras `fit` on TensorFlow, as people use it, with the batch order given from outside.

The input pipeline takes the indices of each epoch from `orders`, so that every machine trains on
the same batches. One `fit` call runs all epochs, as in the 2020 annex.
"""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np

from mnist_bench.loops import TimedEpoch, split_steps
from mnist_bench.loops.pipeline import batches


def train(
    model: Any,
    images: np.ndarray,
    labels: np.ndarray,
    orders: np.ndarray,
    batch_size: int,
    on_epoch: Callable[[TimedEpoch], None],
) -> None:
    """Train the compiled Keras `model`; see `mnist_bench.loops.Loop`."""
    epochs, count = orders.shape
    steps = -(-count // batch_size)
    with warnings.catch_warnings():
        # Keras says that shuffle is ignored for a Dataset: the shuffling is in the orders
        warnings.filterwarnings("ignore", message=".*shuffle.*")
        model.fit(
            batches(images, labels, orders, batch_size),
            epochs=epochs,
            steps_per_epoch=steps,
            shuffle=False,
            verbose=0,
            callbacks=[_timing_callback(on_epoch)],
        )


def _timing_callback(on_epoch: Callable[[TimedEpoch], None]) -> Any:
    import keras

    class Timing(keras.callbacks.Callback):
        """Stamps the end of every step; a step's time holds its share of the input pipeline."""

        def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
            self.stamps: list[float] = []
            self.cpu = time.process_time()
            self.started = time.perf_counter()

        def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
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
