"""A host as the scheduler sees it: its state, and the work that it has in hand."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import Enum

from bench.child.launch import LaunchSpec
from bench.dispatch.transport import Host, Prepared
from bench.spec.job import JobSpec


class HostState(Enum):
    """What a host is doing.

    PREPARING → READY → RUNNING → READY → ... → CLOSED; from PREPARING and RUNNING a host may
    become LOST, and from LOST it goes on to PREPARING or, if it does not come back, to CLOSED.
    """

    PREPARING = "it gets the data and tells what it is"
    READY = "it has no job in hand"
    RUNNING = "it runs a job"
    LOST = "its work was lost; it is prepared again when it is back"
    CLOSED = "it gets no more jobs"


@dataclass
class Lane:
    """A host of the run and its work.

    `prepared` is None until the host has told what it is. `launch` is the job in hand, which may
    have to be tried again. `attempts` counts the starts of each job by its id, `losses` how often
    the job in hand was lost, and `preparations_lost` how often in a row the preparation was.
    `ceiling_jobs` are the jobs that only measure ceilings and are left to run; `bare` holds the ids
    of all such jobs.
    """

    host: Host
    state: HostState = HostState.PREPARING
    ticket: int | None = None
    prepared: Prepared | None = None
    launch: LaunchSpec | None = None
    started_at: str = ""
    lost_at_s: float = 0.0
    losses: int = 0
    preparations_lost: int = 0
    attempts: Counter[str] = field(default_factory=Counter)
    dead: set[str] = field(default_factory=set)  # incarnations that will not come back
    ceiling_jobs: deque[JobSpec] = field(default_factory=deque)
    bare: set[str] = field(default_factory=set)

    @property
    def name(self) -> str:
        """The host's name."""
        return self.host.name

    def take_ceiling_jobs(self, jobs: Iterable[JobSpec]) -> None:
        """Take note of jobs that only measure ceilings."""
        self.ceiling_jobs.extend(jobs)
        self.bare.update(job.job_id for job in self.ceiling_jobs)

    def next_for_ceilings(self) -> JobSpec | None:
        """Return the next job that only measures ceilings; None if none is left."""
        return self.ceiling_jobs.popleft() if self.ceiling_jobs else None

    @property
    def job_id(self) -> str:
        """The id of the job in hand; empty if there is none."""
        return self.launch.job.job_id if self.launch else ""
