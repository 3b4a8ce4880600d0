"""PyTorch's captured step: what is replayed trains as what is done operation by operation.

A CUDA graph needs a GPU, where tests/perf/gpu_check.py holds its curve against the CPU's. Here a
double stands for it that does the step again, on the batch that was captured: whatever the loop
keeps outside its fixed tensors would show.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys

import numpy as np
import pytest

from mnist_bench.backends import is_installed
from mnist_bench.eligibility import COMPILERS

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not is_installed("torch"), reason="PyTorch is an extra, EXTRAS=torch"),
]

STEPS, BATCH, RAGGED, EPOCHS = 6, 32, 9, 2

#: What is compiled as well, if torch.compile has the C++ compiler that it needs: it takes seconds.
#: Adam's update has a form of its own for a captured step.
FUSED = [("cnn", "adam")]
COMPILES = any(shutil.which(name) for name in COMPILERS)

SCRIPT = """
import json, os, sys
os.environ["KERAS_BACKEND"] = "torch"
import numpy as np
from bench.child.meter import Meter
from bench.spec.job import make_job
from mnist_bench.description import AXES, METRICS
from mnist_bench.loops.compiled_torch import as_written, fused, train_with
from mnist_bench.models import ARCHITECTURES, build_model

STEPS, BATCH, RAGGED, EPOCHS = json.loads(sys.argv[1])
count = STEPS * BATCH + RAGGED
rng = np.random.default_rng(1)
kinds = np.arange(count) % 10
images = rng.integers(0, 80, (count, 28, 28, 1), dtype=np.uint8)
images[np.arange(count), 2 * kinds, :] = 255
orders = np.stack([rng.permutation(count) for _ in range(EPOCHS)]).astype(np.int32)


def run(name, optimizer, compiled, captured):
    replays = []
    def capture(action):
        action()
        def replay():
            replays.append(1)
            action()
        return replay
    class inputs:
        raw_images = images.reshape(count, *ARCHITECTURES[name].image_shape)
        raw_labels = kinds.astype(np.uint8)
    model = build_model(name, 5)
    model.compile(optimizer=optimizer, loss="categorical_crossentropy", metrics=["accuracy"])
    job = make_job(AXES, {"model": name, "optimizer": optimizer}, epochs=EPOCHS, seed=5)
    meter = Meter(job, threads=2, started_s=0.0, emit=lambda event: None, metrics=METRICS)
    with meter.training():
        train_with(model, inputs, orders, BATCH, meter, compiled, capture if captured else None)
    told = meter.notebook.epochs
    weights = np.concatenate([np.ravel(weight) for weight in model.get_weights()])
    return {"losses": [epoch.metrics["train_loss"] for epoch in told], "replays": len(replays),
            "steps": [epoch.steps for epoch in told],
            "weights": [float(x) for x in weights[:: max(1, len(weights) // 500)]]}

ways = {"plain": (as_written, False), "replayed": (as_written, True)}
told = {
    f"{name} {optimizer} {way}": run(name, optimizer, *how)
    for name in ("mlp", "cnn") for optimizer in ("sgd", "rmsprop", "adam")
    for way, how in ways.items()
}
for name, optimizer in json.loads(sys.argv[2]):
    told[f"{name} {optimizer} fused"] = run(name, optimizer, fused, True)
print(json.dumps(told))
"""


@pytest.fixture(scope="module")
def trained():
    """Return what each network, optimizer and way gave, in a process with Keras on PyTorch."""
    sizes = json.dumps([STEPS, BATCH, RAGGED, EPOCHS])
    words = [sys.executable, "-c", SCRIPT, sizes, json.dumps(FUSED if COMPILES else [])]
    # torch.compile would start a pool of processes, each of which imports PyTorch
    environment = {**os.environ, "TORCHINDUCTOR_COMPILE_THREADS": "1"}
    done = subprocess.run(words, capture_output=True, text=True, timeout=300, env=environment)
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout.splitlines()[-1])


@pytest.mark.parametrize("optimizer", ["sgd", "rmsprop", "adam"])
@pytest.mark.parametrize("model", ["mlp", "cnn"])
def test_a_replayed_step_trains_as_the_step_itself(trained, model, optimizer):
    assert_as_plain(trained, model, optimizer, "replayed")


@pytest.mark.skipif(not COMPILES, reason=f"torch.compile needs one of {', '.join(COMPILERS)}")
@pytest.mark.parametrize(("model", "optimizer"), FUSED)
def test_a_fused_step_with_its_fused_update_trains_as_the_step_itself(trained, model, optimizer):
    assert_as_plain(trained, model, optimizer, "fused")


def assert_as_plain(trained, model, optimizer, way):
    plain, other = (trained[f"{model} {optimizer} {how}"] for how in ("plain", way))
    assert other["losses"] == pytest.approx(plain["losses"], rel=1e-5)
    assert other["weights"] == pytest.approx(plain["weights"], rel=1e-4, abs=1e-6)
    assert len(set(np.round(plain["losses"], 4))) == EPOCHS  # it trains at all


@pytest.mark.parametrize("model", ["mlp", "cnn"])
def test_every_whole_batch_after_the_first_is_replayed_and_the_ragged_one_is_not(trained, model):
    replayed = trained[f"{model} adam replayed"]
    assert replayed["steps"] == [STEPS + 1] * EPOCHS
    assert replayed["replays"] == EPOCHS * STEPS - 1
