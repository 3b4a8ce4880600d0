"""The hosts that jobs ran on, whatever their versions and settings were."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from bench.analysis.entrants import Side
from bench.analysis.pooling import MeasuredJob
from bench.text import counted


def hosts(jobs: Iterable[MeasuredJob]) -> tuple[Side, ...]:
    """Return the hosts that jobs ran on, whatever their versions were: a side for each.

    A host has one label, one host id (or one machine id, if the host's is unknown), and one number
    of threads. A label of several hosts, or of several numbers of threads, is told apart in names.
    """
    found: dict[tuple[str, str, int], list[MeasuredJob]] = {}
    for job in jobs:
        facts = job.record.machine
        identity = facts.host_hash or facts.machine_id
        key = (job.record.label, identity, job.measurement.threads.asked)
        found.setdefault(key, []).append(job)
    return tuple(Side(_name(key, found), tuple(members)) for key, members in found.items())


def _name(
    key: tuple[str, str, int], found: Mapping[tuple[str, str, int], list[MeasuredJob]]
) -> str:
    label, _, threads = key
    alike = [other for other in found if other[0] == label]
    name = label
    if len({other[1] for other in alike}) > 1:
        name += f" ({found[key][-1].record.machine.machine_id[:8]})"
    if len({other[2] for other in alike}) > 1:
        name += f", {counted(threads, 'thread')}"
    return name
