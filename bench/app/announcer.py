"""Writes each line of a run, of this machine or of a cluster's, and shows it once it is on disk.

If the disk takes no line (it is full, or can only be read), the run pauses: the line is kept in
memory, and is written as soon as that is possible.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Sequence

from bench.app.live.viewer import Viewer
from bench.app.out_folder import low_space
from bench.app.progress import Progress
from bench.dispatch.events import Event
from bench.dispatch.transport import THIS_MACHINE
from bench.errors import OutputError
from bench.record.journal import Journal
from bench.record.lines import JobRecord, Line, MachineEntry, OutOfTime, RunHeader
from bench.record.share import Share
from bench.spec.job import JobSpec
from bench.text import counted

#: Seconds between two tries to write a line.
AGAIN_S = 2.0


class Announcer:
    """Writes and shows one line at a time, to `viewer` too; several threads may use it.

    `may_wait` says whether a run whose disk takes no line may go on waiting for it.
    """

    def __init__(
        self,
        journal: Journal,
        header: RunHeader,
        progress: Progress,
        viewer: Viewer | None = None,
        may_wait: Callable[[], bool] = lambda: True,
    ) -> None:
        self._journal, self._header, self._progress = journal, header, progress
        self._viewer, self._may_wait = viewer or Viewer(), may_wait
        self._lock = threading.RLock()
        self._ended = threading.Event()
        self._unwritten: list[Line] = []
        self._low = False  # whether the user knows that space is low

    def append(self, line: Line) -> None:
        """Write a line that is not shown; wait for the disk if it takes none.

        Raises OutputError if the run ends or its time is over before the line is written.
        """
        with self._lock:
            self._unwritten.append(line)
            paused = False
            while True:
                try:
                    self._journal.append(line)
                    break
                except OutputError as error:
                    if self._ended.is_set() or not self._may_wait():
                        raise
                    if not paused:
                        self.say(_paused_words(error, line))
                    paused = True
                self._ended.wait(AGAIN_S)
            self._unwritten.remove(line)
            self._viewer.take(line)
            if paused:
                self.say("the disk takes results again: the run goes on")
            self.look_at_space()

    def end(self) -> None:
        """Wait for the disk no longer, and say which lines were not written."""
        self._ended.set()
        with self._lock:
            lost = [line for line in self._unwritten if isinstance(line, JobRecord)]
            if self._unwritten:
                jobs = ", ".join(f"{line.job_id} on {line.label}" for line in lost) or "none"
                self.say(
                    f"not written: {len(self._unwritten)} lines of {self._journal.path.name}; jobs "
                    f"that were measured and are lost: {jobs} (the same command measures them "
                    "again, or takes them from the cluster's head)"
                )
                self._unwritten.clear()

    def look_at_space(self) -> None:
        """Say once that the disk is nearly full; each line that is written looks too."""
        if not self._low and (words := low_space(self._journal.path.parent)):
            self._low = True
            self.say(words)

    def take(self, line: JobRecord | MachineEntry | OutOfTime, host: str = THIS_MACHINE) -> None:
        """Write a line of the machine `host` and then show it."""
        self.append(line)
        if isinstance(line, MachineEntry):
            self.introduce(line)
        elif isinstance(line, OutOfTime):
            jobs = counted(len(line.jobs), "job")
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
        ceilings = [job for job in entry.ceiling_jobs if job.job_id not in done]
        with self._lock:
            if entry.reason:
                self._progress.say(f"note: {entry.label} is unavailable: {entry.reason}")
                return
            host = THIS_MACHINE if entry.own else entry.label
            self._progress.begin(left, len(given) - len(left), host, repeats, ceilings)
            # the look at this machine was told when the user could still close programs
            if entry.look is not None and not entry.look.quiet and not entry.own:
                self._progress.say(f"note: {entry.label}: {entry.look.words}")

    def introduce_again(self, own: Share, now: MachineEntry, *, is_lost: bool) -> None:
        """Show this machine, whose share is `own`, in a run that goes on.

        Its line is written again if the first one is lost, or names other jobs for ceilings.
        """
        if is_lost or own.entry.ceiling_jobs != now.ceiling_jobs:
            self.append(now)
        entry = own.entry.model_copy(update={"ceiling_jobs": now.ceiling_jobs})
        self.introduce(entry, own.done | own.bare_done, own.repeats_due)

    def show(self, event: Event) -> None:
        """Show what is not written."""
        if event.kind == "note":
            self.say(event.detail["text"])
            return
        with self._lock:
            self._progress.show(event)
            left_s = None if event.kind == "progress" else self._progress.left_s
            self._viewer.show(event, left_s)

    def say(self, text: str) -> None:
        """Show a sentence."""
        with self._lock:
            self._progress.say(text)


def _paused_words(error: OutputError, line: Line) -> str:
    """Return that the run waits for the disk, and what the user can do."""
    kept = f"the record of {line.job_id}" if isinstance(line, JobRecord) else "a line"
    seen = "" if error.seen is None else f" ({error.seen})"
    return (
        f"paused: {error.what}{seen}; {kept} is kept in memory and written once that is possible "
        "(Ctrl-C ends the run without it)"
    )
