"""Counts the work of a training step from the network's shape: operations and bytes.

It reads only shapes; nothing here runs or times anything.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

from bench.record.ceilings import WorkCount
from mnist_bench.settings import Settings

#: Values that an optimizer keeps per parameter. Source: the docstrings of keras.optimizers.
SLOTS = {"sgd": 0, "rmsprop": 1, "adam": 2}

#: Bytes of a value in computations, by precision; parameters and their updates are float32.
COMPUTE_BYTES = {"float32": 4, "bfloat16": 2}
PARAMETER_BYTES = 4

#: Bytes of a pixel that a loop sends to the device; compiled loops keep uint8 on the device.
PIXEL_BYTES = {"fit": 4}
RESIDENT_PIXEL_BYTES = 1

#: Passes over a layer's output: it is written and read forward and read backward, and its gradient
#: is written and read.
ACTIVATION_PASSES = 5


def count_work(model: Any, settings: Settings) -> WorkCount:
    """Return the least work of one step on a full batch of the Keras `model`.

    Operations: a layer with a kernel of k values, applied at p places, takes p*k multiply-adds per
    image. That is 2*p*k operations forward, as many for the kernel's gradient, and as many for the
    input's gradient, which the first such layer does not need. Other operations (activations,
    pooling, softmax, loss, optimizer) are left out, as is usual for model FLOPs.
    Source of this convention: Chowdhery et al., PaLM (2022), appendix B.

    Bytes: parameters are read forward and backward in the compute precision. Their gradients are
    written and read. Parameters and the optimizer's slots are read and written in float32. Each
    layer's output is passed ACTIVATION_PASSES times, and the pixels twice. A step moves these bytes
    if nothing stays in cache between two passes and each pass touches a value once.
    """
    each = [2 * places * kernel for places, kernel in _kernels(model)]
    parameters = model.count_params()
    width, slots = COMPUTE_BYTES[settings.precision], SLOTS[settings.optimizer]
    outputs = sum(_outputs(model)) * settings.batch_size * width
    pixels = math.prod(model.input_shape[1:]) * settings.batch_size
    pixel_bytes = pixels * PIXEL_BYTES.get(settings.loop, RESIDENT_PIXEL_BYTES)
    weights = parameters * (2 * width + PARAMETER_BYTES * (2 + 2 + 2 * slots))
    return WorkCount(
        flops=(3 * sum(each) - each[0]) * settings.batch_size,
        bytes=weights + ACTIVATION_PASSES * outputs + 2 * pixel_bytes,
        working_set_bytes=parameters * PARAMETER_BYTES * (2 + slots) + 2 * outputs + pixel_bytes,
    )


def _kernels(model: Any) -> Iterator[tuple[int, int]]:
    """Yield (places, values) for each layer's kernel, in order."""
    for layer in model.layers:
        kernel = getattr(layer, "kernel", None)
        if kernel is not None:
            yield math.prod(layer.output.shape[1:-1]), math.prod(kernel.shape)


def _outputs(model: Any) -> Iterator[int]:
    """Yield the output values per image of each layer; a reshape moves nothing and is left out.

    An activation function is assumed to run together with its layer.
    """
    for layer in model.layers:
        if type(layer).__name__ != "Flatten":
            yield math.prod(layer.output.shape[1:])
