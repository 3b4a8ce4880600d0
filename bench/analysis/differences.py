"""What differs between two machines, or between two sittings of one, most telling first."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from bench.analysis.differing_conditions import Medians, condition_differences, medians
from bench.analysis.pooling import MeasuredJob
from bench.analysis.telling import APART, ROUNDING, SUBJECTS, TELLING, Subject
from bench.record.conditions import Interference
from bench.record.facts import MachineFacts, RuntimeFacts, field_differences
from bench.record.measurement import ThreadFacts


@dataclass(frozen=True)
class Difference:
    """A fact, a setting or a condition in which two machines differ; None is unknown.

    Of a table or a set, both sides hold only the entries that differ. `gpu` is the index of the
    GPU whose fact it is.
    """

    fact: str
    first: Any
    second: Any
    gpu: int | None = None
    subject: Subject = "system"


@dataclass(frozen=True)
class Setup:
    """What a machine was when it ran some jobs: facts, settings, versions and conditions.

    `threads` is None if nothing was measured. `code` holds the digests of the code that ran, and
    `seen` what was seen of each job that was watched.
    """

    facts: MachineFacts
    threads: ThreadFacts | None = None
    versions: Mapping[str, str | None] | None = None
    devices: tuple[str, ...] = ()
    runtimes: tuple[RuntimeFacts, ...] = ()
    code: tuple[str, ...] = ()
    seen: tuple[Interference, ...] = ()

    @cached_property
    def conditions(self) -> Medians:
        """The medians of what was seen."""
        return medians(self.seen)


def setup_of(jobs: Sequence[MeasuredJob]) -> Setup:
    """Return the setup of some jobs of one machine; the last job's facts and threads count.

    Raises ValueError if there is no job.
    """
    if not jobs:
        raise ValueError("a setup needs at least one job")
    versions: dict[str, str | None] = {}
    for job in jobs:
        versions |= job.measurement.versions
    loaded = (job.record.runtime for job in jobs if job.record.runtime is not None)
    watched = (job.record.conditions for job in jobs if job.record.conditions is not None)
    return Setup(
        facts=jobs[-1].record.machine,
        threads=jobs[-1].measurement.threads,
        versions=versions,
        devices=tuple(dict.fromkeys(job.measurement.device for job in jobs)),
        runtimes=tuple(runtime for runtime, _ in itertools.groupby(loaded)),
        code=tuple(sorted({job.measurement.digests.code for job in jobs})),
        seen=tuple(one.whole for one in watched if one.whole is not None),
    )


def differences(first: Setup, second: Setup) -> tuple[Difference, ...]:
    """Return what differs between two setups, most telling first, conditions last.

    The two may be two machines, or two sittings of one machine. If a job trained on a GPU, the
    GPU's facts come before those of the CPU.
    """
    seen = condition_differences(first.conditions, second.conditions)
    conditions = (Difference(*one.values, gpu=one.gpu, subject="conditions") for one in seen)
    return (*lasting_differences(first, second), *conditions)


def lasting_differences(first: Setup, second: Setup) -> tuple[Difference, ...]:
    """Return what differs between two setups, whatever the conditions, most telling first."""
    facts = fact_differences(first.facts, second.facts)
    named = {one.fact for one in facts}
    found = [*facts, *_settings(first, second)]
    found += [one for one in _loaded(first, second) if one.fact not in named]
    return tuple(sorted(found, key=lambda one: _rank(one, (*first.devices, *second.devices))))


def fact_differences(left: MachineFacts, right: MachineFacts) -> tuple[Difference, ...]:
    """Return the facts in which two machines differ, most telling first."""
    packages = {**left.packages, **right.packages}
    found = [
        Difference(name, *_reduced(*values), subject=_subject(name, packages))
        for name, values in field_differences(left, right).items()
        if name not in APART | PARTS.keys() and not _rounding(name, *values)
    ]
    for subject, read in PARTS.values():
        ours, theirs = read(left), read(right)
        for name, gpu in {**ours, **theirs}:
            values = (ours.get((name, gpu)), theirs.get((name, gpu)))
            if values[0] != values[1]:
                found.append(Difference(name, *values, gpu=gpu, subject=subject))
    return tuple(sorted(found, key=_rank))


def ranked_fields(names: Iterable[str]) -> list[str]:
    """Return the names of fields of MachineFacts and of packages, most telling first.

    A name that tells nothing about speed comes last.
    """
    places = {name: place for place, (_, names) in enumerate(TELLING) for name in names}
    places |= {name: SUBJECTS.index(subject) for name, (subject, _) in PARTS.items()}
    other = {
        name: len(TELLING) if name in MachineFacts.model_fields else SUBJECTS.index("versions")
        for name in names
    }
    return sorted(other, key=lambda name: {**other, **places}[name])


def _subject(name: str, packages: Mapping[str, Any]) -> Subject:
    if name in packages:
        return "versions"
    return next((subject for subject, names in TELLING if name in names), "system")


def _rank(found: Difference, devices: Sequence[str] = ()) -> tuple[float, int]:
    """Return where a difference stands: the place of its subject, then its place within that."""
    place = SUBJECTS.index(found.subject)
    names = TELLING[place][1]
    on_gpu = found.subject == "GPU" and any("gpu" in device.lower() for device in devices)
    subject = SUBJECTS.index("device") + 0.5 if on_gpu else float(place)
    return subject, names.index(found.fact) if found.fact in names else len(names)


def _rounding(name: str, first: Any, second: Any) -> bool:
    """Say whether two sizes differ by no more than their rounding."""
    share = ROUNDING.get(name)
    if share is None or first is None or second is None:
        return False
    return bool(abs(first - second) <= share * max(abs(first), abs(second)))


def _reduced(first: Any, second: Any) -> tuple[Any, Any]:
    """Return two values of a fact; of tables and of lists only the entries that differ."""
    if isinstance(first, Mapping) and isinstance(second, Mapping):
        unlike = [key for key in {**first, **second} if first.get(key) != second.get(key)]
        return tuple({key: side[key] for key in unlike if key in side} for side in (first, second))  # type: ignore[return-value]
    if isinstance(first, tuple) and isinstance(second, tuple):
        return _lacking(first, second), _lacking(second, first)
    return first, second


def _lacking(items: tuple[Any, ...], others: tuple[Any, ...]) -> tuple[Any, ...]:
    return tuple(item for item in items if item not in others)


def _settings(first: Setup, second: Setup) -> list[Difference]:
    """Return the differences in device, threads, priority and code, if both sides know them."""
    found: list[Difference] = []
    if first.devices and second.devices:
        ours, theirs = (", ".join(sorted(side.devices)) for side in (first, second))
        found.append(Difference("device", ours, theirs, subject="device"))
    if first.threads is not None and second.threads is not None:
        one, other = first.threads, second.threads
        pairs = [
            ("threads_asked", one.asked, other.asked),
            ("threads_intra_op", one.intra_op or other.intra_op, other.intra_op or one.intra_op),
            ("threads_inter_op", one.inter_op or other.inter_op, other.inter_op or one.inter_op),
            ("niceness", one.niceness, other.niceness),
        ]
        found += [Difference(name, a, b, subject="threads") for name, a, b in pairs]
    if first.code and second.code:
        ours, theirs = (", ".join(code[:12] for code in side.code) for side in (first, second))
        found.append(Difference("code", ours, theirs, subject="versions"))
    return [one for one in found if one.first != one.second]


def _loaded(first: Setup, second: Setup) -> list[Difference]:
    """Return the differences in what the jobs had loaded, for packages that both sides loaded."""
    sides = [{**(side.versions or {}), **_builds(side), **_pools(side)} for side in (first, second)]
    ours, theirs = sides
    return [
        Difference(name, ours[name], theirs[name], subject="versions")
        for name in ours
        if name in theirs and ours[name] != theirs[name]
    ]


def _builds(setup: Setup) -> dict[str, str]:
    """Return how each framework was built, fact by fact."""
    return {
        f"{name} build: {fact}": value
        for runtime in setup.runtimes
        for name, facts in runtime.frameworks.items()
        for fact, value in facts.items()
        if fact != "version"
    }


def _pools(setup: Setup) -> dict[str, str]:
    """Return the version and the kernel's architecture of each native library with threads."""
    return {
        f"{pool.library} library": " ".join(filter(None, (pool.version, pool.architecture)))
        for runtime in setup.runtimes
        for pool in runtime.thread_pools or ()
    }


#: A part of a fact: its name, and the index of the GPU whose part it is.
_Part = tuple[str, int | None]


def _variables(facts: MachineFacts) -> dict[_Part, Any]:
    return {(name, None): value for name, value in (facts.environment or {}).items()}


def _gpu_parts(facts: MachineFacts) -> dict[_Part, Any]:
    """Return the facts of each GPU, without its serial."""
    return {
        (name, gpu.index): value
        for gpu in facts.gpus or ()
        for name, value in gpu.model_dump(
            exclude={"index", "uuid_hash", "mig_slices", "unknown"}
        ).items()
    }


#: Facts that are compared part by part: the subject of the parts, and how they are read.
PARTS: Mapping[str, tuple[Subject, Callable[[MachineFacts], dict[_Part, Any]]]] = {
    "environment": ("variables", _variables),
    "gpus": ("GPU", _gpu_parts),
}
