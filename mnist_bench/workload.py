"""One MNIST job, from data to measurement; runs in the child process."""

from __future__ import annotations

import hashlib
import importlib
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from bench.errors import DataError
from bench.record import (
    Digests,
    EpochRecord,
    Evaluation,
    Measurement,
    MemoryFacts,
    PackedTimes,
    ThreadFacts,
)
from bench.spec import JobSpec
from bench.stats import quantile
from bench.workload import JobContext
from mnist_bench.data import Arrays, combined_digest, load_staged
from mnist_bench.loops import StoppableClock, TimedEpoch
from mnist_bench.loops.pipeline import in_order
from mnist_bench.models import (
    ARCHITECTURES,
    CLASSES,
    OPTIMIZERS,
    batch_orders,
    build_model,
    weights_digest,
)

#: Where each loop lives, by name and backend.
LOOPS: dict[tuple[str, str], str] = {("fit", "tensorflow"): "mnist_bench.loops.fit"}

#: The values that each axis of a grid may take.
CHOICES: dict[str, tuple[str, ...]] = {
    "models": tuple(ARCHITECTURES),
    "optimizers": OPTIMIZERS,
    "loops": tuple(sorted({loop for loop, _ in LOOPS})),
    "precisions": ("float32",),
    "backends": tuple(sorted({backend for _, backend in LOOPS})),
}

#: Distributions whose versions decide whether two machines may be pooled.
PACKAGES = ("keras", "tensorflow", "numpy", "ray", "mnist-bench")

#: Keras's default batch for `evaluate`, which the script of 2020 used.
EVALUATION_BATCH = 32

#: How `mnist_bench.run` names this workload to the engine.
NAME = "mnist_bench.workload:WORKLOAD"


class MnistWorkload:
    """Trains one of the annex's networks as a job asks, and times it as the annex did."""

    def run_job(self, job: JobSpec, context: JobContext) -> Measurement:
        """Return what the job measured. Raises whatever the framework raises."""
        import_s = _timed(lambda: _import_framework(context.threads))
        after_import = context.resident_bytes()
        arrays = _load(context)
        inputs = prepare(arrays, job)
        after_data = context.resident_bytes()
        orders = batch_orders(job.seed, job.epochs, len(arrays.x_train))
        model = build_model(job.model, job.seed)
        first = weights_digest(model.get_weights())
        trial = _Trial(job, context, model, inputs)
        trial.run(orders)
        peak, source = context.peak_bytes()
        return Measurement(
            epochs=tuple(trial.epochs),
            step_times=PackedTimes.pack(np.concatenate(trial.step_s)),
            evaluations=tuple(trial.evaluations),
            train_s=sum(epoch.wall_s for epoch in trial.epochs),
            import_s=import_s,
            first_step_at_s=trial.first_step_at_s,
            memory=MemoryFacts(
                after_import_bytes=after_import,
                after_data_bytes=after_data,
                peak_bytes=peak,
                peak_source=source,
            ),
            threads=_threads(context),
            digests=Digests(
                data=context.data_digest,
                initial_weights=first,
                batch_order=hashlib.sha256(orders.astype("<i4").tobytes()).hexdigest(),
                final_weights=trial.evaluations[-1].weights_digest,
                code=code_digest(),
            ),
            device=_device(),
            framework=_framework(),
            notes=_notes(job),
        )


def _load(context: JobContext) -> Arrays:
    arrays = load_staged(Path(context.data_path))
    found = combined_digest(arrays)
    if found != context.data_digest:
        raise DataError(
            f"the data at {context.data_path} are not those of the run",
            seen=f"{found[:12]}, not {context.data_digest[:12]}",
            next_step="delete that file and run again",
        )
    return arrays


class Inputs(NamedTuple):
    """The arrays as the network takes them, all float32."""

    x_train: np.ndarray
    y_train: np.ndarray
    x_test: np.ndarray
    y_test: np.ndarray


def prepare(arrays: Arrays, job: JobSpec) -> Inputs:
    """Return images in the network's shape, scaled to 0..1, and one-hot labels.

    `as_published` divides the MLP's test images by 225, as the script of 2020 did.
    """
    architecture = ARCHITECTURES[job.model]
    divisor = architecture.published_test_divisor if job.as_published else 255
    shape = (-1, *architecture.image_shape)
    one_hot = np.eye(CLASSES, dtype=np.float32)
    return Inputs(
        arrays.x_train.reshape(shape).astype(np.float32) / np.float32(255),
        one_hot[arrays.y_train],
        arrays.x_test.reshape(shape).astype(np.float32) / np.float32(divisor),
        one_hot[arrays.y_test],
    )


class _Trial:
    """One training run: its clock, and what it has measured so far."""

    def __init__(self, job: JobSpec, context: JobContext, model: Any, inputs: Inputs) -> None:
        self.job, self.context, self.model, self.inputs = job, context, model, inputs
        self.epochs: list[EpochRecord] = []
        self.step_s: list[np.ndarray] = []
        self.evaluations: list[Evaluation] = []
        self.first_step_at_s: float | None = None

    def run(self, orders: np.ndarray) -> None:
        """Compile, train, and evaluate on both sets: the region that the annex timed."""
        train = importlib.import_module(LOOPS[self.job.loop, self.job.backend]).train
        self.clock = StoppableClock()
        self.context.emit({"event": "training", "clock_s": self.clock.origin})
        self.model.compile(
            optimizer=self.job.optimizer, loss="categorical_crossentropy", metrics=["accuracy"]
        )
        train(
            self.model,
            self.inputs.x_train,
            self.inputs.y_train,
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
        rest = timed.step_s[1:]
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
        x_train, y_train, x_test, y_test = self.inputs
        begin = time.perf_counter()
        train_loss, train_accuracy = self._evaluate_on(x_train, y_train)
        test_loss, test_accuracy = self._evaluate_on(x_test, y_test)
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

    def _evaluate_on(self, images: np.ndarray, labels: np.ndarray) -> tuple[float, float]:
        """Return loss and accuracy as `evaluate` gives them."""
        return tuple(self.model.evaluate(in_order(images, labels, EVALUATION_BATCH), verbose=0))


def code_digest() -> str:
    """Return the SHA-256 of the source files of `bench` and `mnist_bench`, by relative name."""
    digest = hashlib.sha256()
    for package in ("bench", "mnist_bench"):
        root = Path(importlib.import_module(package).__file__).parent
        for file in sorted(root.rglob("*.py")):
            digest.update(f"{package}/{file.relative_to(root).as_posix()}\0".encode())
            digest.update(file.read_bytes())
    return digest.hexdigest()


def _timed(action: Callable[[], Any]) -> float:
    begin = time.perf_counter()
    action()
    return time.perf_counter() - begin


def _import_framework(threads: int) -> None:
    """Import what a job needs and set its threads, before any operation fixes their number."""
    import keras  # noqa: F401  the import is what is timed
    import tensorflow as tf

    tf.config.threading.set_intra_op_parallelism_threads(threads)
    tf.config.threading.set_inter_op_parallelism_threads(threads)


def _threads(context: JobContext) -> ThreadFacts:
    import tensorflow as tf

    return ThreadFacts(
        asked=context.threads,
        environment=dict(context.environment),
        intra_op=tf.config.threading.get_intra_op_parallelism_threads(),
        inter_op=tf.config.threading.get_inter_op_parallelism_threads(),
        niceness_asked=context.niceness_asked,
        niceness=os.getpriority(os.PRIO_PROCESS, 0),
    )


def _device() -> str:
    import tensorflow as tf

    return "gpu" if tf.config.list_physical_devices("GPU") else "cpu"


def _framework() -> dict[str, str]:
    import keras
    import tensorflow as tf

    return {"keras": keras.__version__, "tensorflow": tf.__version__, "numpy": np.__version__}


def _notes(job: JobSpec) -> tuple[str, ...]:
    divisor = ARCHITECTURES[job.model].published_test_divisor
    if job.as_published and divisor != 255:
        return (f"test images divided by {divisor}, as published in 2020",)
    return ()


WORKLOAD = MnistWorkload()
