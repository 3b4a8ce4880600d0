"""One queue a host: which job goes where next, whatever carries it and whatever clock runs.

Each host has one job in flight, hosts go on side by side and none waits for another. A job whose
host or worker is lost is tried again on the same host when that is back within the grace time.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Hashable, Iterator, Sequence
from dataclasses import dataclass, field

from bench.child.launch import LaunchSpec
from bench.child.process import failed_record
from bench.clock import utc_now
from bench.dispatch.events import Event
from bench.dispatch.transport import Host, HostType, Message, Prepared, Transport
from bench.record.failure import Failure
from bench.record.lines import MachineEntry


@dataclass(frozen=True)
class Patience:
    """How long and how often: seconds, and attempts a job.

    `grace_s`: for a lost host to come back. `settle_s`: after a loss, before the next attempt, as
    a dead host is called alive for some seconds more. `look_s`: between looks at the hosts.
    """

    grace_s: float = 180.0
    settle_s: float = 3.0
    look_s: float = 1.0
    poll_s: float = 0.5
    attempts: int = 3


@dataclass
class _Lane:
    """A host and what it has to do. `queue` is None until the host has told what it can run."""

    name: str
    host: Host
    queue: deque[LaunchSpec] | None = None
    prepared: Prepared | None = None
    job: LaunchSpec | None = None
    ticket: Hashable | None = None
    started_at: str = ""
    lost_at_s: float | None = None
    losses: int = 0  # of the job in hand
    unprepared: int = 0  # times in a row that it was lost while it was being prepared
    preparing: bool = False
    dead: set[str] = field(default_factory=set)
    closed: bool = False


#: Makes the launches of a host that is ready, and its line in the journal.
Planner = Callable[[Host, Prepared], tuple[Sequence[LaunchSpec], MachineEntry]]

#: Makes the journal line of a host or of a type of hosts (by name) that could not be had, and why.
Refusal = Callable[[str, str], MachineEntry]


class HostQueues:
    """Runs every host's queue to its end; `limit(hosts)` may stop all by giving a reason."""

    def __init__(
        self,
        transport: Transport,
        planner: Planner,
        refusal: Refusal,
        *,
        types: Sequence[HostType] = (),
        patience: Patience | None = None,
        clock: Callable[[], float] = time.monotonic,
        limit: Callable[[Sequence[Host]], str | None] = lambda hosts: None,
    ) -> None:
        self._transport, self._planner, self._refusal = transport, planner, refusal
        self._waiting = list(types)
        self._patience, self._clock, self._limit = patience or Patience(), clock, limit
        self._lanes: dict[str, _Lane] = {}
        self._by_ticket: dict[Hashable, _Lane] = {}
        self.stopped: str | None = None  # why it was stopped before its end, if it was

    def run(self) -> Iterator[Event]:
        """Yield what happens until every host has done its jobs; closing ends all that runs."""
        began_s = looked_s = self._clock()
        for wanted in self._waiting:
            if wanted.ask:
                self._transport.ask_for(wanted)
        try:
            yield from self._look(began_s)
            while self._waiting or any(not lane.closed for lane in self._lanes.values()):
                for message in self._transport.poll(self._patience.poll_s):
                    yield from self._take(message)
                if self._clock() - looked_s >= self._patience.look_s:
                    looked_s = self._clock()
                    yield from self._look(began_s)
                if self.stopped:
                    return
        finally:
            for ticket in list(self._by_ticket):
                self._transport.cancel(ticket)
            self._by_ticket.clear()

    # --- what is up ---------------------------------------------------------------------------

    def _look(self, began_s: float) -> Iterator[Event]:
        hosts = self._transport.hosts()
        self.stopped = self._limit(hosts)
        if self.stopped:
            return
        up: dict[str, list[Host]] = {}
        for host in hosts:
            if host.measured:
                up.setdefault(host.name, []).append(host)
        for name, candidates in up.items():
            if name not in self._lanes:
                self._lanes[name] = _Lane(name, candidates[0])
                self._prepare(self._lanes[name])
        for lane in self._lanes.values():
            if not lane.closed:
                yield from self._check(lane, up.get(lane.name, ()))
        yield from self._check_types(began_s)

    def _check(self, lane: _Lane, candidates: Sequence[Host]) -> Iterator[Event]:
        """Compare a host with what is up: it may be lost, back, or gone for good."""
        alive = [host for host in candidates if host.incarnation not in lane.dead]
        here = next((host for host in alive if host.incarnation == lane.host.incarnation), None)
        if lane.ticket is not None:
            if here is None:
                yield from self._lose(lane, "the host is no longer part of the cluster", died=True)
            return
        if lane.lost_at_s is None:
            return
        since_s = self._clock() - lane.lost_at_s
        if alive and since_s >= self._patience.settle_s:
            lane.host = here or alive[0]
            self._prepare(lane)
        elif not alive and since_s >= self._patience.grace_s:
            yield from self._give_up(lane, since_s)

    def _check_types(self, began_s: float) -> Iterator[Event]:
        counts: dict[str, int] = {}
        for lane in self._lanes.values():
            counts[lane.host.type] = counts.get(lane.host.type, 0) + 1
        still = []
        for wanted in self._waiting:
            have = counts.get(wanted.name, 0)
            waited_s = self._clock() - began_s
            why = self._transport.why_not(wanted) if wanted.ask else None
            if have < wanted.count and waited_s < wanted.wait_s and not why:
                still.append(wanted)
                continue
            if wanted.ask:
                self._transport.withdraw(wanted)
            if have >= wanted.count:
                continue
            name = wanted.name or "hosts"
            reason = f"{have} of {wanted.count} came up within {waited_s:.0f} s"
            reason += f": {why}" if why else ""
            yield Event("machine", "", host=name, machine=self._refusal(name, reason))
        self._waiting = still

    # --- what happens to one host ---------------------------------------------------------------

    def _prepare(self, lane: _Lane) -> None:
        lane.lost_at_s, lane.preparing = None, True
        self._carry(lane, self._transport.prepare(lane.host))

    def _carry(self, lane: _Lane, ticket: Hashable) -> None:
        lane.ticket, lane.started_at = ticket, utc_now()
        self._by_ticket[ticket] = lane

    def _take(self, message: Message) -> Iterator[Event]:
        lane = self._by_ticket.get(message.ticket)
        if lane is None:  # of an attempt that was given up
            return
        job_id = lane.job.job.job_id if lane.job else ""
        if message.kind == "progress":
            yield Event("progress", job_id, detail=message.detail, host=lane.name)
            return
        if message.kind in ("lost", "away"):
            ran = message.kind == "lost"
            yield from self._lose(lane, message.reason, died=message.host_died, ran=ran)
            return
        self._drop(lane)
        if message.kind == "prepared":
            yield from self._begin(lane, message.prepared)
        elif message.kind == "failed":
            lane.closed = True
            entry = self._refusal(lane.name, message.reason)
            yield Event("machine", "", host=lane.name, machine=entry)
        else:
            lane.job, lane.losses = None, 0
            yield Event("record", job_id, record=message.record, host=lane.name)
            yield from self._next(lane)

    def _begin(self, lane: _Lane, prepared: Prepared) -> Iterator[Event]:
        """Take up a host that is ready, for the first time or after it was lost."""
        lane.prepared, lane.preparing, lane.unprepared = prepared, False, 0
        if lane.queue is None:
            launches, entry = self._planner(lane.host, prepared)
            lane.queue = deque(launches)
            yield Event("machine", "", host=lane.name, machine=entry)
        yield from self._next(lane)

    def _next(self, lane: _Lane) -> Iterator[Event]:
        if lane.job is None:
            if not lane.queue:
                lane.closed = True
                return
            lane.job = lane.queue.popleft()
        changes = {"data_path": lane.prepared.data_path, "machine": lane.prepared.facts}
        lane.job = lane.job.model_copy(update={**changes, "attempt": lane.losses + 1})
        self._carry(lane, self._transport.start(lane.host, lane.job))
        yield Event("started", lane.job.job.job_id, host=lane.name)

    def _drop(self, lane: _Lane) -> None:
        if lane.ticket is not None:
            self._by_ticket.pop(lane.ticket, None)
            lane.ticket = None

    def _lose(
        self, lane: _Lane, reason: str, *, died: bool = False, ran: bool = True
    ) -> Iterator[Event]:
        """Take note of a loss; a job that was lost too often becomes a record."""
        self._transport.cancel(lane.ticket)
        self._drop(lane)
        lane.lost_at_s = self._clock()
        if died:
            lane.dead.add(lane.host.incarnation)
        if not ran:
            return
        if lane.preparing:
            lane.unprepared += 1
            if lane.unprepared >= self._patience.attempts:  # the host is good for nothing
                yield from self._give_up(lane, 0.0, reason)
            return
        lane.losses += 1
        if lane.losses >= self._patience.attempts:
            yield self._lost(lane, lane.job, f"{reason} ({lane.losses} attempts)")
            lane.job, lane.losses = None, 0

    def _give_up(self, lane: _Lane, since_s: float, reason: str = "") -> Iterator[Event]:
        """Record every job of a host that did not come back; the host is closed."""
        lane.closed = True
        reason = reason or f"the host was lost and did not come back within {since_s:.0f} s"
        if lane.queue is None:
            entry = self._refusal(lane.name, reason)
            yield Event("machine", "", host=lane.name, machine=entry)
            return
        if lane.job is not None:
            yield self._lost(lane, lane.job, f"{reason} (after attempt {max(1, lane.losses)})")
        for launch in lane.queue:
            yield self._lost(lane, launch, f"not started: {reason}")
        lane.job, lane.queue = None, deque()

    def _lost(self, lane: _Lane, launch: LaunchSpec, message: str) -> Event:
        failure = Failure(reason="lost", message=message)
        started_at = lane.started_at if launch is lane.job else utc_now()
        machine = launch.machine or lane.prepared.facts
        known = launch.model_copy(update={"machine": machine})
        record = failed_record(known, failure, started_at)
        return Event("record", launch.job.job_id, record=record, host=lane.name)
