"""How the scored metric develops by epoch, beside its training counterpart: overfitting."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from bench.analysis.cells import METRIC, Group, groups, median
from bench.analysis.columns import Frame
from bench.analysis.frames import evaluations_frame
from bench.analysis.pooling import MeasuredJob
from bench.spec.description import Outline

#: A job is part of a curve if it was evaluated after more epochs than these.
FEW = 2


@dataclass(frozen=True)
class CurvePoint:
    """The evaluation after one epoch: medians over `seeds` seeds.

    `score` is the scored metric, and `training` its training counterpart, if there is one. `gap`
    is how much better the counterpart is.
    """

    epoch: int
    seeds: int
    score: float
    training: float | None
    gap: float | None


@dataclass(frozen=True)
class Curve:
    """The evaluations of the jobs of one cell on one machine, epoch by epoch.

    `best_by_seed` holds the epoch of the best score of each seed, the earliest first. `worse`
    counts the seeds whose score at the end is worse than after the epoch of `best`, of the
    `compared` seeds that have both.
    """

    group: Group
    points: tuple[CurvePoint, ...]
    better: Literal["higher", "lower"]
    best_by_seed: tuple[int, ...]
    worse: int
    compared: int

    @property
    def best(self) -> CurvePoint:
        """The first point with the best score."""
        return min(self.points, key=lambda point: -_sign(self.better) * point.score)

    @property
    def last(self) -> CurvePoint:
        """The point of the last evaluation."""
        return self.points[-1]

    @property
    def lost(self) -> float:
        """How much worse the score is at the end than at its best."""
        return _sign(self.better) * (self.best.score - self.last.score)

    @property
    def overfits(self) -> bool:
        """Whether longer training made every seed's score worse, and the counterpart better.

        It takes two seeds at least: the best of many epochs is above the last one by chance too.
        """
        best, last = self.best.training, self.last.training
        if best is None or last is None or self.compared < FEW:
            return False
        return self.worse == self.compared and _sign(self.better) * (last - best) > 0


def curves(
    measured: Sequence[MeasuredJob], names: Mapping[str, str], outline: Outline
) -> tuple[Curve, ...]:
    """Return the curve of each cell of each machine with jobs that were evaluated often enough.

    Repeats of one seed count once, by their median. Without a scored metric there is no curve.
    """
    often = [job for job in measured if len(job.measurement.evaluations) > FEW]
    if outline.scored is None or not often:
        return ()
    frame = evaluations_frame(often, outline)
    found = (
        _curve(group, rows, outline)
        for group, rows in groups(frame, outline, names, epochs="job_epochs")
    )
    return tuple(curve for curve in found if curve is not None)


def _curve(group: Group, rows: Frame, outline: Outline) -> Curve | None:
    scored = outline.scored
    assert scored is not None, "curves() looked"
    counterpart = outline.training_of(scored)
    scores = _by_epoch_and_seed(rows, METRIC + scored.name)
    if not scores:
        return None
    training = {} if counterpart is None else _by_epoch_and_seed(rows, METRIC + counterpart.name)
    sign = _sign(scored.better)
    points = tuple(
        _point(epoch, scores[epoch], training.get(epoch, {}), sign) for epoch in sorted(scores)
    )
    best_epoch = min(points, key=lambda point: -sign * point.score).epoch
    at_best, at_end = scores[best_epoch], scores[points[-1].epoch]
    both = at_best.keys() & at_end.keys()
    return Curve(
        group=group,
        points=points,
        better=scored.better,
        best_by_seed=_best_by_seed(scores, sign),
        worse=sum(sign * (at_best[seed] - at_end[seed]) > 0 for seed in both),
        compared=len(both),
    )


def _by_epoch_and_seed(rows: Frame, column: str) -> dict[int, dict[int, float]]:
    """Return the known values of a column by epoch and seed; repeats of a seed by their median."""
    values: dict[int, dict[int, list[float]]] = {}
    for epoch, seed, value in zip(rows["epoch"], rows["seed"], rows[column], strict=True):
        if value is not None and value == value:
            values.setdefault(int(epoch), {}).setdefault(int(seed), []).append(float(value))
    return {
        epoch: {seed: _middle(found) for seed, found in by_seed.items()}
        for epoch, by_seed in values.items()
    }


def _point(
    epoch: int, scores: Mapping[int, float], training: Mapping[int, float], sign: int
) -> CurvePoint:
    score, counterpart = _middle(scores.values()), median(training.values())
    return CurvePoint(
        epoch=epoch,
        seeds=len(scores),
        score=score,
        training=counterpart,
        gap=None if counterpart is None else sign * (counterpart - score),
    )


def _best_by_seed(scores: Mapping[int, Mapping[int, float]], sign: int) -> tuple[int, ...]:
    best: dict[int, tuple[float, int]] = {}
    for epoch in sorted(scores):
        for seed, score in scores[epoch].items():
            if seed not in best or sign * score > best[seed][0]:
                best[seed] = (sign * score, epoch)
    return tuple(sorted(epoch for _, epoch in best.values()))


def _middle(values: Iterable[float]) -> float:
    found = median(values)
    assert found is not None, "there is a value"
    return found


def _sign(better: Literal["higher", "lower"]) -> int:
    return 1 if better == "higher" else -1
