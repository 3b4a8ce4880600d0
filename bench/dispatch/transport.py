"""Hosts, and the protocol of a transport, which carries jobs to hosts and messages back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol, Self

from bench.child.launch import LaunchSpec
from bench.dispatch.cluster_request import WantedType
from bench.record.conditions import LookRecord
from bench.record.facts import MachineFacts, MachineKind
from bench.record.lines import JobRecord, Skip
from bench.record.price import Price
from bench.spec.frozen import Frozen
from bench.spec.job import JobSpec

#: The name of the host on which the command was typed.
THIS_MACHINE = ""


@dataclass(frozen=True)
class Host:
    """A host that is up.

    `name` never changes; `incarnation` changes when the host comes back. `price` is the price of
    the host's type with its source and date, or the bare figure in the host's own label.
    """

    name: str
    incarnation: str
    type: str = ""
    kind: MachineKind = "cloud"
    measured: bool = True
    price: Price | None = None

    @property
    def usd_per_hour(self) -> float | None:
        """What an hour of the host costs; None if it is unknown."""
        return self.price.usd_per_hour if self.price else None


class Prepared(Frozen):
    """What a host tells once it has the data: its facts, and which jobs it can run.

    `ceiling_jobs` are jobs that only measure its ceilings, after all others.
    """

    facts: MachineFacts
    data_path: str | None = None
    able: tuple[JobSpec, ...] = ()
    ceiling_jobs: tuple[JobSpec, ...] = ()
    skipped: tuple[Skip, ...] = ()
    look: LookRecord | None = None


@dataclass(frozen=True)
class Message:
    """What became of the work that a ticket stands for.

    `lost`: the work was lost; if `host_died`, the host was lost too. `away`: the work never began,
    because the host is not up. `failed`: the preparation raised the error in `reason`. `note`:
    `reason` is a sentence for the user, and belongs to no ticket.
    """

    ticket: int
    kind: Literal["progress", "record", "prepared", "lost", "away", "failed", "note"]
    detail: Mapping[str, Any] = field(default_factory=dict)
    record: JobRecord | None = None
    prepared: Prepared | None = None
    reason: str = ""
    host_died: bool = False


class Transport(Protocol):
    """Carries work to hosts and messages back; a context manager that leaves nothing running.

    Entering a transport may raise DispatchError. A ticket is a number that stands for one piece of
    work: the preparation of a host, or one attempt of a job.
    """

    @property
    def name(self) -> str:
        """The name of the transport, which records keep as `placed_by`."""

    def __enter__(self) -> Self: ...

    def __exit__(self, *exception: object) -> None: ...

    def hosts(self) -> Sequence[Host]:
        """Return every host that is up, measured or not."""

    def ask_for(self, wanted: WantedType) -> None:
        """Ask for hosts of a type that is not up."""

    def withdraw(self, wanted: WantedType) -> None:
        """Stop asking, because the hosts came up or the run no longer waits for them."""

    def why_not(self, wanted: WantedType) -> str | None:
        """Return why a type is unavailable; None if no reason is known."""

    def prepare(self, host: Host) -> int:
        """Begin to bring the data to `host` and to read its facts; return a ticket."""

    def start(self, host: Host, launch: LaunchSpec) -> int:
        """Start a job on `host`, which it has for itself; return a ticket."""

    def cancel(self, ticket: int) -> None:
        """End the work of a ticket and forget it: no message about it follows."""

    def poll(self, timeout_s: float) -> Sequence[Message]:
        """Return what has happened; wait at most about `timeout_s` for the first message."""
