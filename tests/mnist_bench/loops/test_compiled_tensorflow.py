"""TensorFlow's launches of several steps: compiling them trains nothing, and they only group steps.

XLA draws dropout in another way than TensorFlow, so a loss curve beside that of `fit` does not show
either. Here, launches are compared with launches.
"""

from __future__ import annotations

import subprocess
import sys

import pytest

pytestmark = pytest.mark.slow

#: Trains twins of one CNN on the same four batches, then one batch that is smaller: as launches of
#: two steps that were compiled before, and as single steps without that.
SCRIPT = """
import keras
import numpy as np
import tensorflow as tf
from mnist_bench.inputs import prepare
from mnist_bench.loops.compiled_tensorflow import compile_pieces, scan_function, step_function
from mnist_bench.models import build_model
from mnist_bench.settings import Settings
from mnist_bench.synthetic import Arrays

rng = np.random.default_rng(0)
images = rng.integers(0, 256, (72, 28, 28), np.uint8)
labels = rng.integers(0, 10, 72).astype(np.uint8)
settings = Settings(
    model="cnn", optimizer="adam", batch_size=16, loop="scan", backend="tensorflow",
    precision="float32", as_published=False,
)
inputs = prepare(Arrays(images, labels, images, labels), settings)

def twin():
    model = build_model("cnn", 1234, "float32")
    model.compile(optimizer="adam", loss="categorical_crossentropy")
    model.optimizer.build(model.trainable_variables)
    return model, scan_function(step_function(model, inputs, model, xla=True))

def trained(model, scan, launches):
    sums = sum(scan(tf.constant(each)).numpy() for each in launches)
    return sums, model.get_weights() + [v.numpy() for v in model.optimizer.variables]

order = rng.permutation(72).astype(np.int32)
pairs = [*order[:64].reshape(2, 2, 16), order[64:].reshape(1, 8)]
singles = [*order[:64].reshape(4, 1, 16), order[64:].reshape(1, 8)]
model, scan = twin()
compile_pieces(scan, model, [(2, 16), (2, 16), (1, 8)])
traces = scan.experimental_get_tracing_count()
sums, values = trained(model, scan, pairs)
assert scan.experimental_get_tracing_count() == traces == 2, "a later launch was compiled"
begun = build_model("cnn", 1234, "float32").get_weights()
assert any(not np.array_equal(a, b) for a, b in zip(begun, values)), "nothing was trained"
expected_sums, expected = trained(*twin(), singles)
np.testing.assert_allclose(sums, expected_sums, rtol=1e-5)
for ours, theirs in zip(values, expected, strict=True):
    np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-5)
"""


def test_compiled_launches_of_several_steps_train_as_single_steps_do(monkeypatch):
    pytest.importorskip("keras")
    monkeypatch.setenv("KERAS_BACKEND", "tensorflow")
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-2000:]
