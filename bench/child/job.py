"""Runs one job in this process: finds its workload, gives it the meter, and makes the record."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

import bench.child.runtime as runtime
from bench.child.ceilings import measure_ceilings
from bench.child.devices import check_device, visible_gpus
from bench.child.launch import LaunchSpec
from bench.child.meter import Meter
from bench.child.notebook import Notebook
from bench.child.reasons import failure_of
from bench.child.workload import Workload, code_digest, load_workload, probe_for
from bench.clock import utc_now
from bench.errors import WorkloadError
from bench.outside.exits import no_exit
from bench.record.ceilings import Ceilings
from bench.record.confusion import Confusion
from bench.record.failure import Failure
from bench.record.lines import JobRecord
from bench.record.measurement import (
    BareCeilings,
    Digests,
    Measurement,
    MemoryFacts,
    PackedTimes,
    ThreadFacts,
)
from bench.spec.variables import NEEDED_VARIABLES, RECORDED_VARIABLES, THREAD_VARIABLES


def run_launch(launch: LaunchSpec, emit: Callable[[Mapping[str, Any]], None]) -> JobRecord:
    """Run the job in this process and return its record; a failure gives a record too."""
    started_s, started_at = time.perf_counter(), utc_now()
    _set_niceness(launch.niceness)
    measured: dict[str, Measurement | BareCeilings] = {}
    failure: Failure | None = None
    workload: Workload | None = None
    try:
        if launch.expects:
            check_device(launch.expects, visible_gpus())
        workload = load_workload(launch.workload)
        with no_exit():
            meter = _meter(workload, launch, started_s, emit)
            if launch.only_ceilings:
                measured = {"ceilings": _bare_ceilings(workload, launch, meter)}
            else:
                measured = {"measurement": _measured(workload, launch, meter, emit)}
    except Exception as error:  # any error of a job becomes a record
        failure = failure_of(error, launch.privacy)
    return launch.record(
        machine=launch.machine or probe_for(workload, launch.privacy),
        started_at=started_at,
        failure=failure,
        runtime=runtime.loaded(workload.builds() if workload else {}),
        **measured,
    )


def _meter(
    workload: Workload,
    launch: LaunchSpec,
    started_s: float,
    emit: Callable[[Mapping[str, Any]], None],
) -> Meter:
    return Meter(
        launch.job,
        threads=launch.threads,
        started_s=started_s,
        emit=emit,
        data_path=Path(launch.data_path) if launch.data_path else None,
        data_digest=launch.data_digest,
        expects=launch.expects,
        metrics=workload.description.metrics,
    )


def _bare_ceilings(workload: Workload, launch: LaunchSpec, meter: Meter) -> BareCeilings:
    """Measure the ceilings without the job."""
    ceilings = measure_ceilings(workload.bare_operations(launch.job, meter))
    return BareCeilings(
        ceilings=ceilings,
        threads=_threads(launch, workload, meter.notebook),
        device=meter.notebook.device,
        versions=meter.notebook.versions,
    )


def _measured(
    workload: Workload,
    launch: LaunchSpec,
    meter: Meter,
    emit: Callable[[Mapping[str, Any]], None],
) -> Measurement:
    """Give the job to its workload, and return what the meter has noted."""
    workload.run_job(launch.job, meter)
    if not meter.notebook.evaluations:
        raise WorkloadError(
            "the workload measured nothing", next_step="train inside `with meter.training():`"
        )
    gpu_peak = workload.gpu_peak_bytes(launch.job)
    notebook, ceilings = meter.notebook, None
    operations = notebook.operations if launch.measure_ceilings else None
    if notebook.confusion or operations:  # what follows needs time and memory of its own
        emit({"event": "measured"})
    if notebook.confusion:
        with _noted(meter, "confusion matrix not counted"):
            _add_confusion(notebook, notebook.confusion)
    if operations:
        with _noted(meter, "ceilings not measured"):
            ceilings = measure_ceilings(operations)
    threads = _threads(launch, workload, notebook)
    return _measurement(notebook, launch, threads, gpu_peak, ceilings)


def _add_confusion(notebook: Notebook, count: Callable[[], Confusion]) -> None:
    """Add the confusion matrix to the last evaluation."""
    begin = time.perf_counter()
    found = {"confusion": count()}
    notebook.evaluations[-1] = notebook.evaluations[-1].model_copy(update=found)
    notebook.confusion_s = time.perf_counter() - begin


@contextlib.contextmanager
def _noted(meter: Meter, failed: str) -> Iterator[None]:
    """Turn an error of what follows the job into a note: the job itself is measured."""
    try:
        yield
    except Exception as error:
        meter.note(f"{failed}: {type(error).__name__}: {error}"[:200])


def _measurement(
    notebook: Notebook,
    launch: LaunchSpec,
    threads: ThreadFacts,
    gpu_peak: tuple[int | None, str | None],
    ceilings: Ceilings | None,
) -> Measurement:
    return Measurement(
        epochs=tuple(notebook.epochs),
        step_times=PackedTimes.pack(np.concatenate(notebook.step_s)),
        evaluations=tuple(notebook.evaluations),
        ragged_last_step=notebook.ragged_last_step,
        train_s=sum(epoch.wall_s for epoch in notebook.epochs),
        import_s=notebook.import_s,
        first_step_at_s=notebook.first_step_at_s,
        memory=MemoryFacts(
            after_import_bytes=notebook.after_import_bytes,
            after_data_bytes=notebook.after_data_bytes,
            peak_bytes=notebook.peak[0],
            peak_source=notebook.peak[1],
            gpu_peak_bytes=gpu_peak[0],
            gpu_peak_source=gpu_peak[1],
        ),
        threads=threads,
        digests=Digests(
            data=launch.data_digest,
            initial_weights=notebook.digests.get("initial_weights"),
            batch_order=notebook.digests.get("batch_order"),
            final_weights=notebook.evaluations[-1].weights_digest,
            code=code_digest(launch.workload),
        ),
        device=notebook.device,
        versions=notebook.versions,
        work=notebook.work,
        ceilings=ceilings,
        confusion_s=notebook.confusion_s,
        notes=tuple(notebook.notes),
    )


def _threads(launch: LaunchSpec, workload: Workload, notebook: Notebook) -> ThreadFacts:
    """Return the requested threads and priority, and what the system and the workload gave."""
    description = workload.description
    names = (
        *(*THREAD_VARIABLES, *description.thread_variables),
        *(*RECORDED_VARIABLES, *NEEDED_VARIABLES, *description.recorded_variables),
    )
    shown = {name: os.environ.get(name) for name in dict.fromkeys(names)}
    return ThreadFacts(
        asked=launch.threads,
        intra_op=notebook.threads[0],
        inter_op=notebook.threads[1],
        environment={
            name: None if value is None else launch.privacy.redacted(value)
            for name, value in shown.items()
        },
        niceness_asked=launch.niceness,
        niceness=os.getpriority(os.PRIO_PROCESS, 0),
    )


def _set_niceness(niceness: int | None) -> None:
    """Request a priority; if the system refuses, the record shows the actual one."""
    if niceness is not None and os.getpriority(os.PRIO_PROCESS, 0) != niceness:
        try:
            os.setpriority(os.PRIO_PROCESS, 0, niceness)
        except PermissionError:
            return
