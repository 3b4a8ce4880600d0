"""Runs jobs through an embedded Ray on this machine, which is closed to the network.

Ray only places a job: the task starts the same child that a bare command starts. This transport
switches off what Ray does to its workers (priority 15, OMP_NUM_THREADS, an empty
CUDA_VISIBLE_DEVICES); the child's environment is made anew in any case. Ray lives in a process of
its own, which is started again if Ray loses one of its processes.
"""

from __future__ import annotations

import itertools
import math
import time
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Self

from bench import stops
from bench.child import scratch
from bench.child.keeper import keeping
from bench.child.launch import LaunchSpec
from bench.dispatch.local import LocalSetup, OneHost, local_host
from bench.dispatch.ray_process import RayGone, RayProcess
from bench.dispatch.transport import Host, Message, Prepared
from bench.errors import DispatchError
from bench.outside.documents import shaped
from bench.record.lines import JobRecord
from bench.spec.request import Dispatch

#: Seconds in which a Ray that works has prepared this machine.
PREPARE_S = 120

#: Seconds after its time limit in which the record of a job must have come.
OVERTIME_S = 60.0

#: Seconds between two polls after which this process counts as having stood still.
STILL_S = 5.0

#: How often Ray may be lost in a row without a record, and its worker before it has prepared the
#: machine for the first time.
MOST_LOSSES = 3


class RayLocal(OneHost):
    """An embedded Ray on this machine: loopback only, token required, no dashboard."""

    name: Dispatch = "ray"

    def __init__(self, setup: LocalSetup) -> None:
        self._setup = setup
        self._tickets = itertools.count(1)
        self._work: dict[int, float | None] = {}  # tickets in hand: a job's deadline
        self._preparing: tuple[int, float] | None = None  # ticket, and when it began
        self._works = False  # whether Ray has prepared the machine once
        self._unprepared = 0  # how often it was lost before that
        self._losses = 0  # in a row, without a record
        self._starts = 0
        self._looked_s = math.inf  # when the last poll ended
        self._ray: RayProcess | None = None
        self._held = ExitStack()
        self._folder = Path()

    def __enter__(self) -> Self:
        with ExitStack() as held:
            self._kept = held.enter_context(keeping())
            self._folder = _folder_in(held)
            self._start()
            self._held = held.pop_all()
        return self

    def __exit__(self, *exception: object) -> None:
        with stops.deferred():
            if self._ray:
                self._ray.end()
            self._held.close()

    def hosts(self) -> Sequence[Host]:
        """Return this machine; it is another incarnation once Ray was lost."""
        return (local_host(self._starts + (self._ray is None)),)

    def prepare(self, host: Host) -> int:
        """Read the facts of this machine in a Ray worker, as the jobs will find them."""
        if self._ray is None:
            self._start()
        ticket = self._sent(None, prepare=self._setup.model_dump_json())
        self._preparing = ticket, time.monotonic()
        return ticket

    def start(self, host: Host, launch: LaunchSpec) -> int:
        """Start a Ray task that starts the child of the job."""
        deadline = time.monotonic() + launch.time_limit_s + OVERTIME_S
        return self._sent(deadline, start=launch.model_dump_json())

    def cancel(self, ticket: int) -> None:
        """End the worker of a task; the child of its job ends with it."""
        if self._preparing and self._preparing[0] == ticket:
            self._preparing = None
        if self._work.pop(ticket, -1) != -1 and self._ray:
            self._ray.send({"ticket": ticket, "cancel": True})

    def poll(self, timeout_s: float) -> Sequence[Message]:
        """Return what the task has yielded.

        Raises DispatchError if this Ray cannot prepare the machine, or is lost again and again. A
        worker that is lost while it prepares is left to the scheduler, which tries again.
        """
        messages = self._messages(timeout_s)
        for message in messages:
            if message.kind != "progress":
                self._work.pop(message.ticket, None)
            if message.record is not None:
                self._losses = 0
        if self._preparing is not None:
            self._check_preparation(messages)
        return messages

    def _start(self) -> None:
        """Start Ray. Raises DispatchError."""
        self._starts += 1
        try:
            ray = RayProcess(self._folder / str(self._starts), self._kept)
        except OSError as error:
            raise _without_place(str(self._folder.parent), error) from error
        try:
            ray.await_start()
        except BaseException:
            ray.kill()
            raise
        self._ray = ray

    def _sent(self, deadline: float | None, **request: Any) -> int:
        ticket = next(self._tickets)
        self._work[ticket] = deadline
        if self._ray:
            self._ray.send({"ticket": ticket, **request})
        return ticket

    def _messages(self, timeout_s: float) -> list[Message]:
        if self._ray is None:
            return self._lost("Ray was lost")
        try:
            found = self._ray.read(timeout_s)
        except RayGone as gone:
            return self._lost(f"Ray was lost: {gone}")
        now = time.monotonic()
        if now - self._looked_s > STILL_S:
            self._wait_anew(now)
        self._looked_s = now
        messages = [_message(told) for told in found if told["ticket"] in self._work]
        if not messages and any(end and end < now for end in self._work.values()):
            return self._lost("Ray gave no record of a job that is over its time limit")
        return messages

    def _wait_anew(self, now: float) -> None:
        """Give Ray its time again, because this process stood still (Ctrl-Z, a full disk)."""
        for ticket, deadline in self._work.items():
            self._work[ticket] = deadline and max(deadline, now + OVERTIME_S)
        if self._preparing is not None:
            self._preparing = self._preparing[0], now

    def _lost(self, reason: str) -> list[Message]:
        """End what is left of Ray; everything in hand is lost. Raises DispatchError."""
        notes = []
        if self._ray:
            self._ray.kill()
            self._ray = None
            self._losses += 1
            notes = [Message(0, "note", reason=f"note: {reason}; Ray is started again")]
        if self._losses > MOST_LOSSES:
            raise DispatchError(
                f"the embedded Ray was lost {self._losses} times in a row",
                seen=reason,
                next_step="try again with --dispatch inline",
            )
        lost = [Message(one, "lost", reason=reason, host_died=True) for one in list(self._work)]
        return notes + lost

    def _check_preparation(self, messages: Sequence[Message]) -> None:
        assert self._preparing is not None
        ticket, began_s = self._preparing
        for message in messages:
            if message.ticket == ticket:
                self._preparing = None
                self._works = self._works or message.prepared is not None
                if message.kind == "failed":
                    raise _not_prepared(message.reason)
                if not self._works:
                    self._unprepared += 1
                    if self._unprepared >= MOST_LOSSES:  # before the scheduler gives the host up
                        raise _not_prepared(f"{message.reason} ({self._unprepared} attempts)")
        if self._preparing and time.monotonic() - began_s > PREPARE_S:
            raise _not_prepared(f"no answer within {PREPARE_S} s")


def _message(told: dict[str, Any]) -> Message:
    record, prepared = told.pop("record"), told.pop("prepared")
    return Message(
        **told,
        record=None if record is None else shaped(JobRecord, record),
        prepared=None if prepared is None else shaped(Prepared, prepared),
    )


def _folder_in(held: ExitStack) -> Path:
    """Return a new folder for Ray's files, which `held` deletes. Raises DispatchError."""
    parent = None
    try:
        parent = scratch.short_parent()
        return held.enter_context(scratch.held_folder(scratch.RAY, parent))
    except OSError as error:
        raise _without_place(str(parent or "the temporary folder"), error) from error


def _without_place(where: str, error: OSError) -> DispatchError:
    return DispatchError(
        "the embedded Ray cannot be started, because the system refuses a file or a process",
        seen=f"{where}: {error.strerror or error}",
        next_step=f"free space in {where}, or end other programs",
    )


def _not_prepared(seen: str) -> DispatchError:
    return DispatchError(
        "the embedded Ray did not prepare this machine",
        seen=seen,
        next_step="try again with --dispatch inline",
    )
