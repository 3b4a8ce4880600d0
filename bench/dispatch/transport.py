"""What the scheduler knows of hosts, and the protocol of whatever carries jobs to them."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

from bench.child.launch import LaunchSpec
from bench.record.conditions import LookRecord
from bench.record.facts import MachineFacts, MachineKind
from bench.record.lines import JobRecord, Skip
from bench.record.price import Price
from bench.spec.job import JobSpec


@dataclass(frozen=True)
class Host:
    """A host that is up. `name` is its own for good; `incarnation` changes when it comes back.

    `price` is that of its type with source and date, or the bare figure of its own label.
    """

    name: str
    incarnation: str
    type: str = ""
    kind: MachineKind = "cloud"
    measured: bool = True
    price: Price | None = None

    @property
    def usd_per_hour(self) -> float | None:
        """What an hour of it costs; None: unknown."""
        return self.price and self.price.usd_per_hour


@dataclass(frozen=True)
class HostType:
    """Hosts that a run counts on: so many of a type, waited for so long, asked for or not."""

    name: str
    count: int = 1
    wait_s: float = 900.0
    ask: bool = False


@dataclass(frozen=True)
class Prepared:
    """A host that has the data and has told what it is and what it can run."""

    facts: MachineFacts
    data_path: str
    able: tuple[JobSpec, ...]
    skipped: tuple[Skip, ...] = ()
    look: LookRecord | None = None


@dataclass(frozen=True)
class Message:
    """What became of a ticket.

    `lost`: what ran is gone, and with `host_died` its host too. `away`: it never ran, as the host
    is not there. `failed`: the preparing itself raised `reason`.
    """

    ticket: Hashable
    kind: Literal["progress", "record", "prepared", "lost", "away", "failed"]
    detail: dict[str, Any] = field(default_factory=dict)
    record: JobRecord | None = None
    prepared: Prepared | None = None
    reason: str = ""
    host_died: bool = False


class Transport(Protocol):
    """Carries work to hosts and news back; never blocks longer than it is told to."""

    name: str

    def hosts(self) -> Sequence[Host]:
        """Return every host that is up, measured or not."""

    def ask_for(self, wanted: HostType) -> None:
        """Ask for hosts of a type that is not up."""

    def withdraw(self, wanted: HostType) -> None:
        """Ask no longer: the hosts came up, or were given up."""

    def why_not(self, wanted: HostType) -> str | None:
        """Return why a type cannot be had, where that is known already."""

    def prepare(self, host: Host) -> Hashable:
        """Begin to bring the data to `host` and to read its facts; return a ticket."""

    def start(self, host: Host, launch: LaunchSpec) -> Hashable:
        """Start a job on `host`, alone on the whole of it; return a ticket."""

    def cancel(self, ticket: Hashable) -> None:
        """End what a ticket stands for and forget it: no message of it comes any more."""

    def poll(self, timeout_s: float) -> Sequence[Message]:
        """Return what has happened, waiting at most `timeout_s` for the first of it."""
