"""Hosts that are simulated in virtual time: the in-process double of every transport.

Time jumps to the next event. The real time that the scheduler takes is added, so the total shows
the cost of scheduling. Records are JSON text, and are parsed like the records that Ray brings.
"""

from __future__ import annotations

import heapq
import itertools
import time
from collections.abc import Callable, Sequence
from typing import Any, Literal, Self

from bench.child.launch import LaunchSpec
from bench.dispatch.cluster_request import WantedType
from bench.dispatch.transport import Host, Message, Prepared
from bench.outside.documents import parse_model
from bench.record.facts import MachineFacts
from bench.record.lines import JobRecord
from bench.spec.job import JobSpec


class SimulatedHosts:
    """Hosts whose jobs take `length_s(host, launch)` and leave the record in `outcome(launch)`.

    `at` plans an event, such as the loss of a host. `log` holds each start of a job: the time, the
    host, the job and the attempt. `busiest` is the largest number of tasks that each host had at
    once.
    """

    name = "simulated"

    def __init__(
        self,
        hosts: Sequence[Host],
        jobs: Sequence[JobSpec],
        length_s: Callable[[str, LaunchSpec], float],
        outcome: Callable[[LaunchSpec], str],
        prepare_s: float = 0.0,
        ceiling_jobs: Sequence[JobSpec] = (),
    ) -> None:
        self.up = {host.name: host for host in hosts}
        self.jobs, self.length_s, self.outcome = tuple(jobs), length_s, outcome
        self.prepare_s, self.ceiling_jobs = prepare_s, tuple(ceiling_jobs)
        self.asked: list[WantedType] = []
        self.withdrawn: list[WantedType] = []
        self.refusals: dict[str, str] = {}
        self.log: list[tuple[float, str, str, int]] = []  # start time, host, job, attempt
        self.running: dict[int, str] = {}  # ticket -> host
        self.busiest: dict[str, int] = {}
        self._began, self._jumped_s = time.perf_counter(), 0.0
        self._ids = itertools.count()
        self._events: list[tuple[float, int, Callable[[], Any]]] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.running.clear()

    def clock(self) -> float:
        """Return the virtual time in seconds."""
        return time.perf_counter() - self._began + self._jumped_s

    def at(self, when_s: float, action: Callable[[], Any]) -> None:
        """Let `action` happen at a time; it may return a message for the next poll."""
        heapq.heappush(self._events, (when_s, next(self._ids), action))

    def take_down(self, name: str) -> None:
        """Let a host vanish without a message."""
        self.up.pop(name)
        self.running = {t: host for t, host in self.running.items() if host != name}

    def bring_up(self, host: Host) -> None:
        """Let a host come up."""
        self.up[host.name] = host

    def come_back(self, name: str, type_name: str = "") -> None:
        """Let a host that was taken down come up as another incarnation."""
        self.bring_up(Host(name, f"{name}-again", type_name))

    # --- the transport ------------------------------------------------------------------------

    def hosts(self) -> Sequence[Host]:
        """Return the hosts that are up."""
        return list(self.up.values())

    def ask_for(self, wanted: WantedType) -> None:
        """Take note that hosts of a type were asked for."""
        self.asked.append(wanted)

    def withdraw(self, wanted: WantedType) -> None:
        """Take note that hosts of a type are asked for no longer."""
        self.withdrawn.append(wanted)

    def why_not(self, wanted: WantedType) -> str | None:
        """Return the refusal that was planned for a type."""
        return self.refusals.get(wanted.name)

    def prepare(self, host: Host) -> int:
        """Let the host be ready after `prepare_s`."""
        facts = MachineFacts(machine_id=host.name, usable_cpus=2.0)
        ready = Prepared(
            facts=facts,
            data_path=f"/data/{host.name}",
            able=self.jobs,
            ceiling_jobs=self.ceiling_jobs,
        )
        return self._carry(host, self.prepare_s, lambda t: Message(t, "prepared", prepared=ready))

    def start(self, host: Host, launch: LaunchSpec) -> int:
        """Let the job run for its length."""
        self.log.append((self.clock(), host.name, launch.job.job_id, launch.attempt))

        def ended(ticket: int) -> Message:
            record = parse_model(JobRecord, self.outcome(launch))
            return Message(ticket, "record", record=record)

        return self._carry(host, self.length_s(host.name, launch), ended)

    def lose(self, name: str, *, host_died: bool) -> Message | None:
        """Lose what a host runs; return the message that says so."""
        return self._break(name, "lost", "planted", host_died)

    def fail(self, name: str, reason: str) -> Message | None:
        """Let the preparation of a host raise an error; return the message that says so."""
        return self._break(name, "failed", reason)

    def miss(self, name: str) -> Message | None:
        """Let a host turn out to be away when its work is to begin."""
        return self._break(name, "away", "planted")

    def _break(
        self, name: str, kind: Literal["lost", "away", "failed"], reason: str, died: bool = False
    ) -> Message | None:
        for ticket, host in self.running.items():
            if host == name:
                del self.running[ticket]
                return Message(ticket, kind, reason=reason, host_died=died)
        return None

    def cancel(self, ticket: int) -> None:
        """Forget what a ticket stands for."""
        self.running.pop(ticket, None)

    def poll(self, timeout_s: float) -> Sequence[Message]:
        """Jump to the next message, at most `timeout_s` ahead, and return what is there by then."""
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
