"""Keeps the states of a run's jobs by what it is told: lines of the journal, and events."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from bench.app.progress_words import ceilings_name, epoch_words
from bench.dispatch.events import Event
from bench.record.job_states import JobState, MachineStates, Phase, RunStates, State
from bench.record.lines import JobRecord, Line, MachineEntry, OutOfTime, RunHeader
from bench.record.repeats import is_disturbed, repeat_of
from bench.record.run import Run
from bench.report.words.phrasebook import ENGLISH, Phrasebook
from bench.spec.description import Outline


@dataclass
class _Machine:
    """What is known of one machine; `now` are the words for the running job.

    `ceilings` holds the words of the jobs that only measure ceilings and have no record, by their
    ids.
    """

    name: str
    jobs: dict[str, JobState] = field(default_factory=dict)
    ceilings: dict[str, str] = field(default_factory=dict)
    now: str = ""
    reason: str = ""


class Board:
    """The states of one run at a time; several threads may use it.

    `outline` names the metrics that a running job tells, and `book` has the words for them in the
    language of the page.
    """

    def __init__(
        self,
        session: str,
        outline: Outline,
        book: Phrasebook = ENGLISH,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._states, self._clock = RunStates(session), clock
        self._outline, self._book = outline, book
        self._machines: dict[str, _Machine] = {}
        self._own, self._most = "", 0  # the label of this machine, and the repeats of a job
        self._ends_s: float | None = None
        self._lock = threading.Lock()

    def begin(self, header: RunHeader, continued: Run | None) -> None:
        """Forget the run before, and take up what a continued one has in its journal."""
        place = header.series
        with self._lock:
            self._machines, self._ends_s = {}, None
            self._own, self._most = header.label, header.repeat_disturbed
            self._change(
                phase="measuring", sitting=(place.number, place.of) if place else None, begins_at=""
            )
            if continued is None:
                return
            records = (*continued.records, *continued.ceiling_records)
            lines: list[Line] = [*continued.machines, *records, *continued.ends]
            for line in lines:
                self._take(line)
            for share in continued.shares:
                for job_id in share.missing:  # also a failed job that is tried again
                    self._machine(share.label).jobs[job_id] = JobState("waiting")

    def take(self, line: Line) -> None:
        """Take note of a line of the journal."""
        with self._lock:
            self._take(line)

    def show(self, event: Event, left_s: float | None = None) -> None:
        """Take note of an event, and of the seconds that are left if they are known anew."""
        with self._lock:
            if left_s is not None:
                self._ends_s = self._clock() + left_s
            machine = self._machine(event.host or self._own)
            if event.job_id in machine.ceilings:
                machine.now = machine.ceilings[event.job_id]
            elif event.kind == "started":
                machine.jobs[event.job_id] = JobState("running")
                machine.now = ""
            elif event.kind == "progress":
                machine.now = epoch_words(event.detail, self._outline, self._book)

    def enter(self, phase: Phase) -> None:
        """Take note of what the run does now.

        A job of this machine that was ended waits to be run again.
        """
        with self._lock:
            self._change(phase=phase)
            own = self._machines.get(self._own)
            if phase not in ("reporting", "ended") or own is None:
                return
            own.now = ""
            for job_id, job in own.jobs.items():
                if job.state == "running":
                    own.jobs[job_id] = JobState("waiting")

    def wait(self, number: int, of: int, begins_at: str) -> None:
        """Take note of the next sitting and of the time at which it begins."""
        with self._lock:
            self._change(phase="pause", sitting=(number, of), begins_at=begins_at)

    def end(self, *, report: bool) -> None:
        """Take note that the run has ended, and whether its report is the page now."""
        self.enter("ended")
        with self._lock:
            self._change(report=report)

    def figures(self, made: int, jobs: int) -> None:
        """Take note that the page has figures of so many jobs; `made` counts the pages."""
        with self._lock:
            self._change(figures=made, figures_of=jobs, trouble="")

    def trouble(self, why: str) -> None:
        """Take note why the figures could not be made."""
        with self._lock:
            self._change(trouble=why)

    @property
    def goes_on(self) -> bool:
        """Whether something is still to be measured, on this machine or on a cluster."""
        with self._lock:
            own = self._machines.get(self._own)
            waiting = own is not None and any(job.state == "waiting" for job in own.jobs.values())
            ceilings = own is not None and bool(own.ceilings)
            return waiting or ceilings or self._states.phase == "cluster"

    def snapshot(self) -> RunStates:
        """Return the states as they are now."""
        with self._lock:
            machines = tuple(
                MachineStates(one.name, dict(one.jobs), one.now, one.reason)
                for one in self._machines.values()
            )
            measuring = self._states.phase in ("measuring", "cluster")
            left_s = None
            if self._ends_s is not None and measuring:
                left_s = max(0.0, self._ends_s - self._clock())
            return replace(self._states, machines=machines, left_s=left_s)

    def _change(self, **changes: object) -> None:
        self._states = replace(self._states, **changes)  # type: ignore[arg-type]

    def _machine(self, label: str) -> _Machine:
        return self._machines.setdefault(label, _Machine(label))

    def _take(self, line: Line) -> None:
        if isinstance(line, MachineEntry):
            machine = self._machine(line.label)
            machine.reason = line.reason or ""
            for job_id in line.jobs:
                machine.jobs.setdefault(job_id, JobState("waiting"))
            for job in line.ceiling_jobs:
                machine.ceilings[job.job_id] = ceilings_name(job, self._outline, self._book)
            for skip in line.skipped:
                machine.jobs[skip.job.job_id] = JobState("skipped", skip.reason)
        elif isinstance(line, JobRecord):
            self._record(self._machine(line.label), line)
        elif isinstance(line, OutOfTime):
            for job_id in line.jobs:
                self._machine(line.label).jobs[job_id] = JobState("left out")

    def _record(self, machine: _Machine, record: JobRecord) -> None:
        if record.only_ceilings:
            machine.ceilings.pop(record.job_id, None)
            machine.now = ""
            return
        machine.jobs[record.job_id] = state_of(record)
        if all(job.state != "running" for job in machine.jobs.values()):
            machine.now = ""
        repeat = repeat_of(record, self._most)
        if repeat is not None:
            machine.jobs.setdefault(repeat.job_id, JobState("waiting"))


def state_of(record: JobRecord) -> JobState:
    """Return how a job ended."""
    if record.failure is not None:
        reason, summary = record.failure.reason, record.failure.summary
        return JobState("failed", f"{reason}: {summary}" if summary else reason)
    whole = record.conditions.whole if record.conditions else None
    causes = " and ".join(whole.cause_names) if whole else ""
    state: State = "disturbed" if is_disturbed(record) else "measured"
    return JobState(state, causes if state == "disturbed" else "")
