"""A whole epoch in one TensorFlow graph that stamps each step; the data stay on the device.

XLA compiles a step if that is faster: for dense networks, and for everything on a GPU. XLA's CPU
convolutions are several times slower than TensorFlow's, so it does not compile them on a CPU. A
convolution's bias and relu follow its pooling there: the same values for a quarter of the work.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from bench.child.meter import Meter
from mnist_bench.allocator import keep_freed_memory
from mnist_bench.inputs import PIXEL_SCALE, Inputs
from mnist_bench.models import CLASSES


def train(
    model: Any,
    inputs: Inputs,
    orders: npt.NDArray[np.int32],
    batch_size: int,
    meter: Meter,
) -> None:
    """Train the compiled Keras `model`; see `mnist_bench.loops.Loop`."""
    import tensorflow as tf

    keep_freed_memory()
    model.optimizer.build(model.trainable_variables)
    images, labels = tf.constant(inputs.raw_images), tf.constant(inputs.raw_labels)
    run_epoch = _epoch_function(_step_function(model, images, labels), orders.shape[1], batch_size)
    for order in orders:
        with meter.epoch() as epoch:
            stamps, loss, accuracy = run_epoch(tf.constant(order))
            epoch.stamped(stamps.numpy())
            epoch.report(train_loss=float(loss), train_accuracy=float(accuracy))


def _uses_xla(model: Any) -> bool:
    import keras
    import tensorflow as tf

    has_convolution = any(isinstance(layer, keras.layers.Conv2D) for layer in model.layers)
    return not has_convolution or bool(tf.config.list_physical_devices("GPU"))


def _step_function(model: Any, images: Any, labels: Any) -> Any:
    """Return the training step: from indices of a batch to (mean loss, number correct)."""
    import tensorflow as tf
    from keras import losses

    optimizer = model.optimizer
    forward = model if _uses_xla(model) else pooled_first(model)

    @tf.function(jit_compile=_uses_xla(model), reduce_retracing=False)
    def step(chosen: Any) -> tuple[Any, Any]:
        batch = tf.cast(tf.gather(images, chosen), tf.float32) / PIXEL_SCALE
        # uint8 until here: TensorFlow keeps int32 tensors on the host
        truth = tf.cast(tf.gather(labels, chosen), tf.int32)
        with tf.GradientTape() as tape:
            predicted = tf.cast(forward(batch, training=True), tf.float32)
            loss = tf.reduce_mean(
                losses.categorical_crossentropy(tf.one_hot(truth, CLASSES), predicted)
            )
        gradients = tape.gradient(loss, model.trainable_variables)
        optimizer.apply(gradients, model.trainable_variables)
        updated = [variable.value.read_value() for variable in model.trainable_variables]
        with tf.control_dependencies(updated):  # a step is done when its weights are updated
            loss = tf.identity(loss)
        right = tf.argmax(predicted, 1, output_type=tf.int32) == truth
        return loss, tf.reduce_sum(tf.cast(right, tf.float32))

    return step


def pooled_first(model: Any) -> Callable[..., Any]:
    """Return the forward pass of a Keras `model`: each convolution is pooled before bias and relu.

    Neither of these falls as its argument grows, so the largest of four values stays the largest.
    A convolution that is not followed by pooling is computed as Keras does.
    """
    import tensorflow as tf
    from keras import layers

    def forward(batch: Any, training: bool) -> Any:
        convolution = None
        for layer, following in itertools.pairwise((*model.layers, None)):
            pooled = isinstance(following, layers.MaxPooling2D)
            if isinstance(layer, layers.Conv2D) and pooled:
                convolution, kernel = layer, tf.cast(layer.kernel, layer.compute_dtype)
                batch = layer.convolution_op(tf.cast(batch, layer.compute_dtype), kernel)
                continue
            batch = layer(batch, training=training)
            if convolution is not None:  # this layer has pooled it
                bias = tf.cast(convolution.bias, convolution.compute_dtype)
                batch, convolution = convolution.activation(tf.nn.bias_add(batch, bias)), None
        return batch

    return forward


def _epoch_function(step: Any, count: int, batch_size: int) -> Any:
    """Return the graph of an epoch: from its order to (steps + 1 stamps, mean loss, accuracy).

    A loop's operations run as soon as their inputs are there, so a busy thread pool may run a stamp
    only after the next step. Therefore each stamp waits for the one before it. On a CPU, the next
    step waits for the stamp too; on a GPU this would drain the device's queue after each step.
    """
    import tensorflow as tf

    full, ragged = divmod(count, batch_size)
    steps = full + (ragged > 0)
    on_gpu = bool(tf.config.list_physical_devices("GPU"))

    def stamped(loss: Any, last: Any) -> Any:
        with tf.device("cpu"):  # the loss is on the host, so its step is done before the stamp
            on_host = tf.identity(loss)
        with tf.control_dependencies([on_host, last]):
            return tf.timestamp()

    @tf.function(input_signature=[tf.TensorSpec((count,), tf.int32)])
    def epoch(order: Any) -> tuple[Any, Any, Any]:
        stamps = tf.TensorArray(tf.float64, size=steps + 1, element_shape=())
        last = tf.timestamp()
        stamps = stamps.write(0, last)
        loss_sum, right_sum = tf.constant(0.0), tf.constant(0.0)
        for number in tf.range(full):
            begin = number * batch_size
            chosen = tf.ensure_shape(order[begin : begin + batch_size], (batch_size,))
            with tf.control_dependencies([loss_sum] if on_gpu else [loss_sum, last]):
                loss, right = step(chosen)
            last = stamped(loss, last)
            stamps = stamps.write(number + 1, last)
            loss_sum, right_sum = loss_sum + loss * batch_size, right_sum + right
        if ragged:
            with tf.control_dependencies([loss_sum] if on_gpu else [loss_sum, last]):
                loss, right = step(order[full * batch_size :])
            stamps = stamps.write(steps, stamped(loss, last))
            loss_sum, right_sum = loss_sum + loss * ragged, right_sum + right
        return stamps.stack(), loss_sum / count, right_sum / count

    return epoch
