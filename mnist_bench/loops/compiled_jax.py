"""An epoch in a few JAX launches, with jit and scan; the data stay on the device.

A launch gives one time for all its steps, so an epoch is cut into a few launches, and each step
gets the mean time of its launch. In the stepwise loop, each step is a launch with its own time. On
a CPU this is also faster: a launch costs only microseconds there, and XLA runs the inside of a scan
with less parallelism (an MLP step took 2.7 ms in a scan and 1.7 ms alone on 2 cores).

On a CPU, the CNN has a step of its own form; see `mnist_bench.loops.jax_blocks`.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from bench.child.meter import Meter
from bench.child.stopwatch import EpochTimer
from mnist_bench.allocator import keep_freed_memory
from mnist_bench.inputs import PIXEL_SCALE, Inputs
from mnist_bench.loops import jax_blocks
from mnist_bench.loops.jax_blocks import Launch
from mnist_bench.loops.pieces import Piece, cut, pieces, scan_pieces
from mnist_bench.models import CLASSES

#: Makes launches: from (model, state, inputs, pieces) to the placed state and a launch by piece.
Compiled = Callable[[Any, Any, Inputs, list[Piece]], tuple[Any, dict[Piece, Launch]]]


def train(
    model: Any,
    inputs: Inputs,
    orders: npt.NDArray[np.int32],
    batch_size: int,
    meter: Meter,
) -> None:
    """Train in the way that is faster on this device; see `mnist_bench.loops.Loop`."""
    import jax

    if jax.default_backend() != "cpu":
        train_scan(model, inputs, orders, batch_size, meter)
    elif model.name == "cnn":
        single = pieces(orders.shape[1], batch_size, 1)
        _train(model, inputs, orders, single, meter, jax_blocks.launches)
    else:
        train_stepwise(model, inputs, orders, batch_size, meter)


def train_scan(
    model: Any,
    inputs: Inputs,
    orders: npt.NDArray[np.int32],
    batch_size: int,
    meter: Meter,
) -> None:
    """Train in a few launches per epoch; see `mnist_bench.loops.Loop`."""
    _train(model, inputs, orders, scan_pieces(orders.shape[1], batch_size), meter)


def train_stepwise(
    model: Any,
    inputs: Inputs,
    orders: npt.NDArray[np.int32],
    batch_size: int,
    meter: Meter,
) -> None:
    """Train in one launch per step, so that each step has its own time; see `Loop`."""
    _train(model, inputs, orders, pieces(orders.shape[1], batch_size, 1), meter)


def _train(
    model: Any,
    inputs: Inputs,
    orders: npt.NDArray[np.int32],
    epoch_pieces: list[Piece],
    meter: Meter,
    compiled: Compiled | None = None,
) -> None:
    """Train with the launches that `compiled` makes; without it, with those of Keras's network."""
    keep_freed_memory()
    model.optimizer.build(model.trainable_variables)
    state = _state(model)
    launches: dict[Piece, Launch] = {}
    for order in orders:
        with meter.epoch() as epoch:
            if not launches:
                state, launches = (compiled or _launches)(model, state, inputs, epoch_pieces)
                epoch.apart()
            state, sums = _run_epoch(launches, state, order, epoch_pieces, epoch)
            epoch.stop()
            _assign(model, state)
            epoch.report(train_loss=sums[0] / len(order), train_accuracy=sums[1] / len(order))


def _launches(
    model: Any, state: Any, inputs: Inputs, epoch_pieces: list[Piece]
) -> tuple[Any, dict[Piece, Launch]]:
    """Return the state, and a compiled launch for every shape of batches: no later step compiles.

    The data stay on the device.
    """
    import jax

    images = jax.device_put(inputs.raw_images)
    labels = jax.device_put(inputs.raw_labels.astype(np.int32))
    scan = jax.jit(_scan_function(model), donate_argnums=0)

    def launch_of(piece: Piece) -> Launch:
        compiled = scan.lower(state, images, labels, np.zeros(piece, np.int32)).compile()
        return lambda state, batches: compiled(state, images, labels, batches)

    return state, {piece: launch_of(piece) for piece in dict.fromkeys(epoch_pieces)}


def _run_epoch(
    launches: dict[Piece, Launch],
    state: Any,
    order: npt.NDArray[np.int32],
    epoch_pieces: list[Piece],
    epoch: EpochTimer,
) -> tuple[Any, npt.NDArray[np.float64]]:
    """Return the state after the epoch, and the sums of losses and of correct answers."""
    import jax

    sums = np.zeros(2)
    for piece, chosen in cut(order, epoch_pieces):
        state, figures = launches[piece](state, chosen)
        sums += np.asarray(jax.block_until_ready(figures), dtype=float)
        epoch.step(piece[0])
    return state, sums


def _scan_function(model: Any) -> Callable[[Any, Any, Any, Any], Any]:
    """Return a function of (state, images, labels, batches) that trains on the batches.

    `batches` are indices of shape (steps, size).
    """
    import jax
    import jax.numpy as jnp
    from keras import losses

    def loss_of(trainable: Any, other: Any, batch: Any, truth: Any) -> Any:
        predicted, other = model.stateless_call(trainable, other, batch, training=True)
        predicted = predicted.astype(jnp.float32)
        loss = losses.categorical_crossentropy(jax.nn.one_hot(truth, CLASSES), predicted).mean()
        return loss, (other, (predicted.argmax(1) == truth).sum())

    def step(state: Any, chosen: Any, images: Any, labels: Any) -> Any:
        trainable, other, optimizer = state
        batch = images[chosen].astype(jnp.float32) / PIXEL_SCALE
        differentiate = jax.value_and_grad(loss_of, has_aux=True)
        (loss, (other, right)), gradients = differentiate(trainable, other, batch, labels[chosen])
        trainable, optimizer = model.optimizer.stateless_apply(optimizer, gradients, trainable)
        return (trainable, other, optimizer), jnp.stack([loss * chosen.size, right])

    def scan(state: Any, images: Any, labels: Any, batches: Any) -> Any:
        if batches.shape[0] == 1:
            return step(state, batches[0], images, labels)
        one = functools.partial(step, images=images, labels=labels)
        state, figures = jax.lax.scan(one, state, batches)
        return state, figures.sum(0)

    return scan


def _state(model: Any) -> tuple[list[Any], list[Any], list[Any]]:
    """Return copies of the model's and the optimizer's variables; launches may consume them."""
    import jax.numpy as jnp

    def copies(variables: Any) -> list[Any]:
        return [jnp.array(variable.value) for variable in variables]

    return (
        copies(model.trainable_variables),
        copies(model.non_trainable_variables),
        copies(model.optimizer.variables),
    )


def _assign(model: Any, state: Any) -> None:
    """Copy the trained values into the Keras model for its evaluation, on one device."""
    trainable, other, _ = state
    for variables, values in (
        (model.trainable_variables, trainable),
        (model.non_trainable_variables, other),
    ):
        for variable, value in zip(variables, values, strict=True):
            variable.assign(np.asarray(value))
