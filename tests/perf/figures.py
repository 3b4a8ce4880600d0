"""The figures of `make perf`: how each is measured, in pairs, round by round."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path

from jobs import ROOT, Staged, p10_s, run_bare, run_by, run_script
from sampling import sampling_cost

from bench.dispatch.local import LocalSetup
from bench.dispatch.ray_local import RayLocal
from bench.record.journal import read_run
from bench.record.lines import JobRecord
from mnist_bench.backends import is_installed

#: Epochs of each network; the first is left out as warm-up.
EPOCHS = {"mlp": 5, "cnn": 3}
OPTIMIZER = {"mlp": "rmsprop", "cnn": "adam"}

#: Loops that are compared, by a name for the table: (model, loop, backend).
LOOPS: Mapping[str, tuple[str, str, str]] = {
    "mlp fit tensorflow": ("mlp", "fit", "tensorflow"),
    "mlp compiled tensorflow": ("mlp", "compiled", "tensorflow"),
    "mlp compiled jax": ("mlp", "compiled", "jax"),
    "mlp compiled torch": ("mlp", "compiled", "torch"),
    "cnn fit tensorflow": ("cnn", "fit", "tensorflow"),
    "cnn compiled tensorflow": ("cnn", "compiled", "tensorflow"),
    "cnn compiled jax": ("cnn", "compiled", "jax"),
    "cnn compiled torch": ("cnn", "compiled", "torch"),
}

#: Seconds of watching whose cost is taken.
SAMPLING_S = 20.0

Round = Mapping[str, float]
#: What a benchmark calls when it has done a part.
Say = Callable[[str], None]


def job_of(name: str, data: Staged):
    """Return the job of one of the LOOPS."""
    model, loop, backend = LOOPS[name]
    return data.job(
        model=model,
        optimizer=OPTIMIZER[model],
        epochs=EPOCHS[model],
        loop=loop,
        backend=backend,
    )


def loops_round(data: Staged, number: int, say: Say) -> dict[str, float]:
    """Return p10 milliseconds and ceiling shares of every loop; odd rounds run backwards."""
    names = [name for name in LOOPS if is_installed(LOOPS[name][2])]
    found: dict[str, float] = {}
    for name in names if number % 2 == 0 else reversed(names):
        compiled = "compiled" in name
        record = run_bare(data.launch(job_of(name, data), measure_ceilings=compiled))
        step_s = p10_s(record)
        found[f"{name}: p10 ms"] = 1000 * step_s
        if compiled and record.measurement.ceilings:
            found[f"{name}: GFLOP/s"] = record.measurement.work.flops / step_s / 1e9
            found[f"{name}: ceiling"] = record.measurement.ceilings.flops_per_s / 1e9
        say(f"{name}: {1000 * step_s:.3f} ms")
    return found


def ray_pair(data: Staged, number: int, say: Say) -> dict[str, float]:
    """Return the p10 of one job bare and of the same job placed by an embedded Ray."""
    launch = data.launch(job_of("mlp compiled tensorflow", data))
    found: dict[str, float] = {}

    def bare() -> None:
        found["ray pair, bare: p10 ms"] = 1000 * p10_s(run_bare(launch))

    def by_ray() -> None:
        with RayLocal(LocalSetup(workload=launch.workload)) as transport:
            found["ray pair, ray: p10 ms"] = 1000 * p10_s(run_by(transport, launch))

    for action in (bare, by_ray) if number % 2 == 0 else (by_ray, bare):
        action()
    return _said(say, found)


def recording_pair(data: Staged, number: int, say: Say) -> dict[str, float]:
    """Return the p10 of a recorded, watched child and of the loop alone."""
    launch = data.launch(job_of("mlp compiled tensorflow", data))
    found: dict[str, float] = {}

    def recorded() -> None:
        found["recording pair, recorded: p10 ms"] = 1000 * p10_s(run_bare(launch))

    def alone() -> None:
        seconds = float(run_script("bare_loop.py", launch))
        found["recording pair, loop alone: p10 ms"] = 1000 * seconds

    for action in (recorded, alone) if number % 2 == 0 else (alone, recorded):
        action()
    return _said(say, found)


def sampling_round(data: Staged, number: int, say: Say) -> dict[str, float]:
    """Return the share of one core that watching a job's conditions takes."""
    return _said(say, {"conditions: share of a core": sampling_cost(SAMPLING_S)})


def command_round(data: Staged, number: int, say: Say) -> dict[str, float]:
    """Return the seconds from typing a command to its first timed step, and between its jobs.

    The backend's own import is taken off both. Both clocks are this machine's. The command runs
    with the whole data, as a user's would.
    """
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "mnist_bench.run", "--grid", "smoke", "--models", "mlp"]
        command += ["--optimizers", "sgd,rmsprop", "--epochs", "1", "--out", folder]
        command += ["--repeat-disturbed", "0"]
        typed_at = time.time()
        subprocess.run(command, check=True, capture_output=True, cwd=ROOT)
        (journal,) = (Path(folder) / "journals").glob("*.jsonl")
        first, second = read_run(journal).measured
    found = {
        "typing to first step: s": _first_step_at(first) - typed_at,
        "between two jobs: s": _first_step_at(second) - _time_of(first.ended_at),
    }
    return _said(say, found)


def _said(say: Say, found: dict[str, float]) -> dict[str, float]:
    """Tell the values of a part and return them."""
    for name, value in found.items():
        say(f"{name}: {value:.4g}")
    return found


def _first_step_at(record: JobRecord) -> float:
    """Return when a job's first step began, in seconds since the epoch, less the import."""
    measured = record.measurement
    before_s = measured.first_step_at_s - measured.epochs[0].step_first_s - measured.import_s
    return _time_of(record.started_at) + before_s


def _time_of(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()


def ratio(rounds: list[Round], above: str, below: str) -> list[float]:
    """Return above / below of every round that holds both."""
    return [each[above] / each[below] for each in rounds if above in each and below in each]


def best_share(rounds: list[Round], model: str) -> list[float]:
    """Return, of every round, the fastest compiled loop's rate over the largest ceiling."""
    shares = []
    for each in rounds:
        rates = [v for k, v in each.items() if k.startswith(model) and k.endswith(": GFLOP/s")]
        ceilings = [value for key, value in each.items() if key.endswith(": ceiling")]
        if rates and ceilings:
            shares.append(max(rates) / max(ceilings))
    return shares


def to_json(document: Mapping[str, object]) -> str:
    """Return the figures as JSON text."""
    return json.dumps(document, indent=1) + "\n"
