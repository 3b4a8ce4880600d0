"""Whether machines did the same work: repeats, code, versions and data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bench.analysis.columns import Frame
from bench.analysis.machines import Machine
from bench.analysis.pooling import MeasuredJob
from bench.analysis.same_jobs import SameJobs, same_jobs
from bench.spec.axes import Agreement
from bench.spec.description import Outline


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

    `jobs` holds the repeats of each machine and the comparisons of machines, `unrepeated` the
    machines that repeated no job. `unlike_data` holds the number of unlike sets of each dataset
    that has more than one.
    """

    versions: tuple[UnlikeVersions, ...]
    jobs: tuple[SameJobs, ...]
    unrepeated: tuple[str, ...]
    code: tuple[UnlikeCode, ...]
    unlike_data: Mapping[str, int]
    datasets: tuple[str, ...]


def sameness(
    jobs: Frame,
    measured: Sequence[MeasuredJob],
    machines: Sequence[Machine],
    outline: Outline,
    agreements: Sequence[Agreement] = (),
) -> Sameness:
    """Return what `measured` and its frame, `jobs`, show about equal work."""
    names = {machine.key: machine.name for machine in machines}
    found = same_jobs(measured, machines, outline, agreements)
    repeated = {one.first for one in found if one.second is None}
    digests = _distinct(jobs, "dataset", "data_digest")
    return Sameness(
        versions=unlike_versions(machines),
        jobs=found,
        unrepeated=tuple(
            machine.name for machine in machines if machine.jobs and machine.name not in repeated
        ),
        code=unlike_code(jobs, names),
        unlike_data={
            name: len(digests[name]) for name in sorted(digests) if len(digests[name]) > 1
        },
        datasets=tuple(sorted(digests)),
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


def unlike_code(jobs: Frame, names: Mapping[str, str]) -> tuple[UnlikeCode, ...]:
    """Return each machine on which unlike code ran the pooled jobs."""
    return tuple(
        UnlikeCode(names[key], tuple(sorted(digests)))
        for key, digests in _distinct(jobs, "machine_key", "code").items()
        if len(digests) > 1
    )


def _distinct(jobs: Frame, by: str, column: str) -> dict[str, set[str]]:
    """Return the values of a column that are not alike, by the value of another column."""
    found: dict[str, set[str]] = {}
    for key, value in jobs.rows((by, column)):
        found.setdefault(key, set()).add(value)
    return found
