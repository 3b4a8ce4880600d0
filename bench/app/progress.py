"""Shows the progress of a run: a line for each job and, on a terminal, a bar for each machine."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Self, TextIO

from bench import units
from bench.app.progress_words import (
    ceilings_name,
    ceilings_words,
    epoch_words,
    opening_lines,
    outcome_words,
)
from bench.app.tally import Tally
from bench.app.time_left import TimeLeft
from bench.child.workload import Workload
from bench.dispatch.events import Event
from bench.dispatch.transport import THIS_MACHINE
from bench.record.repeats import repeat_of
from bench.record.run import Run
from bench.spec.job import JobSpec
from bench.text import counted, printable

if TYPE_CHECKING:
    from rich.progress import TaskID

    from bench.app.plan import Plan

#: Returns about how many seconds a job takes; None if unknown.
Estimate = Callable[[JobSpec], float | None]

#: Bars that a terminal shows at once; further machines wait until one of these is done.
BARS = 12

#: Values of TERM of terminals that cannot redraw a line; without any, nothing is known of it.
DUMB = ("", "dumb", "unknown")

#: Columns of a terminal that does not tell its width.
USUAL_WIDTH = 80

#: Seconds between two drawings of the bars while nothing but an epoch ends.
REDRAW_S = 1.0


def make_progress(
    stream: TextIO,
    workload: Workload,
    spoken: Callable[[str], str] = str,
    repeat_disturbed: int = 0,
    left_s: Callable[[], float | None] = lambda: None,
    estimate_s: Estimate | None = None,
) -> Progress:
    """Return live bars if `stream` is a terminal that can redraw a line, else plain lines.

    `spoken` words each line. `repeat_disturbed` says how often a disturbed job runs again at most,
    and `left_s` how many seconds of the minutes that were asked for are left, if any were.
    `estimate_s` estimates jobs on this machine; None: as the workload does.
    """
    redraws = stream.isatty() and os.environ.get("TERM", "").lower() not in DUMB
    kind = LiveProgress if redraws else Progress
    return kind(stream, workload, spoken, repeat_disturbed, left_s, estimate_s)


class Progress:
    """A line for each job, for logs and pipes; a context manager.

    `spoken` returns a text as the user reads it, with the name of the program in it.
    `repeat_disturbed` says how often a disturbed job runs again at most, and `left_s` how many
    seconds of the minutes that were asked for are left, if any were. `estimate_s` estimates jobs on
    this machine; None: as the workload does, which also estimates those of other machines.
    """

    def __init__(
        self,
        stream: TextIO,
        workload: Workload,
        spoken: Callable[[str], str] = str,
        repeat_disturbed: int = 0,
        left_s: Callable[[], float | None] = lambda: None,
        estimate_s: Estimate | None = None,
    ) -> None:
        self._estimate_here_s = estimate_s or workload.estimate_s
        self._estimate_s = workload.estimate_s
        self._stream, self._spoken = stream, spoken
        self._most, self._asked_left_s = repeat_disturbed, left_s
        self._outline = workload.description.outline
        self._tallies: dict[str, Tally] = {}
        self._ceilings: dict[str, str] = {}  # the words of the jobs that only measure ceilings

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self._stream.flush()

    def opening(self, plan: Plan, continued: Run | None) -> None:
        """Say what will run."""
        for line in opening_lines(plan, continued):
            self.say(line)

    def begin(
        self,
        jobs: Sequence[JobSpec],
        already: int,
        host: str = THIS_MACHINE,
        repeats: Sequence[JobSpec] = (),
        ceilings: Sequence[JobSpec] = (),
    ) -> None:
        """Take note of the jobs to come on a machine, which has a record of `already` more.

        `repeats` are the repeats of disturbed jobs that the machine still owes, and `ceilings` the
        jobs that only measure its ceilings.
        """
        estimate_s = self._estimate_s if host else self._estimate_here_s
        time_left = TimeLeft(jobs, estimate_s)
        self._tallies[host] = Tally(time_left, jobs, already, repeats, self._most, ceilings)
        self._ceilings |= {job.job_id: ceilings_name(job, self._outline) for job in ceilings}
        if host:
            self.say(f"{host} is ready: {counted(len(jobs), 'job')}")
        elif jobs or repeats:
            self.say(f"about {units.duration(self.left_s)} to go")

    def show(self, event: Event) -> None:
        """Show what happened: a record becomes a line."""
        if event.host not in self._tallies:
            self.begin((), 0, event.host)
        self._tallies[event.host].take(event)
        machine = f"{event.host}: " if event.host else ""
        if event.record is not None and event.record.only_ceilings:
            words = ceilings_words(event.record, self._outline)
            self.say(f"{machine}{words}  ({self._left})")
        elif event.record is not None:
            words = outcome_words(event.record, self._outline.scored)
            if repeat_of(event.record, self._most):
                timed = self._asked_left_s() is not None
                when = "if there is time" if timed else "after the others"
                words += f" (it runs again {when})"
            self.say(f"{self._counts} {machine}{event.job_id}  {words}  ({self._left})")

    @property
    def _counts(self) -> str:
        """The jobs of all machines that have a record, and the repeats of disturbed jobs."""
        tallies = self._tallies.values()
        counts = f"{sum(t.finished for t in tallies)}/{sum(t.total for t in tallies)}"
        repeats, ended = sum(t.repeats for t in tallies), sum(t.repeats_ended for t in tallies)
        added = sum(t.added for t in tallies)
        more = f", repeats {ended}/{repeats}" if repeats else ""
        return f"[{counts}{more}{f', {added} more' if added else ''}]"

    @property
    def _left(self) -> str:
        """The time left in words, and the part of it that repeats of disturbed jobs take."""
        words = f"about {units.duration(self.left_s)} left"
        if self._asked_left_s() is not None:  # the time is given, and repeats have no claim on it
            return words
        repeats_s = max((t.repeats_left_s for t in self._tallies.values()), default=0.0)
        return words + (f", {units.duration(repeats_s)} for repeats" if repeats_s else "")

    @property
    def left_s(self) -> float:
        """Seconds until the last machine is done: the machines work side by side.

        If minutes were asked for, what is left of them counts, or the running job if it is longer.
        """
        tallies, asked_s = self._tallies.values(), self._asked_left_s()
        if asked_s is None:
            return max((tally.left_s for tally in tallies), default=0.0)
        return max((asked_s, *(tally.running_left_s for tally in tallies)))

    def say(self, line: str) -> None:
        """Print a line."""
        self._print(printable(self._spoken(line)))

    def _print(self, line: str) -> None:
        print(line, file=self._stream, flush=True)


class LiveProgress(Progress):
    """The same lines above a bar for each machine, with the job that it runs."""

    def __init__(
        self,
        stream: TextIO,
        workload: Workload,
        spoken: Callable[[str], str] = str,
        repeat_disturbed: int = 0,
        left_s: Callable[[], float | None] = lambda: None,
        estimate_s: Estimate | None = None,
    ) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, TextColumn
        from rich.progress import Progress as Bars
        from rich.table import Column

        super().__init__(stream, workload, spoken, repeat_disturbed, left_s, estimate_s)
        wide = Column(overflow="fold", no_wrap=False)
        self._bars = Bars(
            TextColumn("{task.description}", markup=False),
            BarColumn(bar_width=20),
            MofNCompleteColumn(),
            TextColumn("{task.fields[now]}", markup=False, table_column=wide),
            console=Console(file=stream, width=_width_of(stream)),
            auto_refresh=False,  # a drawing thread would disturb the job
            transient=True,  # the lines above hold what the bars say in the end
        )
        self._by_host: dict[str, TaskID] = {}
        self._drawn_s = 0.0

    def __exit__(self, *exception: object) -> None:
        self._bars.stop()
        super().__exit__()

    def begin(
        self,
        jobs: Sequence[JobSpec],
        already: int,
        host: str = THIS_MACHINE,
        repeats: Sequence[JobSpec] = (),
        ceilings: Sequence[JobSpec] = (),
    ) -> None:
        """Add the bar of a machine."""
        super().begin(jobs, already, host, repeats, ceilings)
        if host in self._by_host:
            self._bars.remove_task(self._by_host[host])
        total = len(jobs) + already
        name = printable(host) or "this machine"
        self._by_host[host] = self._bars.add_task(name, total=total, completed=already, now="")
        self._bars.start()
        self._draw()

    def show(self, event: Event) -> None:
        """Show what happened in the bar of its machine."""
        super().show(event)
        tally = self._tallies[event.host]
        now = f"about {units.duration(tally.left_s)} left"
        if event.job_id in self._ceilings and event.record is None:
            now = self._ceilings[event.job_id]
        elif event.kind == "started":
            now = f"{event.job_id}: starting"
        elif event.kind == "progress":
            now = f"{event.job_id}: {epoch_words(event.detail, self._outline)}"
        bar = self._by_host[event.host]
        self._bars.update(
            bar,
            completed=tally.finished + tally.repeats_ended,
            total=tally.total + tally.repeats,
            now=printable(now),
        )
        if event.kind != "progress" or time.monotonic() - self._drawn_s >= REDRAW_S:
            self._draw()

    def _draw(self) -> None:
        """Draw the first bars of machines that have jobs left."""
        self._drawn_s = time.monotonic()
        unfinished = [task.id for task in self._bars.tasks if not task.finished][:BARS]
        for task in self._bars.tasks:
            self._bars.update(task.id, visible=task.id in unfinished)
        self._bars.refresh()

    def _print(self, line: str) -> None:
        self._bars.console.print(line, markup=False, highlight=False, soft_wrap=True)


def _width_of(stream: TextIO) -> int | None:
    """Return the width of a terminal if COLUMNS states an impossible one; else None."""
    stated = os.environ.get("COLUMNS", "")
    if not stated.isdigit() or int(stated) > 0:
        return None  # rich asks the terminal, or takes what is stated
    try:
        return os.get_terminal_size(stream.fileno()).columns or USUAL_WIDTH
    except OSError:
        return USUAL_WIDTH
