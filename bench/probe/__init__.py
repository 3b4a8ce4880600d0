"""Machine facts: `probe()` reads every row of every subject, and never fails or hangs."""

from __future__ import annotations

from collections.abc import Sequence

from bench.facts import MachineFacts, MachineKind
from bench.probe import (
    cloud,
    cpu,
    gpu,
    identity,
    limits,
    memory,
    software,
    topology,
    virtual,
)
from bench.probe.fact import Fact, read_facts

#: Subjects in reading order; each has a title and gives rows. What may hang (drivers, networks)
#: comes last.
SUBJECTS = (cpu, topology, memory, limits, software, virtual, identity, gpu, cloud)


def all_facts() -> tuple[Fact, ...]:
    """Return every row of every subject, in reading order."""
    return tuple(fact for subject in SUBJECTS for fact in subject.FACTS)


def probe(packages: Sequence[str] = (), kind: MachineKind = "local") -> MachineFacts:
    """Return the facts of this machine; a fact that cannot be read is None, with its reason.

    `packages` names the distributions whose installed versions are wanted.
    """
    found = read_facts(all_facts())
    return MachineFacts(
        machine_id=identity.machine_id(found.values),
        machine_type=identity.machine_type(found.values),
        kind=kind,
        packages=software.versions(packages),
        unknown=found.unknown,
        **found.values,
    )
