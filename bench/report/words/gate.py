"""The sentences about convergence: how jobs are judged, and which machines train wrong."""

from __future__ import annotations

from collections.abc import Mapping

from bench.analysis.gate import CellGate, NotJudged
from bench.analysis.prediction import FALSE_MARKS, Check
from bench.analysis.reference import Unlike
from bench.report.words.lists import and_list
from bench.spec.axes import Axis, Calibrations, Metric

NO_CALIBRATION = "the workload has no calibration"


def explained(found: Calibrations, axes: Mapping[str, Axis]) -> str:
    """Return how jobs are judged, and what the calibration rests on."""
    seeds = sorted({row.n for row in found.rows})
    count = f"{seeds[0]}" if len(seeds) == 1 else f"{seeds[0]} to {seeds[-1]}"
    of = and_list(
        [axes[name].title for name in dict.fromkeys(n for r in found.rows for n in r.axes)]
    )
    versions = ", ".join(f"{name} {version}" for name, version in found.versions.items())
    required = ", ".join(f"{axes[name].title}: {_value(v)}" for name, v in found.requires.items())
    return (
        f"Jobs are judged by what healthy jobs ended with: {count} seeds of each {of}, measured on "
        f"{found.date} ({found.machine}; {versions}). A machine trains wrong if a job lies outside "
        f"of the prediction interval of one new job, at {100 * (1 - FALSE_MARKS):g} % for all "
        "checks of a row together, or if a metric is not finite. Its speed is then not ranked for "
        f"this job. Only jobs on {found.dataset} data are judged, after the epochs that were "
        f"calibrated ({required})."
    )


def not_judged(reason: NotJudged | None, dataset: str, axes: Mapping[str, Axis]) -> str | None:
    """Return why jobs are not judged."""
    if isinstance(reason, Unlike):
        return f"{axes[reason.axis].title} {_value(reason.value)}"
    texts = {
        "other dataset": f"{dataset} data",
        "other data": f"other {dataset} data than the calibration's",
        "no calibration": NO_CALIBRATION,
        "not calibrated": "this job or number of epochs was not calibrated",
    }
    return None if reason is None else texts[reason]


def wrong(found: CellGate, job: str, metrics: Mapping[str, Metric]) -> str:
    """Return that a machine trains wrong in one cell, `job` in words, and by what it shows."""
    many = f"{found.jobs} jobs" if found.jobs > 1 else "the job"
    if found.not_finite:
        count = f"{found.not_finite} of {many}" if found.jobs > 1 else many
        shown = f"a metric of {count} is not finite"
    else:
        assert found.worst is not None, "a job outside of an interval has a check that fails"
        count = f" in {found.outside} of {many}" if found.jobs > 1 else ""
        shown = _outside(found.worst, metrics[found.worst.metric], count)
    return f"{found.machine} trains {job} wrong, so its speed is not ranked there: {shown}."


def _outside(check: Check, metric: Metric, count: str) -> str:
    low, high, value = (metric.shown(one) for one in (check.low, check.high, check.value))
    return f"{metric.title} is {value}{count}, and healthy jobs end between {low} and {high}"


def _value(value: object) -> str:
    return {True: "yes", False: "no"}[value] if isinstance(value, bool) else str(value)
