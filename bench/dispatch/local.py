"""Runs jobs on this machine without Ray: the transport of `--dispatch inline`."""

from __future__ import annotations

import itertools
import time
from collections.abc import Generator, Mapping, Sequence
from contextlib import ExitStack
from typing import Any, Self

from bench import stops
from bench.child.keeper import keeping
from bench.child.launch import LaunchSpec
from bench.child.process import run_child
from bench.child.workload import load_workload, probe_for
from bench.dispatch.cluster_request import WantedType
from bench.dispatch.transport import THIS_MACHINE, Host, Message, Prepared
from bench.record.lines import JobRecord, Skip
from bench.spec.frozen import Frozen
from bench.spec.job import JobSpec
from bench.spec.privacy import Privacy
from bench.spec.request import Dispatch


def local_host(incarnation: int = 1) -> Host:
    """Return this machine as a host: it is always up, though what carries jobs to it may not be."""
    return Host(THIS_MACHINE, f"here {incarnation}", kind="local")


#: This machine as a host, the first time that it is up.
LOCAL_HOST = local_host()


class LocalSetup(Frozen):
    """What a run knows of this machine before its first job."""

    workload: str
    jobs: tuple[JobSpec, ...] = ()
    ceiling_jobs: tuple[JobSpec, ...] = ()
    skipped: tuple[Skip, ...] = ()
    privacy: Privacy = Privacy()

    def prepared(self) -> Prepared:
        """Read the facts of this machine. The launches name the data, so they are not copied."""
        return Prepared(
            facts=probe_for(load_workload(self.workload), self.privacy),
            able=self.jobs,
            ceiling_jobs=self.ceiling_jobs,
            skipped=self.skipped,
        )


class OneHost:
    """What every transport to this machine answers about hosts: there is one, and it is up."""

    def hosts(self) -> Sequence[Host]:
        """Return this machine."""
        return (LOCAL_HOST,)

    def ask_for(self, wanted: WantedType) -> None:
        """Do nothing: no other host can come up."""

    def withdraw(self, wanted: WantedType) -> None:
        """Do nothing: nothing was asked for."""

    def why_not(self, wanted: WantedType) -> str | None:
        """Return why another host is unavailable."""
        return "jobs run on this machine alone"


class LocalTransport(OneHost):
    """Starts the child of each job from this process, which follows the child while it polls."""

    name: Dispatch = "inline"

    def __init__(self, setup: LocalSetup) -> None:
        self._setup = setup
        self._tickets = itertools.count(1)
        self._ticket = 0  # of the work in hand; 0: none
        self._items: Generator[Mapping[str, Any] | JobRecord, None, None] | None = None
        self._variables: Mapping[str, str] = {}
        self._held = ExitStack()

    def __enter__(self) -> Self:
        self._variables = self._held.enter_context(keeping()).variables
        return self

    def __exit__(self, *exception: object) -> None:
        with stops.deferred():
            self.cancel(self._ticket)
            self._held.close()

    def prepare(self, host: Host) -> int:
        """Let the next poll read the facts."""
        self._ticket = next(self._tickets)
        return self._ticket

    def start(self, host: Host, launch: LaunchSpec) -> int:
        """Let the next poll start the child."""
        self._items = run_child(launch, beats=True, variables=self._variables)
        self._ticket = next(self._tickets)
        return self._ticket

    def cancel(self, ticket: int) -> None:
        """End the child of the job in hand."""
        if ticket != self._ticket:
            return
        if self._items is not None:
            self._items.close()
        self._items, self._ticket = None, 0

    def poll(self, timeout_s: float) -> Sequence[Message]:
        """Follow the child until it tells something, or until the time is over."""
        ticket, deadline_s = self._ticket, time.monotonic() + timeout_s
        if ticket == 0:
            time.sleep(timeout_s)
            return []
        if self._items is None:
            self._ticket = 0
            return [Message(ticket, "prepared", prepared=self._setup.prepared())]
        for item in self._items:
            if isinstance(item, JobRecord):
                self.cancel(ticket)  # closes the generator, which deletes the child's files
                return [Message(ticket, "record", record=item)]
            if item:
                return [Message(ticket, "progress", detail=item)]
            if time.monotonic() >= deadline_s:
                break
        return []
