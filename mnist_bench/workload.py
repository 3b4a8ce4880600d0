"""One MNIST job, from data to measurement; runs in the child process."""

from __future__ import annotations

import hashlib
import importlib
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from bench.child.ceilings import measure_ceilings
from bench.child.devices import check_device
from bench.errors import DataError
from bench.record.ceilings import Ceilings
from bench.record.lines import Digests, Measurement, MemoryFacts, PackedTimes, ThreadFacts
from bench.spec.grid import JobSpec
from bench.spec.workload import JobContext
from mnist_bench.backends import BACKENDS, Backend, backend
from mnist_bench.data import Arrays, combined_digest, load_staged
from mnist_bench.eligibility import ALL
from mnist_bench.inputs import prepare
from mnist_bench.models import (
    ARCHITECTURES,
    OPTIMIZERS,
    POLICIES,
    batch_orders,
    build_model,
    weights_digest,
)
from mnist_bench.step_work import count_work
from mnist_bench.training import LOOPS, Trial

#: The values that each axis of a grid may take.
CHOICES: dict[str, tuple[str, ...]] = {
    "models": tuple(ARCHITECTURES),
    "optimizers": OPTIMIZERS,
    "loops": tuple(sorted({loop for loop, _ in LOOPS})),
    "precisions": tuple(POLICIES),
    "backends": (*BACKENDS, ALL),
}

#: Distributions whose versions decide whether two machines may be pooled.
PACKAGES = ("keras", "tensorflow", "jax", "torch", "numpy", "ray", "mnist-bench")

#: How `mnist_bench.run` names this workload to the engine.
NAME = "mnist_bench.workload:WORKLOAD"


class MnistWorkload:
    """Trains one of the annex's networks as a job asks, and times it as the annex did."""

    def run_job(self, job: JobSpec, context: JobContext) -> Measurement:
        """Return what the job measured. Raises whatever the framework raises."""
        framework = backend(job.backend)
        import_s = _timed(lambda: framework.load(context.threads))
        check_device(context.expects, ["gpu"] if framework.device() == "gpu" else [])
        after_import = context.resident_bytes()
        arrays = _load(context)
        inputs = prepare(arrays, job)
        after_data = context.resident_bytes()
        orders = batch_orders(job.seed, job.epochs, len(arrays.x_train))
        model = build_model(job.model, job.seed, job.precision)
        first = weights_digest(model.get_weights())
        trial = Trial(job, context, model, inputs, framework)
        trial.run(orders)
        peak, source = context.peak_bytes()
        gpu_peak, gpu_source = context.gpu_peak_bytes(job.backend)
        ceilings, ceiling_notes = _ceilings(framework, job, context)  # last: they use memory too
        return Measurement(
            epochs=tuple(trial.epochs),
            step_times=PackedTimes.pack(np.concatenate(trial.step_s)),
            evaluations=tuple(trial.evaluations),
            ragged_last_step=trial.ragged,
            train_s=sum(epoch.wall_s for epoch in trial.epochs),
            import_s=import_s,
            first_step_at_s=trial.first_step_at_s,
            memory=MemoryFacts(
                after_import_bytes=after_import,
                after_data_bytes=after_data,
                peak_bytes=peak,
                peak_source=source,
                gpu_peak_bytes=gpu_peak,
                gpu_peak_source=gpu_source,
            ),
            threads=_threads(framework, context),
            digests=Digests(
                data=context.data_digest,
                initial_weights=first,
                batch_order=hashlib.sha256(orders.astype("<i4").tobytes()).hexdigest(),
                final_weights=trial.evaluations[-1].weights_digest,
                code=code_digest(),
            ),
            device=framework.device(),
            framework=framework.versions(),
            work=count_work(model, job),
            ceilings=ceilings,
            notes=(*_notes(job), *ceiling_notes),
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


def _threads(framework: Backend, context: JobContext) -> ThreadFacts:
    intra_op, inter_op = framework.thread_counts()
    return ThreadFacts(
        asked=context.threads,
        environment=dict(context.environment),
        intra_op=intra_op,
        inter_op=inter_op,
        niceness_asked=context.niceness_asked,
        niceness=os.getpriority(os.PRIO_PROCESS, 0),
    )


def _ceilings(
    framework: Backend, job: JobSpec, context: JobContext
) -> tuple[Ceilings | None, tuple[str, ...]]:
    """Return the machine's ceilings where they are asked for; a failure of theirs is a note."""
    if not context.measure_ceilings:
        return None, ()
    context.emit({"event": "measured"})
    try:
        return measure_ceilings(framework, job.precision), ()
    except Exception as error:  # the job itself is measured: nothing may take that away
        return None, (f"ceilings not measured: {type(error).__name__}: {error}"[:200],)


def _notes(job: JobSpec) -> tuple[str, ...]:
    divisor = ARCHITECTURES[job.model].published_test_divisor
    if job.as_published and divisor != 255:
        return (f"test images divided by {divisor}, as published in 2020",)
    return ()


WORKLOAD = MnistWorkload()
