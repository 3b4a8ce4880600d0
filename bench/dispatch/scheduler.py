"""The scheduler: gives each host its jobs one at a time, through any transport and by any clock.

Hosts work side by side, and no host waits for another. A job whose host or worker is lost is tried
again on the same host, if the host is back within the grace time. This machine is a host too.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence

from bench.child.launch import LaunchSpec
from bench.child.process import failed_record
from bench.clock import utc_now
from bench.dispatch.ceiling_jobs import CEILING_JOB_S, CEILING_LIMIT_S
from bench.dispatch.cluster_request import WantedType
from bench.dispatch.events import Event
from bench.dispatch.lane import HostState, Lane
from bench.dispatch.planner import Limit, Patience, Planner
from bench.dispatch.supply import Supply
from bench.dispatch.transport import Host, Message, Prepared, Transport
from bench.record.failure import HOST_LOST, Failure
from bench.record.lines import JobRecord
from bench.spec.job import JobSpec


class Scheduler:
    """Runs what the supply gives until every host is done, or until `limit` gives a reason to stop.

    `types` are hosts that the run waits for. `stopped` says why the run was stopped early, and
    `left_out` counts the jobs for ceilings for which its time was too short.
    """

    def __init__(
        self,
        transport: Transport,
        supply: Supply,
        planner: Planner,
        *,
        types: Sequence[WantedType] = (),
        patience: Patience | None = None,
        clock: Callable[[], float] = time.monotonic,
        limit: Limit = lambda hosts: None,
    ) -> None:
        self._transport, self._supply, self._planner = transport, supply, planner
        self._waiting = list(types)
        self._patience, self._clock, self._limit = patience or Patience(), clock, limit
        self._lanes: dict[str, Lane] = {}
        self._by_ticket: dict[int, Lane] = {}
        self.stopped: str | None = None
        self.left_out = 0

    def run(self) -> Iterator[Event]:
        """Yield what happens until every host is closed; closing the iterator ends all work."""
        began_s = looked_s = self._clock()
        for wanted in self._waiting:
            if wanted.ask:
                self._transport.ask_for(wanted)
        try:
            yield from self._look(began_s)
            while self._goes_on():
                for message in self._transport.poll(self._patience.poll_s):
                    yield from self._take(message)
                if self._clock() - looked_s >= self._patience.look_s and self._goes_on():
                    looked_s = self._clock()
                    yield from self._look(began_s)
        finally:
            for ticket in list(self._by_ticket):
                self._transport.cancel(ticket)
            self._by_ticket.clear()

    def states(self) -> dict[str, HostState]:
        """Return what each host is doing, by its name."""
        return {name: lane.state for name, lane in self._lanes.items()}

    def _goes_on(self) -> bool:
        return not self.stopped and bool(self._waiting or self._open_lanes())

    def _open_lanes(self) -> list[Lane]:
        return [lane for lane in self._lanes.values() if lane.state is not HostState.CLOSED]

    # --- which hosts are up ---------------------------------------------------------------------

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
                self._lanes[name] = Lane(candidates[0])
                self._prepare(self._lanes[name])
        for lane in self._open_lanes():
            yield from self._check(lane, up.get(lane.name, ()))
        yield from self._check_types(began_s)

    def _check(self, lane: Lane, candidates: Sequence[Host]) -> Iterator[Event]:
        """Compare a host with what is up: it may be lost, or back, or gone for good."""
        alive = [host for host in candidates if host.incarnation not in lane.dead]
        same = next((host for host in alive if host.incarnation == lane.host.incarnation), None)
        if lane.state is not HostState.LOST:
            if same is None:
                yield from self._lose(lane, "the host is no longer part of the cluster", died=True)
            return
        since_s = self._clock() - lane.lost_at_s
        if alive and since_s >= self._patience.settle_s:
            lane.host = same or alive[0]
            self._prepare(lane)
        elif not alive and since_s >= self._patience.grace_s:
            reason = f"the host was lost and did not come back within {since_s:.0f} s"
            yield from self._give_up(lane, reason)

    def _check_types(self, began_s: float) -> Iterator[Event]:
        """Drop each wanted type that is complete, was refused, or was waited for long enough."""
        counts = Counter(lane.host.type for lane in self._lanes.values())
        waited_s = self._clock() - began_s
        still = []
        for wanted in self._waiting:
            have = counts[wanted.name]
            why = self._transport.why_not(wanted) if wanted.ask else None
            if have < wanted.count and waited_s < wanted.wait_s and not why:
                still.append(wanted)
                continue
            if wanted.ask:
                self._transport.withdraw(wanted)
            if have < wanted.count:
                reason = f"{have} of {wanted.count} came up within {waited_s:.0f} s"
                reason += f": {why}" if why else ""
                yield self._unavailable(wanted.name or "hosts", reason)
        self._waiting = still

    # --- what happens to one host ---------------------------------------------------------------

    def _prepare(self, lane: Lane) -> None:
        self._carry(lane, HostState.PREPARING, self._transport.prepare(lane.host))

    def _carry(self, lane: Lane, state: HostState, ticket: int) -> None:
        lane.state, lane.ticket, lane.started_at = state, ticket, utc_now()
        self._by_ticket[ticket] = lane

    def _drop(self, lane: Lane) -> None:
        if lane.ticket is not None:
            self._by_ticket.pop(lane.ticket, None)
            lane.ticket = None

    def _take(self, message: Message) -> Iterator[Event]:
        if message.kind == "note":
            yield Event("note", detail={"text": message.reason})
        lane = self._by_ticket.get(message.ticket)
        if lane is None:  # of an attempt that was given up
            return
        if message.kind == "progress":
            yield Event("progress", lane.job_id, detail=message.detail, host=lane.name)
        elif message.kind in ("lost", "away"):
            began = message.kind == "lost"
            yield from self._lose(lane, message.reason, died=message.host_died, began=began)
        elif message.kind == "failed":
            self._drop(lane)
            yield from self._give_up(lane, message.reason)
        elif message.prepared is not None:
            self._drop(lane)
            yield from self._ready(lane, message.prepared)
        elif message.record is not None:
            self._drop(lane)
            if self._again(lane, message.record):
                yield Event("record", lane.job_id, record=message.record, host=lane.name)
            else:
                yield self._ended(lane, message.record)
            yield from self._next(lane)

    def _again(self, lane: Lane, record: JobRecord) -> bool:
        """Return whether a failed job runs again at once, because its reason is a passing one."""
        failure = None if record.only_ceilings else record.failure
        return failure is not None and lane.attempts[record.job_id] < failure.why.attempts

    def _ready(self, lane: Lane, prepared: Prepared) -> Iterator[Event]:
        """Take up a host that is ready, for the first time or after it was lost."""
        first = lane.prepared is None
        lane.state, lane.prepared, lane.preparations_lost = HostState.READY, prepared, 0
        if first:
            self._supply.begin(lane.name, prepared.able)
            entry = self._planner.entry(lane.host, prepared)
            lane.take_ceiling_jobs(self._planner.ceilings_due(entry))
            yield Event("machine", host=lane.name, machine=entry)
            self.stopped = self._limit(self._transport.hosts())  # it may be over before any job
        if not self.stopped:
            yield from self._next(lane)

    def _next(self, lane: Lane) -> Iterator[Event]:
        """Start the job in hand again, the next one, or a job for ceilings; else close the host."""
        job = lane.launch.job if lane.launch else self._supply.next(lane.name)
        if job is None:
            self._leave_out_ceilings(lane)
            job = lane.next_for_ceilings()
        if job is None:
            lane.state = HostState.CLOSED
            return
        lane.attempts[job.job_id] += 1
        lane.launch = self._launch(lane, job, lane.attempts[job.job_id])
        self._carry(lane, HostState.RUNNING, self._transport.start(lane.host, lane.launch))
        yield Event("started", job.job_id, host=lane.name)

    def _leave_out_ceilings(self, lane: Lane) -> None:
        """Leave out the jobs that only measure ceilings if the next one would not end in time."""
        ends_s = self._planner.ends_s
        if ends_s is not None and self._clock() + CEILING_JOB_S > ends_s:
            self.left_out += len(lane.ceiling_jobs)
            lane.ceiling_jobs.clear()

    def _launch(self, lane: Lane, job: JobSpec, attempt: int) -> LaunchSpec:
        assert lane.prepared is not None, "only a host that was ready has jobs"
        launch = self._planner.launch(job, lane.host, lane.prepared, attempt)
        if job.job_id not in lane.bare:
            return launch
        limit_s = min(launch.time_limit_s, CEILING_LIMIT_S)
        return launch.model_copy(update={"only_ceilings": True, "time_limit_s": limit_s})

    def _ended(self, lane: Lane, record: JobRecord) -> Event:
        lane.state, lane.launch, lane.losses = HostState.READY, None, 0
        if not record.only_ceilings:
            self._supply.returned(lane.name, record)
        return Event("record", record.job_id, record=record, host=lane.name)

    def _lose(
        self, lane: Lane, reason: str, *, died: bool = False, began: bool = True
    ) -> Iterator[Event]:
        """Take note of a loss; a job that was lost too often gets a record.

        `died` says that the host itself is gone, and `began` that its work had begun there.
        """
        was_preparing = lane.state is HostState.PREPARING
        if lane.ticket is not None:
            self._transport.cancel(lane.ticket)
        self._drop(lane)
        lane.state, lane.lost_at_s = HostState.LOST, self._clock()
        if died:
            lane.dead.add(lane.host.incarnation)
        if lane.launch is not None and lane.launch.only_ceilings:  # nothing else waits for the host
            yield from self._give_up(lane, reason)
        elif was_preparing:
            lane.preparations_lost += began
            if lane.preparations_lost >= self._patience.attempts:
                yield from self._give_up(lane, reason)
        elif not began:
            lane.attempts[lane.job_id] -= 1
        else:
            lane.losses += 1
            if lane.losses >= self._patience.attempts and lane.launch is not None:
                yield self._lost(lane, lane.launch, f"{reason} ({lane.losses} attempts)")
                lane.state = HostState.LOST  # it is prepared again for its next job

    def _give_up(self, lane: Lane, reason: str) -> Iterator[Event]:
        """Close a host and record each of its jobs that was not done as lost."""
        if lane.prepared is None:
            yield self._unavailable(lane.name, reason)
        elif lane.launch is not None:
            attempt = max(1, lane.losses)
            yield self._lost(lane, lane.launch, f"{reason} (after attempt {attempt})")
        while lane.prepared is not None and (job := self._supply.next(lane.name)) is not None:
            launch = self._launch(lane, job, lane.attempts[job.job_id] + 1)
            lane.started_at = utc_now()
            yield self._lost(lane, launch, f"not started: {reason}")
        lane.state = HostState.CLOSED

    def _lost(self, lane: Lane, launch: LaunchSpec, message: str) -> Event:
        failure = Failure(reason=HOST_LOST, message=message)
        return self._ended(lane, failed_record(launch, failure, lane.started_at))

    def _unavailable(self, name: str, reason: str) -> Event:
        return Event("machine", host=name, machine=self._planner.unavailable(name, reason))
