"""A cluster without hosts, in virtual time: the double of the transport for scheduler tests.

Time jumps to the next thing that happens, and the scheduler's own real time is added to it, so
what the scheduler costs shows in the makespan. Records are real JSON text, parsed as Ray's are.
"""

from __future__ import annotations

import heapq
import itertools
import json
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from bench.child.launch import LaunchSpec
from bench.dispatch.transport import Host, HostType, Message, Prepared
from bench.record.facts import MachineFacts
from bench.record.lines import JobRecord, MachineEntry
from bench.record.price import Price
from bench.spec.job import JobSpec


class SimulatedHosts:
    """Hosts whose jobs take `length_s(host, launch)`; tests plan what befalls them with `at`."""

    name = "simulated"

    def __init__(
        self,
        hosts: Sequence[Host],
        jobs: Sequence[JobSpec],
        length_s: Callable[[str, LaunchSpec], float],
        outcome: Callable[[LaunchSpec], str],
        prepare_s: float = 0.0,
    ) -> None:
        self.up = {host.name: host for host in hosts}
        self.jobs, self.length_s, self.outcome, self.prepare_s = jobs, length_s, outcome, prepare_s
        self.asked: list[HostType] = []
        self.withdrawn: list[HostType] = []
        self.refusals: dict[str, str] = {}
        self.log: list[tuple[float, str, str, int]] = []  # start time, host, job, attempt
        self.running: dict[int, str] = {}  # ticket -> host
        self.busiest: dict[str, int] = {}
        self._began, self._jumped_s = time.perf_counter(), 0.0
        self._ids, self._events = itertools.count(), []

    def clock(self) -> float:
        return time.perf_counter() - self._began + self._jumped_s

    def at(self, when_s: float, action: Callable[[], Any]) -> None:
        """Let `action` happen at a time; what it returns (a Message or None) is news."""
        heapq.heappush(self._events, (when_s, next(self._ids), action))

    def take_down(self, name: str) -> None:
        """Let a host vanish from the cluster without a word."""
        self.up.pop(name)
        self.running = {t: host for t, host in self.running.items() if host != name}

    def bring_up(self, host: Host) -> None:
        """Let a host come up, anew or again."""
        self.up[host.name] = host

    def come_back(self, name: str, kind: str = "") -> None:
        """Let a host that was taken down come up as another incarnation."""
        self.bring_up(Host(name, f"{name}-again", kind))

    # --- the transport ------------------------------------------------------------------------

    def hosts(self) -> Sequence[Host]:
        return list(self.up.values())

    def ask_for(self, wanted: HostType) -> None:
        self.asked.append(wanted)

    def withdraw(self, wanted: HostType) -> None:
        self.withdrawn.append(wanted)

    def why_not(self, wanted: HostType) -> str | None:
        return self.refusals.get(wanted.name)

    def prepare(self, host: Host) -> int:
        facts = MachineFacts(machine_id=host.name, usable_cpus=2.0)
        ready = Prepared(facts, f"/data/{host.name}", tuple(self.jobs))
        return self._carry(host, self.prepare_s, lambda t: Message(t, "prepared", prepared=ready))

    def start(self, host: Host, launch: LaunchSpec) -> int:
        self.log.append((self.clock(), host.name, launch.job.job_id, launch.attempt))

        def ended(ticket: int) -> Message:
            record = JobRecord.model_validate(json.loads(self.outcome(launch)))
            return Message(ticket, "record", record=record)

        return self._carry(host, self.length_s(host.name, launch), ended)

    def lose(self, name: str, *, host_died: bool) -> Message | None:
        """What a host runs is lost, and Ray says so."""
        for ticket, host in self.running.items():
            if host == name:
                del self.running[ticket]
                return Message(ticket, "lost", reason="planted", host_died=host_died)
        return None

    def cancel(self, ticket: int) -> None:
        self.running.pop(ticket, None)

    def poll(self, timeout_s: float) -> Sequence[Message]:
        until = self.clock() + timeout_s
        news: list[Message] = []
        while self._events and not news:
            when = self._events[0][0]
            if when > until:
                break
            self._jumped_s += max(0.0, when - self.clock())
            while self._events and self._events[0][0] <= self.clock():
                message = heapq.heappop(self._events)[2]()
                news += [message] if isinstance(message, Message) else []
        if not news:
            self._jumped_s += max(0.0, until - self.clock())
        return news

    def _carry(self, host: Host, takes_s: float, ended: Callable[[int], Message]) -> int:
        ticket = next(self._ids)
        self.running[ticket] = host.name
        together = sum(name == host.name for name in self.running.values())
        self.busiest[host.name] = max(self.busiest.get(host.name, 0), together)
        incarnation = host.incarnation

        def end() -> Message | None:
            here = self.up.get(host.name)
            alive = here is not None and here.incarnation == incarnation
            if ticket not in self.running or not alive:
                return None
            del self.running[ticket]
            return ended(ticket)

        self.at(self.clock() + takes_s, end)
        return ticket


def entry_of(host: Host, prepared: Prepared, run_id: str = "run-1") -> MachineEntry:
    """Return the journal line of a simulated host."""
    return MachineEntry(
        run_id=run_id,
        label=host.name,
        machine=prepared.facts,
        jobs=tuple(job.job_id for job in prepared.able),
    )


def refusal_of(name: str, reason: str) -> MachineEntry:
    """Return the journal line of a simulated host or type that could not be had."""
    return MachineEntry(run_id="run-1", label=name, reason=reason)


def priced(host: Host, usd_per_hour: float) -> Host:
    """Return a host with a price."""
    return replace(host, price=Price(usd_per_hour))
