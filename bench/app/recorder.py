"""Where the lines of a run go, whichever machine they come from: journal first, then progress."""

from __future__ import annotations

import threading
from collections.abc import Collection

from bench.app.progress import Progress
from bench.dispatch.events import Event
from bench.record.journal import Journal
from bench.record.lines import JobRecord, MachineEntry, RunHeader, SiteEntry


class Recorder:
    """Writes and shows one line at a time; may be used by several threads."""

    def __init__(self, journal: Journal, header: RunHeader, progress: Progress) -> None:
        self._journal, self._header, self._progress = journal, header, progress
        self._lock = threading.Lock()

    def append(self, entry: JobRecord | MachineEntry | SiteEntry) -> None:
        """Write a line that nobody needs to see."""
        with self._lock:
            self._journal.append(entry)

    def take(self, entry: JobRecord | MachineEntry) -> None:
        """Write a line and then show it: it is on disk before it is announced."""
        self.append(entry)
        if isinstance(entry, MachineEntry):
            self.introduce(entry)
        else:
            self.show(Event("record", entry.job_id, record=entry, host=self._host(entry.label)))

    def introduce(self, entry: MachineEntry, done: Collection[str] = ()) -> None:
        """Show a machine of the cluster with the jobs that it was given, less those `done`."""
        wanted = [*self._header.jobs, *(skip.job for skip in self._header.skipped)]
        ids = set(entry.jobs or ())
        with self._lock:
            if entry.reason:
                self._progress.say(f"note: no {entry.label}: {entry.reason}")
            else:
                left = [job for job in wanted if job.job_id in ids.difference(done)]
                self._progress.begin(left, already=len(ids) - len(left), host=entry.label)
                if entry.look is not None and not entry.look.quiet:
                    self._progress.say(f"note: {entry.label}: {entry.look.words}")

    def show(self, event: Event) -> None:
        """Show what is not written."""
        with self._lock:
            self._progress.show(event)

    def _host(self, label: str) -> str:
        return "" if label == self._header.label else label
