"""Planted runs for tests of the page: machines on a grid, with prices, targets and disturbances."""

from __future__ import annotations

import math
import random
from collections.abc import Mapping, Sequence
from typing import Any

from builders import (
    a_job,
    a_measurement,
    a_record,
    a_run,
    an_epoch,
    an_evaluation,
    conditions,
    digest,
    facts,
)
from figure_runs import digits_confusion

from bench.record.failure import Failure
from bench.record.price import PriceRule
from bench.record.run import Run
from bench.spec.job import JobSpec

#: A name that would run as a script, end a cell, break a line and turn the direction of writing.
HOSTILE = "<script>alert(1)</script>|x\n\u202eabc"

#: A few kinds of job that differ in three axes.
SMALL: tuple[JobSpec, ...] = tuple(
    a_job(**{"model": "mlp", "optimizer": "sgd", "epochs": 6, **changes}, seed=seed)
    for changes in ({}, {"model": "cnn", "optimizer": "adam"}, {"loop": "compiled"})
    for seed in (1, 2)
)


def full_grid() -> list[JobSpec]:
    """Return the jobs of the grid `full` with all backends."""
    long = {"epochs": 15, "read_off": (2,)}
    kinds: list[dict[str, Any]] = []
    for model in ("mlp", "cnn"):
        kinds += [
            {"model": model, "optimizer": optimizer, "seed": seed, **long}
            for optimizer in ("sgd", "rmsprop", "adam")
            for seed in (1234, 1235)
        ]
        short = {"model": model, "optimizer": "adam", "epochs": 2}
        kinds += [
            {**short, "batch_size": batch_size, "loop": loop}
            for batch_size in (32, 128, 512, 2048, 8192)
            for loop in ("fit", "compiled")
        ]
        kinds += [{**short, "loop": "compiled", "backend": name} for name in ("jax", "torch")]
        kinds += [{**short, "loop": loop, "precision": "bfloat16"} for loop in ("fit", "compiled")]
    return [a_job(**kind) for kind in kinds]


def planted(
    label: str,
    slowness: float,
    *,
    day: float = 0.0,
    price: float | None = None,
    price_date: str | None = "2026-11-20",
    jobs: Sequence[JobSpec] = SMALL,
    disturbed: Sequence[int] = (),
    failed: Sequence[int] = (),
) -> Run:
    """Return a sitting of a machine that takes `slowness` times 20 ms a step.

    `disturbed` and `failed` are places in `jobs`. Everything is drawn from the label and the day.
    """
    draw = random.Random(f"{label} {day}")
    records = [
        a_record(
            job,
            Failure(reason="time limit", message="not done after 600 s")
            if place in failed
            else _measured(job, 0.02 * slowness * math.exp(day + draw.gauss(0, 0.02)), draw),
            label=label,
            run_id=f"{digest(label)[:6]}-{day:.3f}",
            machine=facts(machine_id=digest(label)[:16], host_hash=digest(label)[:16]),
            conditions=conditions("disturbed", "foreign CPU (0.9 CPUs)")
            if place in disturbed
            else conditions("quiet"),
        )
        for place, job in enumerate(jobs)
    ]
    rule = None if price is None else PriceRule(usd_per_hour=price, source="deal", date=price_date)
    return a_run(records, prices=() if rule is None else (rule,))


def _measured(job: JobSpec, step_s: float, draw: random.Random) -> Any:
    values: Mapping[str, Any] = job.axes
    step_s *= 3 if values["model"] == "cnn" else 1
    steps = max(2, 60_000 // int(values["batch_size"]))
    epochs = tuple(
        an_epoch(number, [step_s] * 10, wall_s=step_s * steps, steps=steps)
        for number in range(1, job.epochs + 1)
    )
    total_s = job.epochs * step_s * steps + 2
    evaluations = [
        an_evaluation(
            number,
            total_s * number / job.epochs,
            test_accuracy=0.95 + 0.042 * (1 - math.exp(-number / 4)) + draw.gauss(0, 0.001),
            confusion=digits_confusion() if number == job.epochs else None,
        )
        for number in range(1, job.epochs + 1)
    ]
    return a_measurement(
        [[step_s] * 10] * job.epochs, total_s=total_s, evaluations=evaluations, epochs=epochs
    )


def small_runs() -> list[Run]:
    """Return two sittings of four machines; one has a hostile name, and one has no price."""
    machines = {HOSTILE: (1.0, 2.0), "desk": (1.5, 0.9), "rack": (2.2, 0.4), "old": (4.0, None)}
    return [
        planted(
            label,
            slowness,
            day=day,
            price=price,
            disturbed=(2, 3) if label == "rack" else (),
            failed=(5,) if label == "old" else (),
        )
        for label, (slowness, price) in machines.items()
        for day in (-0.01, 0.012)
    ]


def many_runs(machines: int) -> list[Run]:
    """Return one run of the full grid on each of so many machines."""
    return [
        planted(f"machine-{number}", 1 + 0.3 * number, price=2 / (1 + number), jobs=full_grid())
        for number in range(machines)
    ]
