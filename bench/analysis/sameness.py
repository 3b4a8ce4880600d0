"""Whether machines did the same work: repeats, code, versions and data."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from bench.analysis.cells import cell_columns
from bench.analysis.machines import Machine
from bench.spec.description import Outline


@dataclass(frozen=True)
class Repeats:
    """How many jobs a machine repeated, and the jobs whose repeats gave unlike final weights.

    `tested` of the `repeated` jobs state a digest of their final weights.
    """

    machine: str
    repeated: int
    tested: int
    unlike: tuple[str, ...]


@dataclass(frozen=True)
class UnlikeCode:
    """A machine on which unlike code ran the pooled jobs, with the digests of the code."""

    machine: str
    digests: tuple[str, ...]


@dataclass(frozen=True)
class UnlikeVersions:
    """A package whose version differs between machines: the machines' names by version.

    The version None is unknown.
    """

    package: str
    machines: Mapping[str | None, tuple[str, ...]]


@dataclass(frozen=True)
class Sameness:
    """Whether equal jobs were equal work, on one machine and between machines.

    `unlike_data` holds the number of unlike sets of each dataset that has more than one.
    """

    versions: tuple[UnlikeVersions, ...]
    repeats: tuple[Repeats, ...]
    code: tuple[UnlikeCode, ...]
    unlike_data: Mapping[str, int]
    datasets: tuple[str, ...]


def sameness(jobs: pd.DataFrame, machines: Sequence[Machine], outline: Outline) -> Sameness:
    """Return what `jobs`, the frame of `jobs_frame`, show about equal work."""
    names = {machine.key: machine.name for machine in machines}
    digests = jobs.groupby("dataset")["data_digest"].nunique()
    return Sameness(
        versions=unlike_versions(machines),
        repeats=repeats(jobs, names, outline),
        code=unlike_code(jobs, names),
        unlike_data={str(name): int(count) for name, count in digests.items() if count > 1},
        datasets=tuple(sorted(jobs["dataset"].unique())),
    )


def unlike_versions(machines: Sequence[Machine]) -> tuple[UnlikeVersions, ...]:
    """Return each package whose version is not the same on all machines that measured a job."""
    on: dict[str, dict[str | None, list[str]]] = {}
    for machine in machines:
        if machine.jobs:
            versions = {"Python": machine.facts.python, **machine.versions}
            for package, version in versions.items():
                on.setdefault(package, {}).setdefault(version, []).append(machine.name)
    return tuple(
        UnlikeVersions(package, {version: tuple(names) for version, names in found.items()})
        for package, found in on.items()
        if len(found) > 1
    )


def unlike_code(jobs: pd.DataFrame, names: Mapping[str, str]) -> tuple[UnlikeCode, ...]:
    """Return each machine on which unlike code ran the pooled jobs."""
    found = (
        (names[str(key)], tuple(sorted(rows.unique())))
        for key, rows in jobs.groupby("machine_key", sort=False)["code"]
    )
    return tuple(UnlikeCode(name, digests) for name, digests in found if len(digests) > 1)


def repeats(jobs: pd.DataFrame, names: Mapping[str, str], outline: Outline) -> tuple[Repeats, ...]:
    """Return, for each machine, whether repeats of one job gave identical final weights.

    On one machine with one set of versions they must be identical, so a job whose repeats differ is
    named. Jobs without a digest of their weights are left out.
    """
    same_work = ["machine_key", *cell_columns(outline), "job_epochs", "seed"]
    repeated: dict[str, int] = dict.fromkeys(jobs["machine_key"].unique(), 0)
    tested = dict(repeated)
    unlike: dict[str, list[str]] = {key: [] for key in repeated}
    alike: Iterable[tuple[Any, pd.DataFrame]] = jobs.groupby(same_work, sort=False, dropna=False)
    for values, rows in alike:
        machine, told = str(values[0]), rows[rows["final_weights"].notna()]
        repeated[machine] += len(rows) > 1
        tested[machine] += len(told) > 1
        if told["final_weights"].nunique() > 1:
            unlike[machine].append(str(told["job_id"].iloc[0]))
    return tuple(
        Repeats(names[key], repeated[key], tested[key], tuple(unlike[key])) for key in repeated
    )
