"""The CNN's training step on CPU cores: each core takes a block of the batch's images.

XLA runs many operations of a CPU program in one thread, those between matrix products above all.
Therefore the cores are devices of their own. Each computes the gradients of its block of images,
and their sum updates the weights. Convolutions are matrix products of image patches, and pooling is
the maximum of four slices, because XLA's gradients of its own forms are slow: a `reduce_window` has
a select-and-scatter.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from mnist_bench.inputs import PIXEL_SCALE, Inputs
from mnist_bench.loops.pieces import Piece

#: Images that a block has at least; with fewer, the matrix products of a block are too small.
LEAST_IMAGES = 32

#: The name of the axis of devices.
AXIS = "blocks"

#: A launch of one step: from a state and the indices of a batch, (1, images), to the next state and
#: the sums of losses and of correct answers.
Launch = Callable[[Any, npt.NDArray[np.int32]], tuple[Any, Any]]


def launches(
    model: Any, state: Any, inputs: Inputs, pieces: list[Piece]
) -> tuple[Any, dict[Piece, Launch]]:
    """Return the state, placed on the devices, and a compiled launch for every size of a batch."""
    import jax
    from jax.sharding import Mesh, NamedSharding, PartitionSpec

    sizes = [size for _, size in pieces]
    blocks = max(1, min(len(jax.devices()), max(sizes) // LEAST_IMAGES))
    mesh = Mesh(np.array(jax.devices()[:blocks]), (AXIS,))
    everywhere = NamedSharding(mesh, PartitionSpec())
    state = jax.device_put(state, everywhere)
    return state, {
        piece: _launch(model, state, inputs, piece[1], mesh) for piece in dict.fromkeys(pieces)
    }


def _launch(model: Any, state: Any, inputs: Inputs, size: int, mesh: Any) -> Launch:
    """Return a compiled step for batches of `size` images, which are padded to equal blocks."""
    import jax
    from jax.sharding import NamedSharding, PartitionSpec

    split = NamedSharding(mesh, PartitionSpec(AXIS))
    padding = -size % mesh.size

    def placed(chosen: npt.NDArray[np.int32]) -> tuple[Any, Any]:
        padded = np.pad(chosen, (0, padding))
        images, labels = inputs.raw_images[padded], inputs.raw_labels[padded].astype(np.int32)
        placed_images, placed_labels = jax.device_put((images, labels), split)
        return placed_images, placed_labels

    step = jax.jit(
        _step_function(model, size, padding, mesh),
        donate_argnums=0,
        out_shardings=NamedSharding(mesh, PartitionSpec()),
    )
    compiled = step.lower(state, *placed(np.zeros(size, np.int32))).compile()
    return lambda state, chosen: compiled(state, *placed(chosen[0]))


def _step_function(model: Any, size: int, padding: int, mesh: Any) -> Callable[..., Any]:
    """Return a function of (state, raw images, labels) that trains on one batch."""
    import jax
    import jax.numpy as jnp
    from jax.sharding import PartitionSpec

    dtype = model.dtype_policy.compute_dtype

    def of_block(weights: Any, raw: Any, truth: Any, factors: Any, counts: Any) -> Any:
        """Return ((sum of losses, correct answers), gradients) of the whole batch."""

        def loss_of(weights: Any) -> Any:
            batch = raw.astype(jnp.float32) / PIXEL_SCALE
            cast = [weight.astype(dtype) for weight in weights]
            scores = _scores(cast, batch.astype(dtype), factors.astype(dtype)).astype(jnp.float32)
            told = jnp.take_along_axis(jax.nn.log_softmax(scores), truth[:, None], 1)[:, 0]
            right = jnp.sum((scores.argmax(1) == truth) * counts)
            return -jnp.sum(told * counts) / size, right

        return jax.lax.psum(jax.value_and_grad(loss_of, has_aux=True)(weights), AXIS)

    whole, split = PartitionSpec(), PartitionSpec(AXIS)
    of_batch = jax.shard_map(
        of_block,
        mesh=mesh,
        in_specs=(whole, split, split, split, split),
        out_specs=whole,
        check_vma=False,
    )

    def step(state: Any, raw: Any, truth: Any) -> Any:
        weights, other, optimizer = state
        factors, other = _dropout(model, other, size)
        padded = jnp.pad(factors, ((0, padding), (0, 0)))
        counts = jnp.pad(jnp.ones(size), (0, padding))
        (loss, right), gradients = of_batch(weights, raw, truth, padded, counts)
        weights, optimizer = model.optimizer.stateless_apply(optimizer, gradients, weights)
        return (weights, other, optimizer), jnp.stack([loss * size, right])

    return step


def _scores(weights: Any, batch: Any, factors: Any) -> Any:
    """Return the last layer's values before softmax, (images, classes)."""
    import jax

    first, first_bias, second, second_bias, last, last_bias = weights
    for kernel, bias in ((first, first_bias), (second, second_bias)):
        # relu after max pooling gives the same result for a quarter of the work
        batch = jax.nn.relu(_pooled(_convolved(batch, kernel)) + bias)
    return (batch.reshape(len(batch), -1) * factors) @ last + last_bias


def _convolved(batch: Any, kernel: Any) -> Any:
    """Return the valid convolution, (images, height, width, channels), as one matrix product."""
    import jax.numpy as jnp

    height, width, entering, leaving = kernel.shape
    rows, columns = batch.shape[1] - height + 1, batch.shape[2] - width + 1
    patches = jnp.concatenate(
        [
            batch[:, row : row + rows, column : column + columns]
            for row in range(height)
            for column in range(width)
        ],
        axis=3,
    )
    flat = patches.reshape(-1, height * width * entering) @ kernel.reshape(-1, leaving)
    return flat.reshape(len(batch), rows, columns, leaving)


def _pooled(batch: Any) -> Any:
    """Return the maximum of each 2 x 2 square; an odd last row or column is left out."""
    import jax.numpy as jnp

    rows, columns = batch.shape[1] // 2 * 2, batch.shape[2] // 2 * 2
    even, odd = batch[:, 0:rows:2, :columns], batch[:, 1:rows:2, :columns]
    higher = jnp.maximum(even, odd)
    return jnp.maximum(higher[:, :, ::2], higher[:, :, 1::2])


def _dropout(model: Any, other: Any, size: int) -> tuple[Any, Any]:
    """Return the factors of a batch, (images, values), and the generator's next state.

    They are what Keras's layer draws from its one variable: 0, or the inverse of the kept share.
    """
    import jax
    import jax.numpy as jnp

    ((layer,), (seed,)) = [one for one in model.layers if hasattr(one, "rate")], other
    kept = 1.0 - layer.rate
    drawn = jax.random.bernoulli(seed, kept, (size, *layer.output.shape[1:]))
    return drawn / jnp.float32(kept), [seed + jnp.array([0, 1], seed.dtype)]
