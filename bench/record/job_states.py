"""The states of a run's jobs while it goes on, machine by machine; what a page shows of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, get_args

#: What a job is doing, or how it ended. A `disturbed` job was measured. A job is `left out` if the
#: minutes of the run were too short for it.
State = Literal["measured", "disturbed", "failed", "running", "waiting", "skipped", "left out"]
STATES: tuple[State, ...] = get_args(State)

#: What the whole run is doing. `cluster`: this machine is done, and a cluster still measures.
#: `pause`: the next sitting of a series has not begun.
Phase = Literal["starting", "measuring", "cluster", "reporting", "pause", "ended"]

#: Phases in which this machine measures nothing, so that a page may be drawn on it.
IDLE: tuple[Phase, ...] = ("cluster", "pause", "ended")


@dataclass(frozen=True)
class JobState:
    """The state of a job on a machine; `note` says why it was skipped, failed or was disturbed."""

    state: State
    note: str = ""


@dataclass(frozen=True)
class MachineStates:
    """The jobs of one machine by their ids, and what the running one told last.

    `reason` says why the machine is unavailable; it has no jobs then.
    """

    name: str
    jobs: Mapping[str, JobState] = field(default_factory=dict)
    now: str = ""
    reason: str = ""

    @property
    def counts(self) -> dict[State, int]:
        """How many jobs are in each state; states without a job are left out."""
        seen = Counter(job.state for job in self.jobs.values())
        return {state: seen[state] for state in STATES if seen[state]}


@dataclass(frozen=True)
class RunStates:
    """A run at one moment.

    `session` is the same as long as one command runs, over all its sittings. `left_s` are the
    seconds until the last machine is done, as far as they can be estimated. `sitting` is the place
    in a series and the number of sittings, and `begins_at` the local time at which it begins.
    `figures` counts how often the figures of the page were made anew, and `figures_of` the jobs of
    this run that are in them. `trouble` says why they could not be made. `report` says whether the
    page is the written report now.
    """

    session: str
    phase: Phase = "starting"
    machines: tuple[MachineStates, ...] = ()
    left_s: float | None = None
    sitting: tuple[int, int] | None = None
    begins_at: str = ""
    figures: int = 0
    figures_of: int = 0
    trouble: str = ""
    report: bool = False
