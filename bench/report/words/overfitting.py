"""The sentences on overfitting."""

from __future__ import annotations

from bench.analysis.curves import Curve
from bench.spec.axes import Metric

OVERFITTING_NOTE = (
    "The jobs of this table were evaluated after more than two epochs, with the clock stopped. "
    "tables/epochs.csv holds their figures epoch by epoch. The best of many epochs lies above the "
    "others by chance too, so a row is called overfitting only if at least two seeds, and all of "
    "them, are worse at the end."
)


def overfits(job: str, curve: Curve, scored: Metric, counterpart: Metric) -> str:
    """Return that longer training made a score worse; `job` names the machine and the job."""
    best, last = curve.best, curve.last
    return (
        f"{job} overfits: {scored.title} was best after epoch {best.epoch} "
        f"({scored.shown(best.score)}) and is {scored.shown(last.score)} at the end, worse "
        f"in all {curve.compared} seeds, while {counterpart.title} went from "
        f"{counterpart.shown(best.training)} to {counterpart.shown(last.training)}."
    )
