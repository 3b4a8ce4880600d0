"""What a scheduler is told: who makes launches and lines, how long it waits, and when it stops."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from bench.child.launch import LaunchSpec
from bench.dispatch.transport import Host, Prepared
from bench.record.lines import MachineEntry
from bench.spec.job import JobSpec

#: Makes the launch of a job on a host that is ready; the number counts the attempts.
MakeLaunch = Callable[[JobSpec, Host, Prepared, int], LaunchSpec]

#: Makes the journal line of a host that is ready.
MakeEntry = Callable[[Host, Prepared], MachineEntry]

#: Makes the journal line of a host or a type of host (by its name) that is unavailable, and why.
MakeUnavailable = Callable[[str, str], MachineEntry]

#: Returns the jobs that only measure ceilings and that a host, by its line, has not run yet.
CeilingsDue = Callable[[MachineEntry], Sequence[JobSpec]]

#: Returns why a run must stop, given the hosts that are up; None if it may go on.
Limit = Callable[[Sequence[Host]], str | None]


@dataclass(frozen=True)
class Planner:
    """Makes what the scheduler does not know how to make: launches, and lines of the journal.

    `ends_s` is the time on the clock at which the jobs that only measure ceilings must have ended;
    None if they may take the time that they need.
    """

    launch: MakeLaunch
    entry: MakeEntry
    unavailable: MakeUnavailable
    ceilings_due: CeilingsDue = lambda entry: entry.ceiling_jobs
    ends_s: float | None = None


@dataclass(frozen=True)
class Patience:
    """How long the scheduler waits, in seconds, and how many attempts a job has.

    `grace_s`: until a lost host must be back. `settle_s`: after a loss, before the next attempt,
    because a dead host is listed as alive for some seconds. `look_s`: between two looks at the
    hosts.
    """

    grace_s: float = 180.0
    settle_s: float = 3.0
    look_s: float = 1.0
    poll_s: float = 0.5
    attempts: int = 3


#: For the machine on which the command was typed: it does not go and come back.
AT_HOME = Patience(grace_s=0.0, settle_s=0.0, look_s=0.2, poll_s=0.2)
