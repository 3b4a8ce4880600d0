"""An epoch as TensorFlow graphs; the data stay on the device.

On a CPU, one graph is the whole epoch and stamps each step. XLA compiles the step of a dense
network. It does not compile convolutions there, because XLA's are several times slower than
TensorFlow's. A convolution's bias and relu follow its pooling: the same values for a quarter of the
work.

On a GPU, XLA compiles a loop of many steps, and an epoch is a few launches. If each step is a
launch of its own, a step takes four times as long there (an MLP on an H200: 0.40 ms and 0.10).
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
from mnist_bench.loops.pieces import Piece, cut, scan_pieces
from mnist_bench.models import CLASSES


def train(
    model: Any,
    inputs: Inputs,
    orders: npt.NDArray[np.int32],
    batch_size: int,
    meter: Meter,
) -> None:
    """Train in the way that is faster on this device; see `mnist_bench.loops.Loop`."""
    import tensorflow as tf

    if tf.config.list_physical_devices("GPU"):
        train_scan(model, inputs, orders, batch_size, meter)
    else:
        _train_stamped(model, inputs, orders, batch_size, meter)


def train_scan(
    model: Any,
    inputs: Inputs,
    orders: npt.NDArray[np.int32],
    batch_size: int,
    meter: Meter,
) -> None:
    """Train in a few launches of XLA per epoch; see `mnist_bench.loops.Loop`."""
    import tensorflow as tf

    keep_freed_memory()
    model.optimizer.build(model.trainable_variables)
    scan = scan_function(step_function(model, inputs, model, xla=True))
    pieces = scan_pieces(orders.shape[1], batch_size)
    for number, order in enumerate(orders):
        with meter.epoch() as epoch:
            if number == 0:
                compile_pieces(scan, model, pieces)
                epoch.apart()
            sums = np.zeros(2)
            for (steps, _), chosen in cut(order, pieces):
                sums += scan(tf.constant(chosen)).numpy()  # waits for the device
                epoch.step(steps)
            epoch.report(train_loss=sums[0] / len(order), train_accuracy=sums[1] / len(order))


def _train_stamped(
    model: Any,
    inputs: Inputs,
    orders: npt.NDArray[np.int32],
    batch_size: int,
    meter: Meter,
) -> None:
    """Train with one launch per epoch, on a CPU."""
    import keras
    import tensorflow as tf

    keep_freed_memory()
    model.optimizer.build(model.trainable_variables)
    has_convolution = any(isinstance(layer, keras.layers.Conv2D) for layer in model.layers)
    forward = pooled_first(model) if has_convolution else model
    step = step_function(model, inputs, forward, xla=not has_convolution)
    run_epoch = _epoch_function(step, orders.shape[1], batch_size)
    for order in orders:
        with meter.epoch() as epoch:
            stamps, loss, accuracy = run_epoch(tf.constant(order))
            epoch.stamped(stamps.numpy())
            epoch.report(train_loss=float(loss), train_accuracy=float(accuracy))


def step_function(model: Any, inputs: Inputs, forward: Callable[..., Any], *, xla: bool) -> Any:
    """Return the training step: from indices of a batch to (mean loss, number correct).

    `forward` is the forward pass of the Keras `model`.
    """
    import tensorflow as tf
    from keras import losses

    images, labels = tf.constant(inputs.raw_images), tf.constant(inputs.raw_labels)
    optimizer = model.optimizer

    @tf.function(jit_compile=xla, reduce_retracing=False)
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
    only after the next step. Therefore each stamp waits for the one before it, and the next step
    waits for the stamp.
    """
    import tensorflow as tf

    full, ragged = divmod(count, batch_size)
    steps = full + (ragged > 0)

    def stamped(loss: Any, last: Any) -> Any:
        with tf.control_dependencies([loss, last]):
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
            with tf.control_dependencies([loss_sum, last]):
                loss, right = step(chosen)
            last = stamped(loss, last)
            stamps = stamps.write(number + 1, last)
            loss_sum, right_sum = loss_sum + loss * batch_size, right_sum + right
        if ragged:
            with tf.control_dependencies([loss_sum, last]):
                loss, right = step(order[full * batch_size :])
            stamps = stamps.write(steps, stamped(loss, last))
            loss_sum, right_sum = loss_sum + loss * ragged, right_sum + right
        return stamps.stack(), loss_sum / count, right_sum / count

    return epoch


def scan_function(step: Any) -> Any:
    """Return one launch of several steps, which takes indices of images, (steps, images).

    It returns the sum of the losses of all its images and the number of correct answers.
    """
    import tensorflow as tf

    @tf.function(jit_compile=True, reduce_retracing=False)
    def scan(batches: Any) -> Any:
        sums = tf.zeros(2)
        for number in tf.range(batches.shape[0]):
            loss, right = step(batches[number])
            sums += tf.stack([loss * batches.shape[1], right])
        return sums

    return scan


def compile_pieces(scan: Any, model: Any, pieces: list[Piece]) -> None:
    """Compile a launch for every shape of a piece, so that no later launch compiles.

    XLA compiles when it runs, so one launch of each shape trains on the first image. Then the model
    gets back what it held.
    """
    import tensorflow as tf

    variables = [*model.variables, *model.optimizer.variables]
    before = [variable.numpy() for variable in variables]
    for piece in dict.fromkeys(pieces):
        scan(tf.zeros(piece, tf.int32)).numpy()
    for variable, value in zip(variables, before, strict=True):
        variable.assign(value)
