"""The table of targets: seconds, dollars and joules until a training reaches each of them."""

from __future__ import annotations

from typing import Any

from bench.analysis.results import Results
from bench.analysis.time_to_target import TimeToTarget
from bench.report.column import Column, Table
from bench.report.shared_columns import (
    MEASURED,
    bound_keys,
    bounded,
    group_columns,
    recipe_row,
    warnings,
)
from bench.report.words import reach as words
from bench.spec.axes import Metric
from bench.spec.description import Outline

#: Which training the dollars and joules are of.
OF_MEAN = "of the mean seed; of the median seed if a seed missed the target"


def targets_table(results: Results) -> Table | None:
    """Return a row for each recipe, machine and target; None if no target was looked for."""
    metric, found = results.outline.scored, results.targets
    if metric is None or not found:
        return None
    between = any(low != high for low, high in (one.reached.median for one in found) if high)
    return Table(
        name="targets",
        title=words.title(metric),
        columns=_columns(results, metric),
        rows=tuple(_row(one, results.outline) for one in found),
        notes=(
            *warnings(results),
            words.NOTE,
            *([words.AT_MOST] if between else []),
            *([words.SHORTER] if any(one.reached.shorter for one in found) else []),
        ),
    )


def _columns(results: Results, metric: Metric) -> tuple[Column, ...]:
    machine, _, *axes = group_columns(results)
    return (
        machine,
        Column("training", "training", meaning="what is trained, for as long as it takes"),
        *axes,
        Column("target", "target", "number", f"the {metric.title} to reach", unit=metric.unit),
        Column("seeds", "seeds", meaning="how many seeds reached the target, of all seeds"),
        Column("epochs", "epochs", meaning="trained until the median seed reaches the target"),
        Column("time", "s [95 %]", meaning="seconds of training until then"),
        Column(
            "usd_per_1000_trainings",
            "USD per 1000",
            "number",
            f"dollars of 1000 trainings {OF_MEAN}",
            unit="USD",
            better="lower",
            bounds=bound_keys("usd_per_1000_trainings"),
            foldable=True,
        ),
        Column(
            "joules",
            "J",
            "number",
            f"energy of a training {OF_MEAN}",
            unit="J",
            better="lower",
            bounds=bound_keys("joules"),
            foldable=True,
        ),
        Column(
            "stays",
            "stays",
            meaning="how many seeds reached the target at every later evaluation too",
            foldable=True,
        ),
    )


def _row(found: TimeToTarget, outline: Outline) -> dict[str, Any]:
    there, cell = found.reached, found.reached.recipe
    low, high = there.median
    seeds_low, seeds_high = there.share
    stayed, again = there.stayed
    highs = [first.high for first in there.firsts if first.high is not None]
    return {
        "machine": found.machine,
        "source": MEASURED,
        "machine_key": found.machine_key,
        **recipe_row(cell, outline),
        "training": words.recipe(cell, outline),
        "target": there.target,
        "seeds": words.part(there.reached, there.seeds),
        "seeds_reached": there.reached,
        "seeds_trained": there.seeds,
        "seeds_share_low": seeds_low,
        "seeds_share_high": seeds_high,
        "epochs": words.epochs(there),
        "epochs_low": low,
        "epochs_high": high,
        "epochs_of_first_seed": min(highs, default=None),
        "epochs_of_last_seed": max(highs) if len(highs) == there.seeds else None,
        "epochs_trained": there.trained,
        "time": words.seconds(there, found.seconds, found.more_than_s),
        **bounded("time", found.seconds, "s"),
        "time_more_than_s": found.more_than_s,
        "start_s": found.pace.start_s,
        "epoch_s": found.pace.epoch_s,
        "jobs": found.pace.jobs,
        "sittings": found.pace.sittings,
        **bounded("usd_per_1000_trainings", found.usd, factor=1000),
        **bounded("joules", found.joules),
        "stays": words.part(stayed, again) if again else None,
        "seeds_stayed": stayed,
        "seeds_evaluated_again": again,
    }
