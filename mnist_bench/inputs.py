"""A dataset in the form that a network takes: raw for loops that convert it, and as floats."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from mnist_bench.models import ARCHITECTURES, CLASSES
from mnist_bench.settings import Settings
from mnist_bench.synthetic import Arrays

#: Pixels are divided by this.
PIXEL_SCALE = 255


class Inputs(NamedTuple):
    """Images and labels of both sets, in the network's shape.

    `raw_images` (n, *image_shape) and `raw_labels` (n,) are uint8 views of the training set. The
    other arrays are float32, with pixels in 0..1 and one-hot labels.
    """

    raw_images: np.ndarray
    raw_labels: np.ndarray
    x_train: np.ndarray
    y_train: np.ndarray
    x_test: np.ndarray
    y_test: np.ndarray


def prepare(arrays: Arrays, settings: Settings) -> Inputs:
    """Return `arrays` in the form that the network of `settings` takes.

    `as_published` divides the MLP's test images by 225, as the script of 2020 did.
    """
    architecture = ARCHITECTURES[settings.model]
    divisor = architecture.published_test_divisor if settings.as_published else PIXEL_SCALE
    shape = (-1, *architecture.image_shape)
    one_hot = np.eye(CLASSES, dtype=np.float32)
    raw_images = arrays.x_train.reshape(shape)
    return Inputs(
        raw_images=raw_images,
        raw_labels=arrays.y_train,
        x_train=_scaled(raw_images, PIXEL_SCALE),
        y_train=one_hot[arrays.y_train],
        x_test=_scaled(arrays.x_test.reshape(shape), divisor),
        y_test=one_hot[arrays.y_test],
    )


def _scaled(pixels: np.ndarray, divisor: int) -> np.ndarray:
    """Return uint8 `pixels` / `divisor` as float32, without a copy in between."""
    scaled: np.ndarray = np.divide(pixels, np.float32(divisor), dtype=np.float32)
    return scaled
