"""Training loops: ways to train a model in a given batch order, timed by the meter."""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from bench.child.meter import Meter
from mnist_bench.inputs import Inputs


class Loop(Protocol):
    """Trains a compiled Keras model; after every epoch its weights hold the result.

    `inputs` come from `mnist_bench.inputs`; `orders` has the shape (epochs, images). A loop opens
    `meter.epoch()` for each epoch and reports each step to it. The meter waits for the device with
    the backend's `synchronise`; if that does nothing, the loop waits for the result of each launch.
    When the epoch ends, the meter may evaluate the model with the training clock stopped.
    """

    def __call__(
        self,
        model: Any,
        inputs: Inputs,
        orders: npt.NDArray[np.int32],
        batch_size: int,
        meter: Meter,
    ) -> None: ...
