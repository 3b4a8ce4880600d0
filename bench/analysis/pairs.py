"""How machines compare job by job, and whether they did the same work."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import pandas as pd

from bench.analysis.intervals import Interval, geometric_interval, paired_ratio

#: What must agree for jobs to be pooled in one figure of one machine; seeds and repeats may differ.
GROUP = (
    "model",
    "optimizer",
    "epochs",
    "batch_size",
    "loop",
    "precision",
    "backend",
    "dataset",
    "as_published",
    "data_digest",
)
#: What two jobs must share to give the same weights bit for bit on one machine.
SAME_WORK = ("machine_key", *GROUP, "job_epochs", "seed")
#: What two records share when they are the same job on the same data.
SAME_JOB = ("job_id", "data_digest")


@dataclass(frozen=True)
class PairedSpeed:
    """How many times as fast `first` is as `second`, over the `n` jobs that both measured.

    Speeds are ratios of times, second over first; None where a time is unknown. `held_by_quota`
    names all machines with jobs of this model and dataset that their own CPU quota held up.
    `starts_alike` is true where initial weights and batch orders are identical in every one of the
    jobs.
    """

    first: str
    second: str
    model: str
    dataset: str
    n: int
    p10: Interval | None
    median: Interval | None
    mean: Interval | None
    total: Interval | None
    held_by_quota: tuple[str, ...]
    starts_alike: bool
    weights_alike: int
    accuracy_difference: float | None

    def speeds(self) -> dict[str, Interval | None]:
        """Return every speed by what it compares."""
        return {"p10": self.p10, "median": self.median, "mean": self.mean, "total": self.total}

    @property
    def basis(self) -> str:
        """Which step is compared: the p10, or the mean where a quota held one of the machines up.

        A quota stops a job for the rest of a period (100 ms by default), and steps between the
        pauses are as fast as without one: of the quantiles none need show it. All pairs of a model
        have one basis, so that they can be ranked.
        """
        return "mean" if self.held_by_quota else "p10"

    @property
    def speed(self) -> Interval | None:
        """The speed by `basis`."""
        return self.mean if self.held_by_quota else self.p10

    @property
    def conclusion(self) -> str:
        """What the speed says: faster, slower, cannot be told apart, or why nothing."""
        return conclusion(self.speed)


def conclusion(speed: Interval | None) -> str:
    """Return what an interval of relative speed allows to be said."""
    if speed is None:
        return "no time in common"
    if speed.low is None or speed.high is None:
        return "one job: no interval"
    if speed.low > 1:
        return "faster"
    return "slower" if speed.high < 1 else "cannot be told apart"


def code_notes(jobs: pd.DataFrame, names: dict[str, str]) -> tuple[str, ...]:
    """Return a note for each machine whose pooled jobs were run by unlike code."""
    notes = []
    for key, rows in jobs.groupby("machine_key", sort=False):
        digests = sorted(rows["code"].unique())
        if len(digests) > 1:
            short = ", ".join(digest[:12] for digest in digests)
            notes.append(f"{names[key]}: pooled jobs were run by unlike code: digests {short}.")
    return tuple(notes)


def repeat_notes(jobs: pd.DataFrame, names: dict[str, str]) -> tuple[str, ...]:
    """Return, for each machine, whether repeats of one job gave identical final weights.

    Within one machine and version set they must; a job that does not is named.
    """
    counts: dict[str, int] = dict.fromkeys(jobs["machine_key"].unique(), 0)
    unlike: dict[str, list[str]] = {key: [] for key in counts}
    for values, rows in jobs.groupby(list(SAME_WORK), sort=False, dropna=False):
        if len(rows) < 2:
            continue
        counts[values[0]] += 1
        if rows["final_weights"].nunique() > 1:
            unlike[values[0]].append(str(rows["job_id"].iloc[0]))
    return tuple(_repeat_note(names[key], counts[key], unlike[key]) for key in counts)


def paired_speeds(jobs: pd.DataFrame, names: dict[str, str]) -> tuple[PairedSpeed, ...]:
    """Return every pair of machines for each model and dataset that both measured.

    `jobs` is `bench.analysis.frames.jobs_frame`, `names` the machines' names by key. A job is common where
    its id and the digest of its data agree, so unlike specifications and datasets never meet.
    Read-off rows are left out: they are not independent of their job.
    """
    final = jobs[jobs["is_final"].astype(bool)]
    held = _held_by_quota(final, names)
    pairs: list[PairedSpeed] = []
    keys = list(names)
    for place, first in enumerate(keys):
        for second in keys[place + 1 :]:
            common = _common(final, first, second)
            if common is None:
                continue
            for kind, rows in common.groupby(["model", "dataset"], sort=False):
                pairs.append(_paired(rows, names[first], names[second], held.get(kind, ())))
    return tuple(pairs)


def ranking(pairs: Sequence[PairedSpeed]) -> tuple[str, ...]:
    """Return the machines of one model's `pairs`, fastest first.

    A machine's place is its mean log speed against each of the others that it shares jobs with.
    """
    speeds: dict[str, list[float]] = {}
    for pair in pairs:
        if pair.speed is not None:
            speeds.setdefault(pair.first, []).append(pair.speed.estimate)
            speeds.setdefault(pair.second, []).append(1 / pair.speed.estimate)
    means = {name: summary(values).estimate for name, values in speeds.items()}
    return tuple(sorted(means, key=means.__getitem__, reverse=True))


def between(pairs: Sequence[PairedSpeed], first: str, second: str) -> Interval | None:
    """Return the speed of `first` over `second` whichever way round the pair was taken."""
    for pair in pairs:
        if (pair.first, pair.second) == (first, second):
            return pair.speed
        if (pair.first, pair.second) == (second, first) and pair.speed is not None:
            return inverse(pair.speed)
    return None


def faster_first(pair: PairedSpeed) -> PairedSpeed:
    """Return `pair` the way round in which its speed is at least 1."""
    if pair.speed is None or pair.speed.estimate >= 1:
        return pair
    speeds = {
        name: None if speed is None else inverse(speed) for name, speed in pair.speeds().items()
    }
    return replace(pair, first=pair.second, second=pair.first, **speeds)


def inverse(ratio: Interval) -> Interval:
    """Return the interval of the reciprocal."""
    low = None if ratio.high is None else 1 / ratio.high
    high = None if ratio.low is None else 1 / ratio.low
    return Interval(1 / ratio.estimate, low, high, ratio.n)


def summary(values: Any) -> Interval | None:
    """Return the geometric mean and interval of the known, positive ones of `values`, or None."""
    known = [float(value) for value in values if value is not None and value > 0]
    return geometric_interval(known)


def _common(final: pd.DataFrame, first: str, second: str) -> pd.DataFrame | None:
    """Return one row for each job that both machines measured, None where one measured nothing."""
    sides = [final[final["machine_key"] == key] for key in (first, second)]
    if any(side.empty for side in sides):
        return None
    first_jobs, second_jobs = (
        side.groupby(list(SAME_JOB), sort=False).agg(_AGGREGATE).add_suffix(suffix)
        for side, suffix in zip(sides, ("_1", "_2"), strict=True)
    )
    common = first_jobs.join(second_jobs, how="inner")
    return common.assign(model=common["model_1"], dataset=common["dataset_1"])


def _typical(values: pd.Series) -> float | None:
    """Return one value for a job that was measured more than once."""
    found = summary(values)
    return None if found is None else found.estimate


_AGGREGATE = {
    "model": "first",
    "dataset": "first",
    "step_p10_s": _typical,
    "step_median_s": _typical,
    "step_mean_s": _typical,
    "total_s": _typical,
    "initial_weights": "first",
    "batch_order": "first",
    "final_weights": "first",
    "test_accuracy": "median",
}


def _held_by_quota(
    final: pd.DataFrame, names: dict[str, str]
) -> dict[tuple[str, str], tuple[str, ...]]:
    """Return the names of the machines whose quota held up a job, by model and dataset."""
    held = final[final["held_by_quota"].astype(bool)]
    return {
        kind: tuple(name for key, name in names.items() if key in set(rows["machine_key"]))
        for kind, rows in held.groupby(["model", "dataset"], sort=False)
    }


def _paired(
    rows: pd.DataFrame, first: str, second: str, held_by_quota: tuple[str, ...]
) -> PairedSpeed:
    def same(key: str) -> pd.Series:
        return rows[f"{key}_1"] == rows[f"{key}_2"]

    gap = (rows["test_accuracy_1"] - rows["test_accuracy_2"]).abs().max()
    return PairedSpeed(
        first=first,
        second=second,
        model=str(rows["model"].iloc[0]),
        dataset=str(rows["dataset"].iloc[0]),
        n=len(rows),
        p10=_speed(rows, "step_p10_s"),
        median=_speed(rows, "step_median_s"),
        mean=_speed(rows, "step_mean_s"),
        total=_speed(rows, "total_s"),
        held_by_quota=held_by_quota,
        starts_alike=bool((same("initial_weights") & same("batch_order")).all()),
        weights_alike=int(same("final_weights").sum()),
        accuracy_difference=None if pd.isna(gap) else float(gap),
    )


def _speed(rows: pd.DataFrame, key: str) -> Interval | None:
    known = rows.dropna(subset=[f"{key}_1", f"{key}_2"])
    return paired_ratio(known[f"{key}_2"].tolist(), known[f"{key}_1"].tolist())


def _repeat_note(name: str, count: int, unlike: Sequence[str]) -> str:
    if not count:
        return f"{name}: no job was repeated, so bit-for-bit repetition was not tested."
    if unlike:
        return (
            f"{name}: {len(unlike)} of {count} repeated jobs did not give the same final weights "
            f"twice: {', '.join(unlike)}. Its figures are not those of one fixed computation."
        )
    return f"{name}: all {count} repeated jobs gave identical final weights, bit for bit."
