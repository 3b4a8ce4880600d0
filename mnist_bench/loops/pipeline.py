"""The tf.data pipeline of `fit` and of evaluation: batches in a given order.

It does what Keras does for arrays (an index pipeline, a gather, prefetch), with one difference:
tf.data's autotuner is off, and its two settings are fixed. In TensorFlow 2.21, the autotuner's
thread may be asleep when a pipeline is torn down. `fit` or `evaluate` then returns late, by seconds
or up to a minute, although no step is slower, and that wait would be in `total_s`.
"""

from __future__ import annotations

from typing import Any

import numpy as np

#: Batches that are gathered ahead of their step, and gathers that run at the same time.
PREFETCH_BATCHES, PARALLEL_GATHERS = 4, 2


def batches(images: np.ndarray, labels: np.ndarray, orders: np.ndarray, batch_size: int) -> Any:
    """Return a tf.data.Dataset of (images, labels) batches.

    `orders` holds int32 indices of shape (epochs, images). Each epoch is cut into its own batches,
    so its last batch may be smaller.
    """
    import tensorflow as tf

    epochs, count = orders.shape
    steps = -(-count // batch_size)
    with tf.device("cpu"):
        image_tensor, label_tensor = tf.constant(images), tf.constant(labels)
        order_tensor = tf.constant(orders)

    def indices(step: Any) -> Any:
        begin = (step % steps) * batch_size
        return order_tensor[step // steps, begin : tf.minimum(begin + batch_size, count)]

    def gather(chosen: Any) -> Any:
        return tf.gather(image_tensor, chosen), tf.gather(label_tensor, chosen)

    options = tf.data.Options()
    options.autotune.enabled = False
    dataset = tf.data.Dataset.range(epochs * steps).map(indices)
    dataset = dataset.map(gather, num_parallel_calls=PARALLEL_GATHERS)
    return dataset.prefetch(PREFETCH_BATCHES).with_options(options)


def in_order(images: np.ndarray, labels: np.ndarray, batch_size: int) -> Any:
    """Return a tf.data.Dataset of one pass over `images` in their own order."""
    order = np.arange(len(images), dtype=np.int32)[None, :]
    return batches(images, labels, order, batch_size)
