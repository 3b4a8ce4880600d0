"""The two networks of the 2020 annex, built with Keras; NumPy draws their initial weights.

Keras is imported inside the functions, so only a job's child process pays for the import.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

#: Streams of a job's seed. Each use of randomness has its own stream, so no use shifts another.
WEIGHTS_STREAM, ORDER_STREAM, DROPOUT_STREAM = 1, 2, 3

CLASSES = 10


@dataclass(frozen=True)
class Architecture:
    """A network: how Keras builds it, the shape of one image, and its published size."""

    build: Callable[[int], Any]
    image_shape: tuple[int, ...]
    parameters: int
    published_test_divisor: int


def _build_mlp(seed: int) -> Any:
    from keras import Input, Sequential, layers

    return Sequential(
        [Input((784,)), layers.Dense(512, activation="relu"), layers.Dense(10, "softmax")],
        name="mlp",
    )


def _build_cnn(seed: int) -> Any:
    from keras import Input, Sequential, layers

    return Sequential(
        [
            Input((28, 28, 1)),
            layers.Conv2D(32, 3, activation="relu"),
            layers.MaxPooling2D(2),
            layers.Conv2D(64, 3, activation="relu"),
            layers.MaxPooling2D(2),
            layers.Flatten(),
            layers.Dropout(0.5, seed=seed),
            layers.Dense(10, activation="softmax"),
        ],
        name="cnn",
    )


ARCHITECTURES: dict[str, Architecture] = {
    "mlp": Architecture(_build_mlp, (784,), 407_050, published_test_divisor=225),
    "cnn": Architecture(_build_cnn, (28, 28, 1), 34_826, published_test_divisor=255),
}

#: Keras's dtype policy for each precision.
POLICIES: dict[str, str] = {"float32": "float32", "bfloat16": "mixed_bfloat16"}

OPTIMIZERS: tuple[str, ...] = ("sgd", "rmsprop", "adam")


def build_model(name: str, seed: int, precision: str = "float32") -> Any:
    """Return the Keras model `name` with initial weights from `seed`.

    The framework's own generator is seeded too, because PyTorch draws dropout from it. With
    `bfloat16`, variables stay float32 and layers compute in bfloat16 (Keras's mixed policy).
    """
    import keras

    keras.utils.set_random_seed(seed)
    keras.config.set_dtype_policy(POLICIES[precision])
    dropout_seed = int(np.random.SeedSequence((seed, DROPOUT_STREAM)).generate_state(1)[0] >> 1)
    model = ARCHITECTURES[name].build(dropout_seed)
    trainable = model.trainable_variables
    for variable, values in zip(
        trainable, initial_weights([tuple(v.shape) for v in trainable], seed), strict=True
    ):
        variable.assign(values)
    return model


def initial_weights(shapes: Sequence[tuple[int, ...]], seed: int) -> list[np.ndarray]:
    """Return float32 initial weights by Keras's defaults: Glorot uniform kernels, zero biases.

    Source: Glorot and Bengio (2010), limit sqrt(6 / (fan_in + fan_out)); the fans of a
    convolution include its receptive field.
    """
    weights = []
    for index, shape in enumerate(shapes):
        if len(shape) == 1:
            weights.append(np.zeros(shape, dtype=np.float32))
            continue
        field = math.prod(shape[:-2])
        limit = math.sqrt(6.0 / (field * (shape[-2] + shape[-1])))
        generator = np.random.default_rng(np.random.SeedSequence((seed, WEIGHTS_STREAM, index)))
        weights.append(generator.uniform(-limit, limit, shape).astype(np.float32))
    return weights


def batch_orders(seed: int, epochs: int, images: int) -> np.ndarray:
    """Return the order of the images in each epoch: int32 of shape (epochs, images).

    Each epoch has its own generator, so a 2-epoch job has the first two orders of a 15-epoch job.
    """
    orders = np.empty((epochs, images), dtype=np.int32)
    for epoch in range(epochs):
        sequence = np.random.SeedSequence((seed, ORDER_STREAM, epoch))
        orders[epoch] = np.random.default_rng(sequence).permutation(images)
    return orders
