"""Which records are pooled: machines told apart by label, facts, versions and settings."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from bench.analysis.pooling import facts_key, machine_key
from bench.record.facts import MachineFacts, RuntimeFacts, field_differences
from bench.record.lines import JobRecord
from bench.record.measurement import ThreadFacts
from bench.record.run import Run

#: Facts that may vary on one machine from one day to the next without keeping records apart.
VOLATILE = frozenset(
    {"machine_id", "host_hash", "host_name", "packages", "cpu_now_hz", "cpu_flags", "unknown"}
)


@dataclass(frozen=True)
class Machine:
    """What is pooled: one label, one machine, one set of versions and settings.

    `name` is the label, numbered where one label covers unlike machines. `threads` is None where
    nothing was measured. `runtimes` are what its jobs had loaded, each once.
    """

    key: str
    name: str
    label: str
    facts: MachineFacts
    threads: ThreadFacts | None
    framework: dict[str, str]
    devices: tuple[str, ...]
    jobs: int
    runtimes: tuple[RuntimeFacts, ...] = ()


def machines(runs: Sequence[Run]) -> tuple[Machine, ...]:
    """Return the machines of `runs` in order of appearance, with unlike names for unlike keys.

    A machine on which no job succeeded is among them, with no threads and no jobs.
    """
    found: dict[str, list[JobRecord]] = {}
    for run in runs:
        for record in run.measured:
            found.setdefault(machine_key(record), []).append(record)
    entries = [_measured_machine(key, records) for key, records in found.items()]
    entries += _unmeasured(runs, {facts_key(entry.label, entry.facts) for entry in entries})
    return tuple(_named(entries))


def difference_notes(found: Sequence[Machine]) -> tuple[str, ...]:
    """Return, for each label that covers unlike machines, the facts that differ and both values."""
    notes = []
    first_of: dict[str, Machine] = {}
    for machine in found:
        first = first_of.setdefault(machine.label, machine)
        if first is not machine:
            facts = "; ".join(_differences(first, machine))
            notes.append(
                f"{first.name} and {machine.name} carry one label and are not pooled: {facts}."
            )
    return tuple(notes)


def version_notes(found: Sequence[Machine]) -> tuple[str, ...]:
    """Return one sentence for each package whose version is not the same on all machines."""
    on: dict[str, dict[str, list[str]]] = {}
    for machine in found:
        if machine.jobs:
            versions = {"Python": machine.facts.python, **machine.framework}
            for package, version in versions.items():
                on.setdefault(package, {}).setdefault(version, []).append(machine.name)
    return tuple(
        f"{package} is not the same everywhere: "
        + "; ".join(f"{version} on {', '.join(names)}" for version, names in versions.items())
        + ". A part of what sets these machines apart may be its."
        for package, versions in on.items()
        if len(versions) > 1
    )


def _measured_machine(key: str, records: Sequence[JobRecord]) -> Machine:
    last = records[-1]
    framework: dict[str, str] = {}
    for record in records:
        framework |= record.measurement.framework
    devices = tuple(dict.fromkeys(record.measurement.device for record in records))
    threads = last.measurement.threads
    return Machine(
        key=key,
        name=last.label,
        label=last.label,
        facts=last.machine,
        threads=threads,
        framework=framework,
        devices=devices,
        jobs=len(records),
        runtimes=_once(record.runtime for record in records if record.runtime is not None),
    )


def _once(found: Iterable[RuntimeFacts]) -> tuple[RuntimeFacts, ...]:
    unlike: list[RuntimeFacts] = []
    for runtime in found:
        if runtime not in unlike:
            unlike.append(runtime)
    return tuple(unlike)


def _unmeasured(runs: Sequence[Run], known: set[str]) -> list[Machine]:
    """Return the machines that have only failures, or whose run holds no record at all."""
    seen = [
        (record.label, record.machine)
        for run in runs
        for record in run.records
        if record.measurement is None
    ]
    seen += [(run.header.label, run.header.machine) for run in runs if not run.records]
    found = {}
    for label, facts in seen:
        key = facts_key(label, facts)
        if key not in known:
            found.setdefault(key, Machine(key, label, label, facts, None, {}, (), 0))
    return list(found.values())


def _named(entries: Sequence[Machine]) -> list[Machine]:
    """Return `entries` with names that are unlike, also where a label looks like such a name."""
    taken: set[str] = set()
    named = []
    for entry in entries:
        name, number = entry.label, 1
        while name in taken:
            number += 1
            name = f"{entry.label} [{number}]"
        taken.add(name)
        named.append(replace(entry, name=name))
    return named


def _differences(first: Machine, second: Machine) -> list[str]:
    """Return the facts and settings that differ, each with both values."""
    left, right = first.facts, second.facts
    pairs = field_differences(left, right)
    pairs = {name: values for name, values in pairs.items() if name not in VOLATILE | PARTS.keys()}
    for read in PARTS.values():
        ours, theirs = read(left), read(right)
        pairs |= {name: (ours.get(name), theirs.get(name)) for name in {**ours, **theirs}}
    if first.threads is not None and second.threads is not None:
        for key in ("asked", "niceness"):
            values = (getattr(first.threads, key), getattr(second.threads, key))
            pairs["threads asked" if key == "asked" else key] = values
    texts = [f"{key} is {_words(a)} and {_words(b)}" for key, (a, b) in pairs.items() if a != b]
    return texts or [f"the machines are two: {left.machine_id[:12]} and {right.machine_id[:12]}"]


def _variables(facts: MachineFacts) -> dict[str, Any]:
    return dict(facts.environment or {})


def _gpu_parts(facts: MachineFacts) -> dict[str, Any]:
    """Return what the GPUs are, one by one, but for their serials."""
    told = {}
    for gpu in facts.gpus or ():
        parts = gpu.model_dump(exclude={"index", "uuid_hash", "mig_slices", "unknown"})
        told |= {f"GPU {gpu.index} {name}": value for name, value in parts.items()}
    return told


def _words(value: Any) -> Any:
    return "not known or not set" if value is None else value


#: Facts that are told part by part, and their parts.
PARTS: Mapping[str, Callable[[MachineFacts], dict[str, Any]]] = {
    "environment": _variables,
    "gpus": _gpu_parts,
}
