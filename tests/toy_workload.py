"""A workload for tests, without a framework: the job's model says how its child behaves.

A child finds it as `toy_workload:WORKLOAD`. If the launch's `data_path` is a folder, a job appends
what its child saw to `<data_path>/notes.jsonl`.
"""

from __future__ import annotations

import hashlib
import json
import os
import platform
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from bench.child.meter import Meter
from bench.child.stopwatch import TimedEpoch
from bench.child.workload import Workload
from bench.probe.memory import resident_bytes
from bench.record.facts import MachineFacts
from bench.spec.axes import Axis, Metric
from bench.spec.description import Description
from bench.spec.job import JobSpec
from mnist_bench.description import METRICS

NAME = "toy_workload:WORKLOAD"
LAST_WORDS = "toy: these are my last words"
GROWTH_BYTES = 150 * 2**20
LONG_NOTE = 2**18
STEPS = 3

#: The real workload with a slow teller, and how long that sleeps after each epoch.
SLOW_TELLER, TELLING_S = "toy_workload:SLOW", 0.5

#: The accuracy that a model has in place of 0.75.
ACCURACY = {"not-finite": float("nan")}

SLEEP_FOREVER = "import time; time.sleep(600)"
SLEEP_THROUGH_SIGTERM = (
    "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); "
    "print('deaf', flush=True); time.sleep(600)"
)


DESCRIPTION = Description(
    name="toy",
    title="Toys",
    packages=("ray", "numpy"),
    axes=(
        Axis("model", always_marked=True, separates=True),
        Axis("optimizer", default="none", always_marked=True),
    ),
    metrics=(
        Metric("train_accuracy", "higher", "both"),
        Metric("test_accuracy", "higher", scored=True),
    ),
)


class ToyWorkload(Workload):
    """Notes what it sees, behaves as the model's name says, and measures a few short steps."""

    description = DESCRIPTION

    def why_skipped(self, job: JobSpec, facts: MachineFacts) -> str | None:
        return "planted" if job.axes["model"] == "unable" else None

    def run_job(self, job: JobSpec, meter: Meter) -> None:
        begin, model = time.perf_counter(), str(job.axes["model"])
        meter.digest("initial_weights", [np.zeros(1)])
        meter.digest("batch_order", [np.arange(3)])
        with meter.training(
            lambda: {"train_accuracy": 0.75, "test_accuracy": ACCURACY.get(model, 0.75)},
            lambda: [np.full(1, np.nan) if model == "weights-nan" else np.ones(1)],
        ):
            meter.tell("begun", pid=os.getpid())
            for number in range(1, job.epochs + 1):
                with meter.epoch() as epoch:
                    if number == 1:
                        BEHAVIOURS[model](meter)
                    for _ in range(STEPS):
                        time.sleep(0.002)
                        epoch.step()
                    epoch.report(train_accuracy=1 - 0.5**number)
        meter.confusion_by(CLASSES, PREDICTIONS.get(str(job.axes["model"]), _predictions))
        _note(meter, job, begin)


def _note(meter: Meter, job: JobSpec, begin: float) -> None:
    folder = meter.data_path
    if folder is None or not folder.is_dir():
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


def _ok(meter: Meter) -> None:
    time.sleep(0.05)


def _second(meter: Meter) -> None:
    time.sleep(1)


def _long(meter: Meter) -> None:
    """Take longer than others take to see that a job has begun, and to send it a signal."""
    time.sleep(4)


def _until_told(meter: Meter) -> None:
    """Sleep until there is a file `go` in the folder of the data."""
    while not Path(str(meter.data_path), "go").exists():
        time.sleep(0.1)


def _raise(meter: Meter) -> None:
    raise RuntimeError("toy trouble\nand its second line")


def _exit(meter: Meter) -> None:
    sys.exit(0)


def _raise_hostile(meter: Meter) -> None:
    raise RuntimeError("cut\u2028here \x85 and [bold]there[/bold] \x1b[31mred")


def _unprintable_exception(meter: Meter) -> None:
    raise RuntimeError


def _noise(meter: Meter) -> None:
    for number in range(5000):
        print("toy noise", number)


def _noise_then_raise(meter: Meter) -> None:
    _noise(meter)
    print(LAST_WORDS, flush=True)
    raise RuntimeError("toy trouble")


def _signal(number: int) -> Callable[[Meter], None]:
    def end(meter: Meter) -> None:
        print(LAST_WORDS, file=sys.stderr, flush=True)
        os.kill(os.getpid(), number)
        time.sleep(600)

    return end


def _stop(meter: Meter) -> None:
    """Let another process continue this one, which is stopped for a second."""
    waker = f"import os, signal, time; time.sleep(1); os.kill({os.getpid()}, signal.SIGCONT)"
    subprocess.Popen([sys.executable, "-c", waker])
    os.kill(os.getpid(), signal.SIGSTOP)


def _stop_then_raise(meter: Meter) -> None:
    _stop(meter)
    raise RuntimeError("toy trouble")


def _freeze(meter: Meter) -> None:
    """Let another process stop this one and its parent, and continue both, as a pause does."""
    both = f"({os.getpid()}, {os.getppid()})"
    waker = (
        "import os, signal, time\n"
        f"[os.kill(pid, signal.SIGSTOP) for pid in {both}]; time.sleep(3)\n"
        f"[os.kill(pid, signal.SIGCONT) for pid in {both}]"
    )
    with subprocess.Popen([sys.executable, "-c", waker], start_new_session=True):
        pass  # the waker ends once both go on


def _go_on_alone(meter: Meter) -> None:
    """Use every CPU while another process stops the parent, as if others took its CPUs."""
    waker = (
        f"import os, signal, time; os.kill({os.getppid()}, signal.SIGSTOP); time.sleep(3)\n"
        f"os.kill({os.getppid()}, signal.SIGCONT)"
    )
    with subprocess.Popen([sys.executable, "-c", waker], start_new_session=True) as process:
        cpus = range(os.cpu_count() or 1)
        with ThreadPoolExecutor(len(cpus)) as pool:  # a digest needs no lock of Python's
            list(pool.map(lambda number: _digest_until(process), cpus))


def _digest_until(process: subprocess.Popen[bytes]) -> None:
    block = bytes(2**20)
    while process.poll() is None:
        hashlib.sha256(block)


def _disk_full(meter: Meter) -> None:
    with open("/dev/full", "w") as file:
        file.write("anything")


def _no_space(meter: Meter) -> None:
    """Let no file take another byte from here on, and leave more to write than a pipe holds."""
    _, most = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, most))
    meter.note("x" * LONG_NOTE)


def _exit_quietly(meter: Meter) -> None:
    os._exit(7)


def _scribble(meter: Meter) -> None:
    """Leave half a record, and end."""
    Path(sys.argv[2]).write_text('{"job_id": ')
    os._exit(0)


def _hang(meter: Meter) -> None:
    time.sleep(600)


def _grow(meter: Meter) -> None:
    held = bytearray(os.urandom(2**20) * (GROWTH_BYTES // 2**20))
    meter.tell("grown", resident_bytes=resident_bytes())
    end_s = time.monotonic() + 1
    while time.monotonic() < end_s:  # at work when it is looked at, however late that is
        sum(range(1000))
    assert len(held) == GROWTH_BYTES


def _eat(meter: Meter) -> None:
    """Take more memory than there is, slowly enough for a guard that looks ten times a second."""
    held = []
    while True:
        held.append(bytearray(os.urandom(2**20) * 5))
        time.sleep(0.05)


def _start_grandchild(meter: Meter, source: str, *, away: bool = False) -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", source], stdout=subprocess.PIPE, start_new_session=away
    )
    if source == SLEEP_THROUGH_SIGTERM:
        process.stdout.readline()
    meter.tell("grandchild", grandchild=process.pid)


def _fork(meter: Meter) -> None:
    _start_grandchild(meter, SLEEP_FOREVER)
    time.sleep(600)


def _fork_away(meter: Meter) -> None:
    """Start a process that leaves the session of the job."""
    _start_grandchild(meter, SLEEP_FOREVER, away=True)
    time.sleep(600)


def _fork_deaf(meter: Meter) -> None:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    _start_grandchild(meter, SLEEP_THROUGH_SIGTERM)
    time.sleep(600)


def _fork_and_die(meter: Meter) -> None:
    _start_grandchild(meter, SLEEP_FOREVER)
    os.kill(os.getpid(), signal.SIGSEGV)


def _fork_and_return(meter: Meter) -> None:
    _start_grandchild(meter, SLEEP_FOREVER)


def _unjsonable_event(meter: Meter) -> None:
    meter.tell("odd", detail=object())


def _tell_all(meter: Meter) -> None:
    """Say in every way what tells whose machine this is."""
    words = " ".join([platform.node(), str(Path.home()), os.environ["CUDA_VISIBLE_DEVICES"]])
    print(words, flush=True)
    raise RuntimeError(words)


BEHAVIOURS: dict[str, Callable[[Meter], Any]] = {
    "ok": _ok,
    "clueless": _ok,
    "third-class": _ok,
    "second": _second,
    "long": _long,
    "until-told": _until_told,
    "raise": _raise,
    "exit": _exit,
    "hostile": _raise_hostile,
    "empty": _unprintable_exception,
    "print": _noise,
    "print-raise": _noise_then_raise,
    "segv": _signal(signal.SIGSEGV),
    "kill9": _signal(signal.SIGKILL),
    "term": _signal(signal.SIGTERM),
    "exit7": _exit_quietly,
    "scribble": _scribble,
    "not-finite": _ok,
    "weights-nan": _ok,
    "stop": _stop,
    "stop-then-raise": _stop_then_raise,
    "freeze": _freeze,
    "go-on-alone": _go_on_alone,
    "full": _disk_full,
    "no-space": _no_space,
    "hang": _hang,
    "grow": _grow,
    "eat": _eat,
    "fork": _fork,
    "fork-away": _fork_away,
    "fork-deaf": _fork_deaf,
    "fork-die": _fork_and_die,
    "fork-return": _fork_and_return,
    "bad-event": _unjsonable_event,
    "tell-all": _tell_all,
}


class SlowMeter(Meter):
    """A meter that sleeps while it notes an epoch, when the training clock is stopped."""

    def _note_epoch(self, epoch: TimedEpoch, trained_s: float) -> None:
        time.sleep(TELLING_S)
        super()._note_epoch(epoch, trained_s)


class SlowTeller(Workload):
    """The real workload under a slow meter; the note is the whole time that it took."""

    description = replace(DESCRIPTION, metrics=METRICS)

    def run_job(self, job: JobSpec, meter: Meter) -> None:
        from mnist_bench.workload import WORKLOAD as REAL

        meter.__class__ = SlowMeter
        begin = time.perf_counter()
        REAL.run_job(job, meter)
        meter.note(repr(time.perf_counter() - begin))


CLASSES = ("hare", "tortoise")


def _predictions() -> tuple[list[int], list[int]]:
    """Return the classes of four samples, of which one is taken for another class."""
    return [0, 0, 1, 1], [0, 0, 1, 0]


def _no_predictions() -> tuple[list[int], list[int]]:
    raise RuntimeError("toy trouble")


PREDICTIONS = {
    "clueless": _no_predictions,
    "third-class": lambda: ([0, 0, 1, 1], [0, 0, 1, 2]),
}

WORKLOAD = ToyWorkload()
SLOW = SlowTeller()
