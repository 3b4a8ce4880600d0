"""Places jobs on machines: one protocol, whatever does the placing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

from bench.child.launch import LaunchSpec
from bench.record.facts import MachineFacts
from bench.record.lines import JobRecord, MachineEntry


@dataclass(frozen=True)
class Event:
    """Something that happened to a job: it started, it got on, or its record is here.

    Of a cluster also: a machine is ready, or could not be had (`machine`). `host` is the name of
    the cluster's host; empty: this machine.
    """

    kind: Literal["started", "progress", "record", "machine"]
    job_id: str
    detail: Mapping[str, Any] = field(default_factory=dict)
    record: JobRecord | None = None
    machine: MachineEntry | None = None
    host: str = ""


class Dispatcher(Protocol):
    """Runs launches on one machine, one at a time; a context manager that leaves nothing running.

    Entering may raise DispatchError. Every launch ends in exactly one `record` event, whatever
    happens to it; leaving the context early ends the job that is running.
    """

    name: str

    def __enter__(self) -> Dispatcher: ...

    def __exit__(self, *exception: object) -> None: ...

    def machine(self, packages: Sequence[str]) -> MachineFacts:
        """Return the facts of the machine on which the jobs will run, read there."""

    def run(self, launches: Sequence[LaunchSpec]) -> Iterator[Event]:
        """Run `launches` in the given order and yield what happens."""


def events_of(
    launch: LaunchSpec, items: Iterator[Mapping[str, Any] | JobRecord]
) -> Iterator[Event]:
    """Turn what a child's run yields into events."""
    job_id = launch.job.job_id
    yield Event("started", job_id)
    for item in items:
        if isinstance(item, JobRecord):
            yield Event("record", job_id, record=item)
        else:
            yield Event("progress", job_id, detail=item)
