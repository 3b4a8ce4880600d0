"""The machines of some runs, told apart by label, facts, versions and settings."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from bench.analysis.differences import Difference, Setup, differences
from bench.analysis.pooling import MeasuredJob, facts_key
from bench.record.facts import MachineFacts, RuntimeFacts
from bench.record.measurement import ThreadFacts
from bench.record.share import Share
from bench.text import counted


@dataclass(frozen=True)
class Machine:
    """One label, one machine, and one set of versions and settings: its jobs are pooled.

    `host` is the label, numbered if one label covers unlike machines; entries that differ only in
    their threads share it. `name` is the host, with the threads if jobs of the label ran with
    several numbers of threads. `threads` is None if nothing was measured. `runtimes` holds what
    the jobs had loaded, each entry once.
    """

    key: str
    host: str
    name: str
    label: str
    facts: MachineFacts
    threads: ThreadFacts | None
    versions: Mapping[str, str]
    devices: tuple[str, ...]
    jobs: int
    runtimes: tuple[RuntimeFacts, ...] = ()

    @property
    def setup(self) -> Setup:
        """What the machine is, to be compared with another one."""
        return Setup(self.facts, self.threads, self.versions, self.devices, self.runtimes)


@dataclass(frozen=True)
class UnlikeMachines:
    """Two machines that carry one label and are not pooled.

    No difference means that only their identities tell them apart.
    """

    first: Machine
    second: Machine
    differences: tuple[Difference, ...]


def machines(shares: Sequence[Share], jobs: Sequence[MeasuredJob]) -> tuple[Machine, ...]:
    """Return the machines of `shares` in order of appearance, each key with its own name.

    `jobs` are the measured jobs. A machine on which no job was measured is included, without
    threads and jobs.
    """
    found: dict[str, list[MeasuredJob]] = {}
    for job in jobs:
        found.setdefault(job.machine_key, []).append(job)
    entries = [_measured_machine(key, measured) for key, measured in found.items()]
    entries += _unmeasured(shares, {facts_key(entry.label, entry.facts) for entry in entries})
    return tuple(_named(entries))


def unlike_machines(found: Sequence[Machine]) -> tuple[UnlikeMachines, ...]:
    """Return pairs of unlike machines with one label: the first of them with each other one.

    One host with several numbers of threads is no pair, because the names say what differs.
    """
    first_of: dict[str, Machine] = {}
    return tuple(
        UnlikeMachines(first, machine, differences(first.setup, machine.setup))
        for machine in found
        if (first := first_of.setdefault(machine.label, machine)).host != machine.host
    )


def shared_identities(found: Sequence[Machine]) -> tuple[tuple[Machine, ...], ...]:
    """Return the machines, one for each label, that have one id under several labels."""
    by_id: dict[str, dict[str, Machine]] = {}
    for machine in found:
        by_id.setdefault(machine.facts.machine_id, {}).setdefault(machine.label, machine)
    return tuple(tuple(one.values()) for one in by_id.values() if len(one) > 1)


def _measured_machine(key: str, jobs: Sequence[MeasuredJob]) -> Machine:
    last = jobs[-1]
    versions: dict[str, str] = {}
    for job in jobs:
        versions |= job.measurement.versions
    return Machine(
        key=key,
        host=last.record.label,
        name=last.record.label,
        label=last.record.label,
        facts=last.record.machine,
        threads=last.measurement.threads,
        versions=versions,
        devices=tuple(dict.fromkeys(job.measurement.device for job in jobs)),
        jobs=len(jobs),
        runtimes=_once(job.record.runtime for job in jobs),
    )


def _once(found: Iterable[RuntimeFacts | None]) -> tuple[RuntimeFacts, ...]:
    unlike: list[RuntimeFacts] = []
    for runtime in found:
        if runtime is not None and runtime not in unlike:
            unlike.append(runtime)
    return tuple(unlike)


def _unmeasured(shares: Sequence[Share], known: set[str]) -> list[Machine]:
    """Return the machines without a measurement: they have failures only, or no record at all."""
    seen = [
        (record.label, record.machine)
        for share in shares
        for record in share.records
        if record.measurement is None
    ]
    seen += [(share.label, share.facts) for share in shares if not share.records]
    found: dict[str, Machine] = {}
    for label, facts in seen:
        key = facts_key(label, facts)
        if key not in known:
            found.setdefault(key, Machine(key, label, label, label, facts, None, {}, (), 0))
    return list(found.values())


def _named(entries: Sequence[Machine]) -> list[Machine]:
    """Return `entries` with distinct names, even if a label looks like a numbered name."""
    hosts: dict[str, str] = {}
    counts: dict[str, set[int]] = {}
    for entry in entries:
        hosts.setdefault(_host_key(entry), _free(entry.label, hosts.values()))
        if entry.threads is not None:
            counts.setdefault(entry.label, set()).add(entry.threads.asked)
    named: dict[str, Machine] = {}
    for entry in entries:
        host = name = hosts[_host_key(entry)]
        if entry.threads is not None and len(counts[entry.label]) > 1:
            asked = entry.threads.asked
            name = f"{host}, {counted(asked, 'thread')}"
        name = _free(name, named)
        named[name] = replace(entry, host=host, name=name)
    return list(named.values())


def _host_key(entry: Machine) -> str:
    """Return the key that entries share if they differ only in their threads."""
    return facts_key(entry.label, entry.facts, entry.threads and entry.threads.niceness)


def _free(name: str, taken: Collection[str]) -> str:
    """Return `name`, numbered if it is among the names that are `taken`."""
    free, number = name, 1
    while free in taken:
        number += 1
        free = f"{name} [{number}]"
    return free
