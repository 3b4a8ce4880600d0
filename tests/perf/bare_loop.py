"""A training loop with nothing of ours around it: no recording, no watching, no evaluation.

    python tests/perf/bare_loop.py < launch.json       prints the steady steps' p10, in seconds

The loop stamps its steps itself; that is the clock, and cannot be taken away.
"""

from __future__ import annotations

import pkgutil
import sys
from pathlib import Path

import numpy as np

from bench.child.launch import LaunchSpec
from mnist_bench.backends import backend
from mnist_bench.data import load_staged
from mnist_bench.inputs import prepare
from mnist_bench.loops import TimedEpoch
from mnist_bench.models import batch_orders, build_model
from mnist_bench.training import LOOPS


def main() -> None:
    """Train as the launch on standard input says."""
    launch = LaunchSpec.model_validate_json(sys.stdin.read())
    job = launch.job
    backend(job.backend).load(launch.threads)
    arrays = load_staged(Path(launch.data_path))
    model = build_model(job.model, job.seed, job.precision)
    model.compile(optimizer=job.optimizer, loss="categorical_crossentropy", metrics=["accuracy"])
    orders = batch_orders(job.seed, job.epochs, len(arrays.x_train))
    epochs: list[TimedEpoch] = []
    train = pkgutil.resolve_name(LOOPS[job.loop, job.backend])
    train(model, prepare(arrays, job), orders, job.batch_size, epochs.append)
    steps_s = np.concatenate([epoch.step_s for epoch in epochs[1:]])
    print(float(np.quantile(steps_s, 0.10)))


if __name__ == "__main__":
    main()
