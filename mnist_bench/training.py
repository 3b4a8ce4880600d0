"""One training: compiles the model, trains it in its loop under the meter, and evaluates it."""

from __future__ import annotations

import pkgutil
from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from bench.child.meter import Meter
from mnist_bench.backends import BACKENDS, Backend
from mnist_bench.inputs import Inputs
from mnist_bench.loops import Loop
from mnist_bench.settings import Settings

#: The loop of the script of 2020, and its batch of an evaluation, which is Keras's default.
PUBLISHED, PUBLISHED_BATCH = "fit", 32

#: Images in a batch of an evaluation of the other loops, and of the prediction after a job. More
#: would take memory that no training step needs.
EVALUATION_BATCH = 500

#: The function of each loop, by loop and backend.
LOOPS: dict[tuple[str, str], str] = {
    **{(PUBLISHED, name): "mnist_bench.loops.fit:train" for name in BACKENDS},
    ("compiled", "tensorflow"): "mnist_bench.loops.compiled_tensorflow:train",
    ("compiled", "jax"): "mnist_bench.loops.compiled_jax:train",
    ("compiled", "torch"): "mnist_bench.loops.compiled_torch:train",
    ("scan", "tensorflow"): "mnist_bench.loops.compiled_tensorflow:train_scan",
    ("scan", "jax"): "mnist_bench.loops.compiled_jax:train_scan",
    ("stepwise", "jax"): "mnist_bench.loops.compiled_jax:train_stepwise",
    ("inductor", "torch"): "mnist_bench.loops.compiled_torch:train_inductor",
}


def train(
    model: Any,
    inputs: Inputs,
    orders: npt.NDArray[np.int32],
    settings: Settings,
    framework: Backend,
    meter: Meter,
) -> None:
    """Compile, train, and evaluate on both sets: the part that the 2020 annex timed."""
    loop: Loop = pkgutil.resolve_name(LOOPS[settings.loop, settings.backend])
    images = len(inputs.raw_images)
    batch = PUBLISHED_BATCH if settings.loop == PUBLISHED else EVALUATION_BATCH
    ragged = 0 < images % settings.batch_size < images
    with meter.training(
        lambda: _evaluated(model, inputs, framework, batch),
        model.get_weights,
        ragged_last_step=ragged,
    ):
        model.compile(
            optimizer=settings.optimizer, loss="categorical_crossentropy", metrics=["accuracy"]
        )
        loop(model, inputs, orders, settings.batch_size, meter)


def _evaluated(
    model: Any, inputs: Inputs, framework: Backend, batch_size: int
) -> Mapping[str, float]:
    """Evaluate on the training set, then on the test set."""
    train_loss, train_accuracy = framework.evaluate(
        model, inputs.x_train, inputs.y_train, batch_size
    )
    test_loss, test_accuracy = framework.evaluate(model, inputs.x_test, inputs.y_test, batch_size)
    model.test_function = None  # the next evaluation traces again, as a separate job would
    return {
        "train_loss": train_loss,
        "train_accuracy": train_accuracy,
        "test_loss": test_loss,
        "test_accuracy": test_accuracy,
    }


def predicted(model: Any, images: npt.NDArray[np.float32]) -> npt.NDArray[np.int64]:
    """Return the class that the compiled Keras `model` predicts for each image.

    In bfloat16, two classes may score alike, and another batch may then give the other one: the
    share of right classes may differ from the accuracy of an evaluation in the fourth digit.
    """
    begins = range(0, len(images), EVALUATION_BATCH)
    scores = (model.predict_on_batch(images[begin : begin + EVALUATION_BATCH]) for begin in begins)
    return np.concatenate([np.argmax(batch, axis=1) for batch in scores])
