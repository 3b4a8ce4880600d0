"""`make perf`: the benchmark of the benchmark, paired and alternating; it reports and never fails.

    python tests/perf/perf.py [--rounds 2] [--out reports/perf.json] [--keep]

With `--keep`, the table also becomes a dated section at the top of the history in docs/perf.md.
Each figure is a ratio of p10s within one round, or seconds; what is printed is the median over the
rounds with its range. Nothing here is judged by an exit code: machines differ, and a figure that
misses its target is reported as it was.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from figures import (
    Round,
    best_share,
    command_round,
    loops_round,
    over_best,
    ratio,
    ray_pair,
    recording_pair,
    sampling_round,
    to_json,
)
from history import keep, machine_words, section
from jobs import ROOT, Staged, stage_part
from tabulate import tabulate

from bench.errors import BenchError
from bench.probe.machine import probe
from bench.report.data import write_file
from mnist_bench.description import DESCRIPTION

#: Where sections are kept.
HISTORY = ROOT / "docs" / "perf.md"

#: Images of the part of MNIST that jobs train on: 100 steps of 128 an epoch.
IMAGES = 12_800


@dataclass(frozen=True)
class Figure:
    """A row of the table: what it is, its target, and its value in each round."""

    name: str
    target: str
    met: Callable[[float], bool]
    values: Callable[[list[Round]], list[float]]


def at_least(bound: float) -> tuple[str, Callable[[float], bool]]:
    """Return a target's words and its test."""
    return f"{bound:g} or more", lambda value: value >= bound


def at_most(bound: float, unit: str = "") -> tuple[str, Callable[[float], bool]]:
    """Return a target's words and its test."""
    return f"{bound:g}{unit} or less", lambda value: value <= bound


#: The words of a figure without a target.
NO_TARGET: tuple[str, Callable[[float], bool]] = "none", lambda value: True


def ratio_of(above: str, below: str) -> Callable[[list[Round]], list[float]]:
    """Return what reads the ratio of two p10s from every round."""
    return lambda rounds: ratio(rounds, f"{above}: p10 ms", f"{below}: p10 ms")


def value_of(key: str) -> Callable[[list[Round]], list[float]]:
    """Return what reads a value from every round."""
    return lambda rounds: [each[key] for each in rounds if key in each]


def over_best_of(above: str, model: str) -> Callable[[list[Round]], list[float]]:
    """Return what reads the ratio of a loop's p10 to the best of its network from every round."""
    return lambda rounds: over_best(rounds, above, model)


FIGURES = (
    Figure(
        "MLP, TensorFlow: fit / compiled",
        *at_least(2.5),
        ratio_of("mlp fit tensorflow", "mlp compiled tensorflow"),
    ),
    Figure(
        "MLP: TensorFlow fit / best backend",
        *at_least(3),
        over_best_of("mlp fit tensorflow", "mlp"),
    ),
    Figure(
        "CNN, TensorFlow: fit / compiled",
        *at_least(1.3),
        ratio_of("cnn fit tensorflow", "cnn compiled tensorflow"),
    ),
    Figure(
        "CNN: TensorFlow fit / best backend",
        *at_least(1.8),
        over_best_of("cnn fit tensorflow", "cnn"),
    ),
    Figure(
        "CNN on JAX: the former compiled (stepwise) / compiled",
        *at_least(3),
        ratio_of("cnn stepwise jax", "cnn compiled jax"),
    ),
    Figure(
        "MLP, TensorFlow compiled: float32 / bfloat16",
        *NO_TARGET,
        ratio_of("mlp compiled tensorflow", "mlp compiled tensorflow bfloat16"),
    ),
    Figure(
        "CNN, TensorFlow compiled: float32 / bfloat16",
        *NO_TARGET,
        ratio_of("cnn compiled tensorflow", "cnn compiled tensorflow bfloat16"),
    ),
    Figure(
        "MLP, best backend: share of the machine's matrix-multiply ceiling",
        *at_least(0.7),
        lambda rounds: best_share(rounds, "mlp"),
    ),
    Figure(
        "CNN, best backend: the same",
        *at_least(0.65),
        lambda rounds: best_share(rounds, "cnn"),
    ),
    Figure(
        "job by Ray / the same job bare",
        *at_most(1.01),
        ratio_of("ray pair, ray", "ray pair, bare"),
    ),
    Figure(
        "recorded child / the loop alone",
        *at_most(1.01),
        ratio_of("recording pair, recorded", "recording pair, loop alone"),
    ),
    Figure(
        "looking at conditions: share of one core",
        *at_most(0.01),
        value_of("conditions: share of a core"),
    ),
    Figure(
        "typing the command to the first timed step, less the import, s",
        *at_most(7, " s"),
        value_of("typing to first step: s"),
    ),
    Figure(
        "between two jobs, less the import, s",
        *at_most(1, " s"),
        value_of("between two jobs: s"),
    ),
    Figure(
        "the quick grid alone, from typing it to its report, s",
        *at_most(180, " s"),
        value_of("typing to report: s"),
    ),
)

PARTS = (loops_round, ray_pair, recording_pair, sampling_round, command_round)


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure, print the table, write the JSON."""
    parser = argparse.ArgumentParser(prog="make perf", description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--images", type=int, default=IMAGES)
    parser.add_argument("--out", type=Path, default=Path("reports/perf.json"))
    parser.add_argument("--keep", action="store_true", help="add the table to docs/perf.md")
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="mnist-bench-perf-") as folder:
        data = stage_part(options.images, Path(folder))
        rounds: list[Round] = []
        for number in range(options.rounds):
            say = _sayer(number, options.rounds)
            rounds.append(_round(data, number, say))
            rows = [_row(figure, rounds) for figure in FIGURES]
            write_file(options.out, to_json(_document(data, rows, rounds)))
    facts, table = probe(DESCRIPTION.packages), _table(rows)
    print(f"{machine_words(facts)}\n\n{table}\n\n{options.out}")
    if options.keep:
        today = datetime.now(UTC).date().isoformat()
        keep(HISTORY, section(today, facts, options.rounds, table))
        print(HISTORY)


def _document(
    data: Staged, rows: Sequence[dict[str, object]], rounds: Sequence[Round]
) -> dict[str, object]:
    return {
        "measured_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": probe(DESCRIPTION.packages).model_dump(mode="json"),
        "data": {"name": data.name, "source": data.source, "images": data.images},
        "figures": rows,
        "rounds": rounds,
    }


def _round(data: Staged, number: int, say: Callable[[str], None]) -> Round:
    """Return the figures of a round; a part that fails is said and leaves the others."""
    found: dict[str, float] = {}
    for part in PARTS:
        try:
            found |= part(data, number, say)
        except (BenchError, RuntimeError, subprocess.CalledProcessError) as error:
            say(f"{part.__name__} FAILED: {error}")
    return found


def _sayer(number: int, rounds: int) -> Callable[[str], None]:
    begin = datetime.now(UTC)

    def say(line: str) -> None:
        passed = (datetime.now(UTC) - begin).total_seconds()
        print(f"round {number + 1} of {rounds}, {passed:.0f} s: {line}", flush=True)

    return say


def _row(figure: Figure, rounds: list[Round]) -> dict[str, object]:
    values = figure.values(rounds)
    middle = statistics.median(values) if values else None
    return {
        "figure": figure.name,
        "median": middle,
        "low": min(values, default=None),
        "high": max(values, default=None),
        "rounds": len(values),
        "target": figure.target,
        "met": None if middle is None or figure.target == "none" else figure.met(middle),
    }


def _table(rows: Sequence[dict[str, object]]) -> str:
    words = {True: "yes", False: "no", None: "n/a"}

    def text(value: object) -> str:
        return "n/a" if value is None else f"{value:.3g}"

    cells = [
        (
            row["figure"],
            text(row["median"]),
            f"{text(row['low'])} to {text(row['high'])}",
            row["target"],
            words[row["met"]],
        )
        for row in rows
    ]
    return tabulate(cells, ("figure", "median", "range", "target", "met"), tablefmt="github")


if __name__ == "__main__":
    main()
