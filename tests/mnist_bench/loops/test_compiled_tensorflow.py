"""What TensorFlow's launches of several steps leave as it was."""

from __future__ import annotations

import subprocess
import sys

import pytest

pytestmark = pytest.mark.slow

#: Trains a step, compiles the launches of an epoch, and looks at every variable before and after;
#: then two launches of the same batches from the same values must give the same sums.
SCRIPT = """
import numpy as np
import keras
import tensorflow as tf
from mnist_bench.inputs import prepare
from mnist_bench.loops.compiled_tensorflow import compile_pieces, scan_function, step_function
from mnist_bench.models import build_model
from mnist_bench.settings import Settings
from mnist_bench.synthetic import Arrays

rng = np.random.default_rng(0)
images = rng.integers(0, 256, (64, 28, 28), np.uint8)
labels = rng.integers(0, 10, 64).astype(np.uint8)
settings = Settings(
    model="cnn", optimizer="adam", batch_size=16, loop="scan", backend="tensorflow",
    precision="float32", as_published=False,
)
inputs = prepare(Arrays(images, labels, images, labels), settings)
model = build_model("cnn", 1234, "float32")
model.compile(optimizer="adam", loss="categorical_crossentropy")
model.optimizer.build(model.trainable_variables)
scan = scan_function(step_function(model, inputs, model, xla=True))
scan(tf.zeros((1, 16), tf.int32))  # Adam's moments and the state of the draws are no longer zero

def held():
    return [v.numpy().copy() for v in (*model.variables, *model.optimizer.variables)]

before = held()
compile_pieces(scan, model, [(2, 16), (1, 16), (1, 8)])
after = held()
assert len(before) > 10
for one, other in zip(before, after, strict=True):
    assert np.array_equal(one, other)
sums = scan(tf.reshape(tf.range(32), (2, 16))).numpy()
changed = [not np.array_equal(one, other) for one, other in zip(before, held(), strict=True)]
assert sum(changed) > 10, changed
assert sums[0] > 0
"""


def test_compiling_the_launches_changes_no_variable(monkeypatch):
    pytest.importorskip("keras")
    monkeypatch.setenv("KERAS_BACKEND", "tensorflow")
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-2000:]
