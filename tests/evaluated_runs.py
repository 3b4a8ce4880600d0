"""Runs of trainings that were evaluated after every epoch, for tests of targets and choices."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from builders import a_job, a_measurement, a_record, a_run, an_evaluation, digest, facts

from bench.record.run import Run

#: The epochs of every training.
EPOCHS = 10


def evaluated_run(
    label: str,
    epoch_s: float,
    reached: Mapping[int, int | None],
    *,
    job: Mapping[str, Any] | None = None,
    start_s: float = 1.0,
    conditions: Any = None,
    machine: Mapping[str, Any] | None = None,
    **header: Any,
) -> Run:
    """Return a run of a machine whose epochs take `epoch_s` each.

    `reached` holds, by seed, the epoch from which on the test accuracy is 0.985 and no longer 0.9;
    None stands for a seed that stays at 0.9. `start_s` is what the first epoch takes longer.
    """
    records = []
    for seed, first in reached.items():
        spec = a_job(epochs=EPOCHS, read_off=tuple(range(1, EPOCHS)), seed=seed, **(job or {}))
        evaluations = [
            an_evaluation(
                epoch,
                start_s + epoch * epoch_s,
                test_accuracy=0.985 if first is not None and epoch >= first else 0.9,
            )
            for epoch in range(1, EPOCHS + 1)
        ]
        measured = a_measurement(
            [[start_s + epoch_s / 2, epoch_s / 2]] + [[epoch_s / 2] * 2] * (EPOCHS - 1),
            evaluations=evaluations,
            digests={"data": digest(spec.dataset)},
        )
        own = facts(machine_id=(label * 16)[:16], **(machine or {}))
        records.append(
            a_record(
                spec,
                measured,
                label=label,
                machine=own,
                run_id=f"run-{label}",
                conditions=conditions,
            )
        )
    return a_run(records, **header)
