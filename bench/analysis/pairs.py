"""How machines compare job by job: paired speeds, the finding of each pair, and the ranking."""

from __future__ import annotations

import enum
import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from bench.analysis.cells import AXIS, METRIC, Kind, scalar, separating_axes
from bench.analysis.intervals import Interval, paired_ratio, summary
from bench.spec.description import Outline

#: The times that are compared, by the name of the speed that they give.
TIMES = {
    "p10": "step_p10_s",
    "median": "step_median_s",
    "mean": "step_mean_s",
    "total": "total_s",
}
#: What two records share if they are the same job on the same data.
SAME_JOB = ["job_id", "data_digest"]

#: A job that one machine measured: one value for each column, whatever the number of records.
_Job = Mapping[str, Any]


class Finding(enum.Enum):
    """What an interval of relative speed shows."""

    FASTER = "faster"
    SLOWER = "slower"
    OPEN = "open"
    ONE_JOB = "one job"
    NO_TIME = "no time"


@dataclass(frozen=True)
class PairedSpeed:
    """How many times as fast `first` is as `second`, over the `n` jobs that both measured.

    Speeds are ratios of times, second over first; None if a time is unknown. `held_by_quota`
    names every machine whose own CPU quota held up a job of this kind. `starts_alike` is
    true if initial weights and batch orders are identical in every job, and None if the workload
    digests neither. `score_gap` is the largest difference in the scored metric.
    """

    first: str
    second: str
    kind: Kind
    n: int
    p10: Interval | None
    median: Interval | None
    mean: Interval | None
    total: Interval | None
    held_by_quota: tuple[str, ...]
    starts_alike: bool | None
    weights_alike: int
    score_gap: float | None

    @property
    def speeds(self) -> dict[str, Interval | None]:
        """Every speed by what it compares."""
        return {"p10": self.p10, "median": self.median, "mean": self.mean, "total": self.total}

    @property
    def basis(self) -> str:
        """Which step is compared: the p10, or the mean if a quota held one of the machines up.

        A quota stops a job for the rest of a period (100 ms by default). Steps between the pauses
        run at full speed, so neither p10 nor the median may show the slowdown. All pairs of a kind
        have one basis, so that they can be ranked.
        """
        return "mean" if self.held_by_quota else "p10"

    @property
    def speed(self) -> Interval | None:
        """The speed by `basis`."""
        return self.mean if self.held_by_quota else self.p10

    @property
    def finding(self) -> Finding:
        """What the speed shows."""
        return finding(self.speed)

    @property
    def faster_first(self) -> PairedSpeed:
        """The pair in the order in which its speed is at least 1."""
        if self.speed is None or self.speed.estimate >= 1:
            return self
        turned = {name: None if one is None else one.inverse for name, one in self.speeds.items()}
        return replace(self, first=self.second, second=self.first, **turned)  # type: ignore[arg-type]


def finding(speed: Interval | None) -> Finding:
    """Return what an interval of relative speed shows."""
    if speed is None:
        return Finding.NO_TIME
    if speed.low is None or speed.high is None:
        return Finding.ONE_JOB
    if speed.low > 1:
        return Finding.FASTER
    return Finding.SLOWER if speed.high < 1 else Finding.OPEN


def paired_speeds(
    jobs: pd.DataFrame, names: Mapping[str, str], outline: Outline
) -> tuple[PairedSpeed, ...]:
    """Return every pair of machines for each kind of job that both measured.

    `jobs` is the frame of `bench.analysis.frames.jobs_frame`, `names` the machines' names by key.
    Two machines measured a common job if its id and the digest of its data agree, so unlike
    specifications and datasets are never paired. Read-off rows are left out, because they are not
    independent of their job.
    """
    final = jobs[jobs["is_final"].astype(bool)]
    held = _held_by_quota(final, names, outline)
    measured = _jobs_by_machine(final, outline)
    pairs = []
    for first, second in itertools.combinations(names, 2):
        common: dict[Kind, list[tuple[_Job, _Job]]] = {}
        theirs = measured.get(second, {})
        for key, job in measured.get(first, {}).items():
            if key in theirs:
                common.setdefault(job["kind"], []).append((job, theirs[key]))
        pairs += [
            _paired(kind, both, names[first], names[second], held.get(kind, ()))
            for kind, both in common.items()
        ]
    return tuple(pairs)


def by_kind(pairs: Sequence[PairedSpeed]) -> dict[Kind, list[PairedSpeed]]:
    """Return the pairs of each kind, kinds in order of appearance."""
    kinds: dict[Kind, list[PairedSpeed]] = {}
    for pair in pairs:
        kinds.setdefault(pair.kind, []).append(pair)
    return kinds


def ranking(pairs: Sequence[PairedSpeed]) -> tuple[str, ...]:
    """Return the machines of one kind's `pairs`, fastest first.

    The order is by a machine's mean log speed against the machines that it shares jobs with.
    """
    speeds: dict[str, list[float]] = {}
    for pair in pairs:
        if pair.speed is not None:
            speeds.setdefault(pair.first, []).append(pair.speed.estimate)
            speeds.setdefault(pair.second, []).append(1 / pair.speed.estimate)
    means = {name: float(np.log(values).mean()) for name, values in speeds.items()}
    return tuple(sorted(means, key=means.__getitem__, reverse=True))


def between(pairs: Sequence[PairedSpeed], first: str, second: str) -> Interval | None:
    """Return the speed of `first` over `second` in whichever order they were paired."""
    for pair in pairs:
        if (pair.first, pair.second) == (first, second):
            return pair.speed
        if (pair.first, pair.second) == (second, first) and pair.speed is not None:
            return pair.speed.inverse
    return None


def _kinds(frame: pd.DataFrame, outline: Outline) -> Iterator[Kind]:
    """Yield the kind of job of each row."""
    columns = [frame[AXIS + axis.name] for axis in separating_axes(outline)]
    for dataset, *values in zip(frame["dataset"], *columns, strict=True):
        yield Kind(tuple(map(scalar, values)), dataset)


def _jobs_by_machine(
    final: pd.DataFrame, outline: Outline
) -> dict[str, dict[tuple[str, str], _Job]]:
    """Return each job of each machine once, by id and data; repeated records become one."""
    scored = outline.scored
    frame = final.assign(
        kind=pd.Series(list(_kinds(final, outline)), index=final.index, dtype=object),
        score=None if scored is None else final[METRIC + scored.name],
    )
    same = ["initial_weights", "batch_order", "final_weights"]
    columns = ["machine_key", *SAME_JOB, "kind", *TIMES.values(), *same, "score"]
    measured: dict[str, dict[tuple[str, str], _Job]] = {}
    doubles: dict[tuple[str, str, str], list[_Job]] = {}
    rows_of_jobs: list[dict[str, Any]] = frame[columns].to_dict("records")  # type: ignore[assignment]
    for row in rows_of_jobs:
        machine, key = row["machine_key"], (row["job_id"], row["data_digest"])
        doubles.setdefault((machine, *key), []).append(row)
        measured.setdefault(machine, {})[key] = row
    for (machine, *same_job), rows in doubles.items():
        if len(rows) > 1:
            measured[machine][same_job[0], same_job[1]] = _typical(rows)
    return measured


def _typical(rows: Sequence[_Job]) -> _Job:
    """Return the records of one job as a single job, with the geometric means of its times."""
    times = {key: summary(row[key] for row in rows) for key in TIMES.values()}
    scores = [row["score"] for row in rows if scalar(row["score"]) is not None]
    return {
        **rows[0],
        **{key: None if found is None else found.estimate for key, found in times.items()},
        "score": float(np.median(scores)) if scores else None,
    }


def _held_by_quota(
    final: pd.DataFrame, names: Mapping[str, str], outline: Outline
) -> dict[Kind, tuple[str, ...]]:
    """Return the names of the machines whose quota held up a job, by kind of job."""
    held = final[final["held_by_quota"].astype(bool)]
    keys: dict[Kind, set[str]] = {}
    for kind, key in zip(_kinds(held, outline), held["machine_key"], strict=True):
        keys.setdefault(kind, set()).add(key)
    return {
        kind: tuple(name for key, name in names.items() if key in found)
        for kind, found in keys.items()
    }


def _paired(
    kind: Kind,
    both: Sequence[tuple[_Job, _Job]],
    first: str,
    second: str,
    held_by_quota: tuple[str, ...],
) -> PairedSpeed:
    def same(key: str) -> list[bool]:
        return [scalar(one[key]) == scalar(other[key]) for one, other in both]

    told = any(scalar(job["initial_weights"]) for pair in both for job in pair)
    scores = [(scalar(one["score"]), scalar(other["score"])) for one, other in both]
    gaps = [abs(a - b) for a, b in scores if a is not None and b is not None]
    return PairedSpeed(
        first=first,
        second=second,
        kind=kind,
        n=len(both),
        **{name: _speed(both, column) for name, column in TIMES.items()},
        held_by_quota=held_by_quota,
        starts_alike=all(same("initial_weights")) and all(same("batch_order")) if told else None,
        weights_alike=sum(
            scalar(one["final_weights"]) is not None and alike
            for (one, _), alike in zip(both, same("final_weights"), strict=True)
        ),
        score_gap=float(max(gaps)) if gaps else None,
    )


def _speed(both: Sequence[tuple[_Job, _Job]], key: str) -> Interval | None:
    known = [(one[key], other[key]) for one, other in both if _told(one[key]) and _told(other[key])]
    return paired_ratio([other for _, other in known], [one for one, _ in known])


def _told(time_s: float | None) -> bool:
    """Say whether a time is known and not 0, so that a ratio can be taken of it."""
    return time_s is not None and time_s > 0
