"""A workload for tests, without TensorFlow: the job's model says how its child behaves.

A child finds it as `toy_workload:WORKLOAD`. Where the launch's `data_path` is a folder, a job
appends what its child saw to `<data_path>/notes.jsonl`.
"""

from __future__ import annotations

import dataclasses
import json
import os
import platform
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from bench.record.lines import (
    Digests,
    EpochRecord,
    Evaluation,
    Measurement,
    MemoryFacts,
    PackedTimes,
    Skip,
    ThreadFacts,
)
from bench.spec.grid import JobSpec
from bench.spec.workload import JobContext

NAME = "toy_workload:WORKLOAD"
LAST_WORDS = "toy: these are my last words"
GROWTH_BYTES = 150 * 2**20
STEPS = 3

#: The real workload with a slow teller, and how long that sleeps after each epoch.
SLOW_TELLER, TELLING_S = "toy_workload:SLOW", 0.5

SLEEP_FOREVER = "import time; time.sleep(600)"
SLEEP_THROUGH_SIGTERM = (
    "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); "
    "print('deaf', flush=True); time.sleep(600)"
)


def divide(jobs: Any, facts: Any) -> tuple[list[Any], list[Skip]]:
    """Say that a machine can run all jobs but those of the model `unable`."""
    able = [job for job in jobs if job.model != "unable"]
    return able, [Skip(job=job, reason="planted") for job in jobs if job not in able]


class ToyWorkload:
    """Notes what it sees, behaves as the model's name says, and returns a small measurement."""

    def run_job(self, job: JobSpec, context: JobContext) -> Measurement:
        begin = time.perf_counter()
        context.emit({"event": "training", "clock_s": begin, "pid": os.getpid()})
        BEHAVIOURS[job.model](context)
        for epoch in range(1, job.epochs + 1):
            accuracy = 1 - 0.5**epoch
            context.emit(
                {
                    "event": "epoch",
                    "epoch": epoch,
                    "epochs": job.epochs,
                    "wall_s": 0.25,
                    "train_accuracy": accuracy,
                }
            )
        measured = _measurement(job, context, started_s=0.0, wall_s=time.perf_counter() - begin)
        _note(context, job, begin)
        return measured


def _measurement(job: JobSpec, context: JobContext, started_s: float, wall_s: float) -> Measurement:
    share_s = wall_s / job.epochs
    epochs = tuple(
        EpochRecord(
            epoch=number,
            started_s=started_s + (number - 1) * share_s,
            wall_s=share_s,
            cpu_s=share_s,
            steps=STEPS,
            step_first_s=0.5,
            step_p10_s=0.25,
            step_median_s=0.25,
            step_p95_s=0.25,
            train_loss=1 / number,
            train_accuracy=1 - 0.5**number,
        )
        for number in range(1, job.epochs + 1)
    )
    final = Evaluation(
        epochs=job.epochs,
        train_loss=0.5,
        train_accuracy=0.75,
        test_loss=0.5,
        test_accuracy=0.75,
        evaluate_s=0.1,
        total_s=wall_s + 0.1,
        weights_digest=f"weights of {job.job_id}",
    )
    peak, source = context.peak_bytes()
    return Measurement(
        epochs=epochs,
        step_times=PackedTimes.pack([0.5, 0.25, 0.25] * job.epochs),
        evaluations=(final,),
        train_s=wall_s,
        import_s=0.0,
        memory=MemoryFacts(
            after_import_bytes=None, after_data_bytes=None, peak_bytes=peak, peak_source=source
        ),
        threads=ThreadFacts(
            asked=context.threads,
            environment=dict(context.environment),
            niceness_asked=context.niceness_asked,
            niceness=os.getpriority(os.PRIO_PROCESS, 0),
        ),
        digests=Digests(
            data=context.data_digest,
            initial_weights="none",
            batch_order="none",
            final_weights=final.weights_digest,
            code="none",
        ),
        device="none",
        framework={},
    )


def _note(context: JobContext, job: JobSpec, begin: float) -> None:
    folder = Path(context.data_path)
    if not folder.is_dir():
        return
    note = {
        "job_id": job.job_id,
        "pid": os.getpid(),
        "begin": begin,
        "end": time.perf_counter(),
        "environment": dict(os.environ),
        "niceness": os.getpriority(os.PRIO_PROCESS, 0),
        "folder": os.getcwd(),
    }
    with (folder / "notes.jsonl").open("a") as file:
        file.write(json.dumps(note) + "\n")


def _ok(context: JobContext) -> None:
    time.sleep(0.05)


def _second(context: JobContext) -> None:
    time.sleep(1)


def _raise(context: JobContext) -> None:
    raise RuntimeError("toy trouble\nand its second line")


def _raise_hostile(context: JobContext) -> None:
    raise RuntimeError("cut\u2028here \x85 and [bold]there[/bold] \x1b[31mred")


def _unprintable_exception(context: JobContext) -> None:
    raise RuntimeError


def _noise(context: JobContext) -> None:
    for number in range(5000):
        print("toy noise", number)


def _noise_then_raise(context: JobContext) -> None:
    _noise(context)
    print(LAST_WORDS, flush=True)
    raise RuntimeError("toy trouble")


def _signal(number: int) -> Callable[[JobContext], None]:
    def end(context: JobContext) -> None:
        print(LAST_WORDS, file=sys.stderr, flush=True)
        os.kill(os.getpid(), number)
        time.sleep(600)

    return end


def _exit_quietly(context: JobContext) -> None:
    os._exit(7)


def _hang(context: JobContext) -> None:
    time.sleep(600)


def _grow(context: JobContext) -> None:
    held = bytearray(os.urandom(2**20) * (GROWTH_BYTES // 2**20))
    context.emit({"event": "grown", "resident_bytes": context.resident_bytes()})
    end_s = time.monotonic() + 1
    while time.monotonic() < end_s:  # at work when it is looked at, however late that is
        sum(range(1000))
    assert len(held) == GROWTH_BYTES


def _start_grandchild(context: JobContext, source: str) -> None:
    process = subprocess.Popen([sys.executable, "-c", source], stdout=subprocess.PIPE)
    if source == SLEEP_THROUGH_SIGTERM:
        process.stdout.readline()
    context.emit({"event": "grandchild", "grandchild": process.pid})


def _fork(context: JobContext) -> None:
    _start_grandchild(context, SLEEP_FOREVER)
    time.sleep(600)


def _fork_deaf(context: JobContext) -> None:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    _start_grandchild(context, SLEEP_THROUGH_SIGTERM)
    time.sleep(600)


def _fork_and_die(context: JobContext) -> None:
    _start_grandchild(context, SLEEP_FOREVER)
    os.kill(os.getpid(), signal.SIGSEGV)


def _fork_and_return(context: JobContext) -> None:
    _start_grandchild(context, SLEEP_FOREVER)


def _unjsonable_event(context: JobContext) -> None:
    context.emit({"event": object()})


def _tell_all(context: JobContext) -> None:
    """Say in every way what tells whose machine this is."""
    words = " ".join([platform.node(), str(Path.home()), os.environ["CUDA_VISIBLE_DEVICES"]])
    print(words, flush=True)
    raise RuntimeError(words)


BEHAVIOURS: dict[str, Callable[[JobContext], Any]] = {
    "ok": _ok,
    "second": _second,
    "raise": _raise,
    "hostile": _raise_hostile,
    "empty": _unprintable_exception,
    "print": _noise,
    "print-raise": _noise_then_raise,
    "segv": _signal(signal.SIGSEGV),
    "kill9": _signal(signal.SIGKILL),
    "exit7": _exit_quietly,
    "hang": _hang,
    "grow": _grow,
    "fork": _fork,
    "fork-deaf": _fork_deaf,
    "fork-die": _fork_and_die,
    "fork-return": _fork_and_return,
    "bad-event": _unjsonable_event,
    "tell-all": _tell_all,
}


class SlowTeller:
    """The real workload, whose teller sleeps at each epoch; the note is the whole time it took."""

    def run_job(self, job: JobSpec, context: JobContext) -> Measurement:
        from mnist_bench.workload import WORKLOAD as REAL

        told: list[dict[str, Any]] = []

        def emit(event: Any) -> None:
            told.append(event)
            if event["event"] == "epoch":
                time.sleep(TELLING_S)

        measured = REAL.run_job(job, dataclasses.replace(context, emit=emit))
        whole_s = time.perf_counter() - told[0]["clock_s"]
        return measured.model_copy(update={"notes": (repr(whole_s),)})


WORKLOAD = ToyWorkload()
SLOW = SlowTeller()
