"""Planted runs that give data to every figure: machines, sittings, batch sizes, threads, prices."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from builders import MIB, a_job, a_measurement, a_record, a_run, an_evaluation
from sittings_on_disk import machine

from bench.analysis.results import Results, analyse
from bench.record.ceilings import Ceilings, CopyRate, MatmulRate, WorkCount
from bench.record.confusion import Confusion
from bench.record.measurement import ThreadFacts
from bench.record.price import PriceRule
from bench.record.run import Run
from mnist_bench.description import DESCRIPTION
from mnist_bench.reference import published_2020

EPOCHS = 4

#: Axes of the jobs that each machine runs, and how much longer each of them takes a step.
JOBS: tuple[tuple[dict[str, Any], float], ...] = (
    ({"model": "mlp", "optimizer": "sgd"}, 1.0),
    ({"model": "cnn", "optimizer": "adam"}, 5.0),
    ({"model": "cnn", "optimizer": "adam", "batch_size": 32}, 2.0),
    ({"model": "cnn", "optimizer": "adam", "batch_size": 2048}, 60.0),
)

CEILINGS = Ceilings(
    matmul=(MatmulRate(size=1024, flops_per_s=200e9),),
    copy_rates=(CopyRate(size_bytes=2**20, bytes_per_s=20e9),),
    took_s=1.0,
)

#: The right predictions of each class, and mistakes: true class, predicted class, count.
RIGHT = (972, 1128, 1010, 994, 955, 878, 942, 1006, 951, 974)
MISTAKES = ((4, 9, 18), (9, 4, 12), (7, 2, 9), (3, 5, 7), (8, 3, 5), (0, 6, 1), (1, 7, 1))


def figure_runs(names: Sequence[str], *, sittings: int = 2) -> list[Run]:
    """Return runs of machines with these names, each slower and cheaper than the one before."""
    return [
        _run(name, place, sitting)
        for place, name in enumerate(names)
        for sitting in range(sittings)
    ]


def thread_runs(label: str) -> list[Run]:
    """Return the run of a host with 1, 2 and 4 threads, which is the fastest with 2."""
    found = machine(label)
    records = []
    for threads, step_s in ((1, 0.02), (2, 0.0125), (4, 0.016)):
        job = a_job(threads=threads)
        steps = [[step_s] * 10] * job.epochs
        asked = ThreadFacts(asked=threads, environment={})
        measured = a_measurement(steps, threads=asked)
        records.append(a_record(job, measured, label=label, machine=found, run_id=f"run-{label}"))
    return [a_run(records)]


def results_of(runs: Sequence[Run], *, published: bool = True) -> Results:
    """Return the results of `runs`."""
    return analyse(runs, DESCRIPTION.outline, published_2020() if published else None)


def _run(name: str, place: int, sitting: int) -> Run:
    day = f"2026-11-{1 + sitting:02d}T{10 + place % 10}"
    step_s = 0.01 * 1.3**place * math.exp(0.01 * (-1) ** sitting)
    records = []
    for number, (axes, times) in enumerate(JOBS):
        job = a_job(**axes, epochs=EPOCHS, evaluate="every", seed=1)
        measured = _measurement(times * step_s, ceilings=CEILINGS if number == 0 else None)
        records.append(
            a_record(
                job,
                measured,
                label=name,
                machine=machine(name),
                run_id=f"run-{place}-{sitting}",
                started_at=f"{day}:{number:02d}:00+00:00",
                ended_at=f"{day}:{number:02d}:40+00:00",
            )
        )
    price = PriceRule(usd_per_hour=1 / (1 + place) ** 2, source="contract", date="2026-11")
    return a_run(records, started_at=f"{day}:00:00+00:00", prices=(price,))


def digits_confusion() -> Confusion:
    """Return the matrix of a model that takes some 4s for 9s."""
    counts = [[0] * len(RIGHT) for _ in RIGHT]
    for true, right in enumerate(RIGHT):
        counts[true][true] = right
    for true, predicted, count in MISTAKES:
        counts[true][predicted] = count
    return Confusion(classes=tuple(map(str, range(len(RIGHT)))), counts=tuple(map(tuple, counts)))


def _measurement(step_s: float, **changes: Any) -> Any:
    steps = [[10 * step_s, *[step_s] * 9], *[[step_s * (1 + k / 50) for k in range(10)]] * 3]
    scores = ((0.94, 0.93), (0.97, 0.965), (0.985, 0.982), (0.995, 0.981))
    measured = a_measurement(
        steps,
        evaluations=[
            an_evaluation(
                epoch,
                5 + 12 * epoch * step_s,
                train_accuracy=train,
                test_accuracy=test,
                confusion=digits_confusion() if epoch == EPOCHS else None,
            )
            for epoch, (train, test) in enumerate(scores, start=1)
        ],
        work=WorkCount(flops=10**9, bytes=10**7, working_set_bytes=2**21),
        **changes,
    )
    grown = [
        epoch.model_copy(update={"rss_bytes": (600 + epoch.epoch) * MIB})
        for epoch in measured.epochs
    ]
    return measured.model_copy(update={"epochs": tuple(grown)})
