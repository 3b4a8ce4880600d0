"""TensorFlow's own forward pass of the CNN: the same values as Keras's, in another order."""

from __future__ import annotations

import subprocess
import sys

import pytest

pytestmark = pytest.mark.slow

#: Compares both passes with biases that are not zero, then a network without pooling.
SCRIPT = """
import sys
import numpy as np
import keras
from mnist_bench.loops.compiled_tensorflow import pooled_first
from mnist_bench.models import build_model

rng = np.random.default_rng(0)
model = build_model("cnn", 1234, sys.argv[1])
images = rng.random((16, 28, 28, 1), dtype=np.float32)
plain = keras.Sequential([
    keras.Input((28, 28, 1)),
    keras.layers.Conv2D(4, 3, activation="relu"),
    keras.layers.Conv2D(4, 3, activation="relu"),
    keras.layers.Flatten(),
])
for one in (model, plain):
    for variable in one.trainable_variables:
        if len(variable.shape) == 1:
            variable.assign(rng.normal(0, 0.3, variable.shape).astype("float32"))
    theirs = np.asarray(one(images, training=False))
    ours = np.asarray(pooled_first(one)(images, training=False))
    assert theirs.std() > 0, "the biases and images decide"
    assert np.array_equal(theirs, ours), np.abs(theirs - ours).max()
"""


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_bias_and_relu_after_pooling_give_the_same_bits(precision, monkeypatch):
    pytest.importorskip("keras")
    monkeypatch.setenv("KERAS_BACKEND", "tensorflow")
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, precision], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-2000:]
