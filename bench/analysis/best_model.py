"""The confusion matrix of the best model: of the jobs with the best mean score, added up."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean

from bench.analysis.cells import Cell, Group
from bench.analysis.results import Results
from bench.record.confusion import Confusion
from bench.record.measurement import Evaluation

#: The final evaluations of the jobs of each cell, by the machine's key and the cell.
Finals = dict[tuple[str, Cell], list[Evaluation]]


@dataclass(frozen=True)
class BestModel:
    """The jobs of one cell on one machine, which have the best mean score.

    `score` is the mean of the scored metric over the `jobs` jobs, and `confusion` the sum of their
    matrices.
    """

    group: Group
    score: float
    jobs: int
    confusion: Confusion


def best_model(results: Results) -> BestModel | None:
    """Return the best model of those with a confusion matrix; None if there is none.

    Models that were trained wrong do not count. Scores on unlike data cannot be compared, so only
    the data of the most jobs count. Of equally good models, the first one in the tables is best.
    """
    metric = results.outline.scored
    if metric is None:
        return None
    finals = _finals(results, metric.name)
    models = [
        _model(result.group, own, metric.name)
        for result in results.groups
        if not result.gate.wrong
        for own in [finals.get((result.group.machine_key, result.group.cell))]
        if own
    ]
    sign = 1 if metric.better == "higher" else -1
    return max(_on_usual_data(models), key=lambda model: sign * model.score, default=None)


def _on_usual_data(models: Sequence[BestModel]) -> list[BestModel]:
    """Return the models that were trained on the data of the most jobs."""
    jobs: Counter[str | None] = Counter()
    for model in models:
        jobs[model.group.cell.data_digest] += model.jobs
    usual = {digest for digest, _ in jobs.most_common(1)}
    return [model for model in models if model.group.cell.data_digest in usual]


def _finals(results: Results, metric: str) -> Finals:
    """Return the final evaluations that hold a score and a confusion matrix."""
    found: Finals = {}
    for job in results.measured:
        final = job.measurement.final
        if final.confusion is not None and final.metrics.get(metric) is not None:
            found.setdefault((job.machine_key, job.cell(results.outline)), []).append(final)
    return found


def _model(group: Group, finals: Sequence[Evaluation], metric: str) -> BestModel:
    """Return the model of a group, by the jobs that name the same classes as its first one."""
    pairs = [
        (score, one.confusion)
        for one in finals
        if one.confusion is not None and (score := one.metrics[metric]) is not None
    ]
    classes = pairs[0][1].classes
    alike = [(score, confusion) for score, confusion in pairs if confusion.classes == classes]
    counts = [confusion.counts for _, confusion in alike]
    total = tuple(tuple(map(sum, zip(*rows, strict=True))) for rows in zip(*counts, strict=True))
    return BestModel(
        group=group,
        score=fmean(score for score, _ in alike),
        jobs=len(alike),
        confusion=Confusion(classes=classes, counts=total),
    )
