"""Writes each line of a run, of this machine or of a cluster's, and shows it once it is on disk."""

from __future__ import annotations

import threading
from collections.abc import Collection, Sequence

from bench.app.live.viewer import Viewer
from bench.app.progress import Progress
from bench.dispatch.events import Event
from bench.dispatch.transport import THIS_MACHINE
from bench.record.journal import Journal
from bench.record.lines import JobRecord, Line, MachineEntry, OutOfTime, RunHeader
from bench.spec.job import JobSpec


class Announcer:
    """Writes and shows one line at a time, to `viewer` too; several threads may use it."""

    def __init__(
        self,
        journal: Journal,
        header: RunHeader,
        progress: Progress,
        viewer: Viewer | None = None,
    ) -> None:
        self._journal, self._header, self._progress = journal, header, progress
        self._viewer = viewer or Viewer()
        self._lock = threading.Lock()

    def append(self, line: Line) -> None:
        """Write a line that is not shown."""
        with self._lock:
            self._journal.append(line)
            self._viewer.take(line)

    def take(self, line: JobRecord | MachineEntry | OutOfTime, host: str = THIS_MACHINE) -> None:
        """Write a line of the machine `host` and then show it."""
        self.append(line)
        if isinstance(line, MachineEntry):
            self.introduce(line)
        elif isinstance(line, OutOfTime):
            jobs = "1 job" if len(line.jobs) == 1 else f"{len(line.jobs)} jobs"
            where = f"{host}: " if host else ""
            self.say(f"{where}the time is over: {jobs} or repeats are left out")
        else:
            self.show(Event("record", line.job_id, record=line, host=host))

    def introduce(
        self,
        entry: MachineEntry,
        done: Collection[str] = (),
        repeats: Sequence[JobSpec] = (),
    ) -> None:
        """Show a machine with the jobs that it was given, except the `done` ones.

        `repeats` are the repeats of disturbed jobs that it still owes.
        """
        given = [job for job in self._header.jobs if job.job_id in set(entry.jobs)]
        left = [job for job in given if job.job_id not in done]
        with self._lock:
            if entry.reason:
                self._progress.say(f"note: {entry.label} is unavailable: {entry.reason}")
                return
            host = THIS_MACHINE if entry.own else entry.label
            self._progress.begin(left, len(given) - len(left), host, repeats)
            # the look at this machine was told when the user could still close programs
            if entry.look is not None and not entry.look.quiet and not entry.own:
                self._progress.say(f"note: {entry.label}: {entry.look.words}")

    def show(self, event: Event) -> None:
        """Show what is not written."""
        with self._lock:
            self._progress.show(event)
            left_s = None if event.kind == "progress" else self._progress.left_s
            self._viewer.show(event, left_s)

    def say(self, text: str) -> None:
        """Show a sentence."""
        with self._lock:
            self._progress.say(text)
