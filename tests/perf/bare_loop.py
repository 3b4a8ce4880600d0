"""A training loop with nothing of ours around it: no recording, no watching, no evaluation.

    python tests/perf/bare_loop.py < launch.json       prints the steady steps' p10, in seconds

A loop tells its steps to a meter. This one keeps the stopwatch alone: it makes no record, tells
nobody of an epoch, and evaluates nothing.
"""

from __future__ import annotations

import pkgutil
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np

from bench.child.launch import LaunchSpec
from bench.child.stopwatch import EpochTimer, TimedEpoch
from mnist_bench.backends import backend
from mnist_bench.data import load_copy
from mnist_bench.inputs import prepare
from mnist_bench.models import batch_orders, build_model
from mnist_bench.settings import settings_of
from mnist_bench.training import LOOPS


class BareMeter:
    """As much of a meter as a loop needs."""

    def __init__(self, synchronise: Callable[[], None]) -> None:
        self._synchronise = synchronise
        self.epochs: list[TimedEpoch] = []

    def epoch(self) -> EpochTimer:
        """Begin the next epoch."""
        return EpochTimer(len(self.epochs) + 1, self._synchronise, self.epochs.append)


def main() -> None:
    """Train as the launch on standard input says."""
    launch = LaunchSpec.model_validate_json(sys.stdin.read())
    job, settings = launch.job, settings_of(launch.job)
    framework = backend(settings.backend)
    framework.load(launch.threads)
    arrays = load_copy(Path(launch.data_path))
    model = build_model(settings.model, job.seed, settings.precision)
    model.compile(
        optimizer=settings.optimizer, loss="categorical_crossentropy", metrics=["accuracy"]
    )
    orders = batch_orders(job.seed, job.epochs, len(arrays.x_train))
    meter = BareMeter(framework.synchronise)
    train = pkgutil.resolve_name(LOOPS[settings.loop, settings.backend])
    train(model, prepare(arrays, settings), orders, settings.batch_size, meter)
    steps_s = np.concatenate([epoch.step_s for epoch in meter.epochs[1:]])
    print(float(np.quantile(steps_s, 0.10)))


if __name__ == "__main__":
    main()
