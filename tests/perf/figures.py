"""The figures of `make perf`: how each is measured, in pairs, round by round."""

from __future__ import annotations

import itertools
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

from jobs import ROOT, Staged, p10_s, run_bare, run_by, run_script
from sampling import sampling_cost

from bench.dispatch.local import LocalSetup
from bench.dispatch.ray_local import RayLocal
from bench.probe.machine import probe
from bench.record.facts import MachineFacts
from bench.record.journal import read_run
from bench.record.lines import JobRecord
from mnist_bench.description import DESCRIPTION
from mnist_bench.workload import WORKLOAD

#: Epochs of each network; the first is left out as warm-up.
EPOCHS = {"mlp": 5, "cnn": 2}
OPTIMIZER = {"mlp": "rmsprop", "cnn": "adam"}


class Compared(NamedTuple):
    """A loop that is compared with others."""

    model: str
    loop: str
    backend: str
    precision: str = "float32"


#: Loops that are compared, by a name for the table.
LOOPS: Mapping[str, Compared] = {
    "mlp fit tensorflow": Compared("mlp", "fit", "tensorflow"),
    "mlp compiled tensorflow": Compared("mlp", "compiled", "tensorflow"),
    "mlp compiled jax": Compared("mlp", "compiled", "jax"),
    "mlp compiled torch": Compared("mlp", "compiled", "torch"),
    "mlp compiled tensorflow bfloat16": Compared("mlp", "compiled", "tensorflow", "bfloat16"),
    "cnn fit tensorflow": Compared("cnn", "fit", "tensorflow"),
    "cnn compiled tensorflow": Compared("cnn", "compiled", "tensorflow"),
    "cnn compiled jax": Compared("cnn", "compiled", "jax"),
    "cnn stepwise jax": Compared("cnn", "stepwise", "jax"),
    "cnn compiled torch": Compared("cnn", "compiled", "torch"),
    "cnn compiled tensorflow bfloat16": Compared("cnn", "compiled", "tensorflow", "bfloat16"),
}

#: Seconds of watching whose cost is taken.
SAMPLING_S = 20.0

Round = Mapping[str, float]
#: What a benchmark calls when it has done a part.
Say = Callable[[str], None]


def job_of(name: str, data: Staged):
    """Return the job of one of the LOOPS."""
    compared = LOOPS[name]
    return data.job(
        **compared._asdict(),
        optimizer=OPTIMIZER[compared.model],
        epochs=EPOCHS[compared.model],
    )


def left_out(data: Staged, facts: MachineFacts) -> dict[str, str]:
    """Return the LOOPS that a machine with `facts` cannot run, with the reasons."""
    reasons = {name: WORKLOAD.why_skipped(job_of(name, data), facts) for name in LOOPS}
    return {name: reason for name, reason in reasons.items() if reason is not None}


def loops_round(data: Staged, number: int, say: Say) -> dict[str, float]:
    """Return p10 milliseconds and ceiling shares of every loop; odd rounds run backwards."""
    reasons = left_out(data, probe(DESCRIPTION.packages))
    if number == 0:
        for name, reason in reasons.items():
            say(f"{name}: left out, because {reason}")
    names = [name for name in LOOPS if name not in reasons]
    found: dict[str, float] = {}
    for name in names if number % 2 == 0 else reversed(names):
        measures_ceilings = LOOPS[name].loop == "compiled"
        record = run_bare(data.launch(job_of(name, data), measure_ceilings=measures_ceilings))
        step_s = p10_s(record)
        found[f"{name}: p10 ms"] = 1000 * step_s
        if record.measurement.ceilings:
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
    """Return what the quick grid takes around its jobs, in the first round alone.

    It is typed as a user types it, with the whole data: the seconds to the first timed step, from
    one job's end to the next one's first step (the median), and to the report. The backend's own
    import is taken off the first two. Both clocks are this machine's.
    """
    if number > 0:
        return {}
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "mnist_bench.run", "--grid", "quick", "--local-only"]
        command += ["--out", folder, "--repeat-disturbed", "0"]
        typed_at = time.time()
        subprocess.run(command, check=True, capture_output=True, cwd=ROOT)
        took_s = time.time() - typed_at
        (journal,) = (Path(folder) / "journals").glob("*.jsonl")
        jobs = read_run(journal).measured
    gaps = [
        _first_step_at(after) - _time_of(before.ended_at)
        for before, after in itertools.pairwise(jobs)
    ]
    found = {
        "typing to first step: s": _first_step_at(jobs[0]) - typed_at,
        "between two jobs: s": statistics.median(gaps),
        "typing to report: s": took_s,
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


def _single(compared: Compared, model: str) -> bool:
    return (compared.model, compared.precision) == (model, "float32")


def over_best(rounds: list[Round], above: str, model: str) -> list[float]:
    """Return the p10 of the loop `above` over the best p10 of a network in float32."""
    names = [f"{name}: p10 ms" for name, one in LOOPS.items() if _single(one, model)]
    bests = [[each[name] for name in names if name in each] for each in rounds]
    key = f"{above}: p10 ms"
    return [each[key] / min(best) for each, best in zip(rounds, bests, strict=True) if key in each]


def best_share(rounds: list[Round], model: str) -> list[float]:
    """Return, of every round, the fastest compiled loop's rate over the largest ceiling."""
    single = [name for name, one in LOOPS.items() if one.precision == "float32"]
    own = [name for name in single if LOOPS[name].model == model]
    shares = []
    for each in rounds:
        rates = [each[key] for name in own if (key := f"{name}: GFLOP/s") in each]
        ceilings = [each[key] for name in single if (key := f"{name}: ceiling") in each]
        if rates and ceilings:
            shares.append(max(rates) / max(ceilings))
    return shares


def to_json(document: Mapping[str, object]) -> str:
    """Return the figures as JSON text."""
    return json.dumps(document, indent=1) + "\n"
