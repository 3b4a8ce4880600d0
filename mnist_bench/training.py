"""One training run: compiled, trained, evaluated, and what was measured of it."""

from __future__ import annotations

import pkgutil
import time
from typing import Any

import numpy as np

from bench.record.lines import EpochRecord, Evaluation
from bench.spec.grid import JobSpec
from bench.spec.workload import JobContext
from bench.stats import quantile
from mnist_bench.backends import BACKENDS, Backend
from mnist_bench.inputs import Inputs
from mnist_bench.loops import StoppableClock, TimedEpoch
from mnist_bench.models import weights_digest

#: The function of each loop, by name and backend.
LOOPS: dict[tuple[str, str], str] = {
    **{("fit", name): "mnist_bench.loops.fit:train" for name in BACKENDS},
    ("compiled", "tensorflow"): "mnist_bench.loops.compiled_tensorflow:train",
    ("compiled", "jax"): "mnist_bench.loops.compiled_jax:train",
    ("compiled", "torch"): "mnist_bench.loops.compiled_torch:train",
    ("scan", "jax"): "mnist_bench.loops.compiled_jax:train_scan",
    ("stepwise", "jax"): "mnist_bench.loops.compiled_jax:train_stepwise",
    ("inductor", "torch"): "mnist_bench.loops.compiled_torch:train_inductor",
}


class Trial:
    """One training run: its clock, and what it has measured so far."""

    def __init__(
        self, job: JobSpec, context: JobContext, model: Any, inputs: Inputs, framework: Backend
    ) -> None:
        self.job, self.context, self.model = job, context, model
        self.inputs, self.framework = inputs, framework
        self.epochs: list[EpochRecord] = []
        self.step_s: list[np.ndarray] = []
        self.evaluations: list[Evaluation] = []
        self.first_step_at_s: float | None = None
        self.ragged = 0 < len(inputs.raw_images) % job.batch_size < len(inputs.raw_images)

    def run(self, orders: np.ndarray) -> None:
        """Compile, train, and evaluate on both sets: the region that the annex timed."""
        train = pkgutil.resolve_name(LOOPS[self.job.loop, self.job.backend])
        self.clock = StoppableClock()
        self.context.emit({"event": "training", "clock_s": self.clock.origin})
        self.model.compile(
            optimizer=self.job.optimizer, loss="categorical_crossentropy", metrics=["accuracy"]
        )
        train(
            self.model,
            self.inputs,
            orders,
            self.job.batch_size,
            self._after_epoch,
        )
        self._evaluate(self.job.epochs, self.clock.elapsed())

    def _after_epoch(self, timed: TimedEpoch) -> None:
        trained_s = self.clock.elapsed()
        self.clock.without(lambda: self._note_epoch(timed, trained_s))

    def _note_epoch(self, timed: TimedEpoch, trained_s: float) -> None:
        if self.first_step_at_s is None:
            self.first_step_at_s = timed.started + timed.step_s[0] - self.context.started_s
        self.epochs.append(self._epoch_record(timed))
        self.step_s.append(timed.step_s)
        self.context.emit(
            {
                "event": "epoch",
                "epoch": timed.epoch,
                "epochs": self.job.epochs,
                "wall_s": timed.ended - timed.started,
                "train_accuracy": timed.train_accuracy,
            }
        )
        if timed.epoch in self.job.read_off and timed.epoch < self.job.epochs:
            self._evaluate(timed.epoch, trained_s)
            self.model.test_function = None  # the last evaluation traces again, as a job of its own

    def _epoch_record(self, timed: TimedEpoch) -> EpochRecord:
        rest = timed.step_s[1 : -1 if self.ragged else None]  # a smaller batch is no measure
        return EpochRecord(
            epoch=timed.epoch,
            started_s=timed.started - self.clock.origin,
            wall_s=timed.ended - timed.started,
            cpu_s=timed.cpu_s,
            steps=len(timed.step_s),
            step_first_s=float(timed.step_s[0]),
            step_p10_s=quantile(rest, 0.10),
            step_median_s=quantile(rest, 0.50),
            step_p95_s=quantile(rest, 0.95),
            train_loss=timed.train_loss,
            train_accuracy=timed.train_accuracy,
            rss_bytes=self.context.resident_bytes(),
        )

    def _evaluate(self, epochs: int, trained_s: float) -> None:
        """Evaluate on the train set, then on the test set."""
        inputs, evaluate = self.inputs, self.framework.evaluate
        begin = time.perf_counter()
        train_loss, train_accuracy = evaluate(self.model, inputs.x_train, inputs.y_train)
        test_loss, test_accuracy = evaluate(self.model, inputs.x_test, inputs.y_test)
        evaluate_s = time.perf_counter() - begin
        self.evaluations.append(
            Evaluation(
                epochs=epochs,
                train_loss=train_loss,
                train_accuracy=train_accuracy,
                test_loss=test_loss,
                test_accuracy=test_accuracy,
                evaluate_s=evaluate_s,
                total_s=trained_s + evaluate_s,
                weights_digest=weights_digest(self.model.get_weights()),
            )
        )
