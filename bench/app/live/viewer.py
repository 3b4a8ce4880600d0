"""Who looks at a run while it goes on: the calls that a run makes, and a viewer that sees none."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING

from bench.dispatch.events import Event
from bench.record.job_states import Phase
from bench.record.lines import Line, RunHeader
from bench.record.run import Run

if TYPE_CHECKING:
    from bench.app.commands.report import Written


class Viewer:
    """A viewer that sees nothing; what shows a run overrides what it wants to see.

    A run calls it from the thread that measures, but `take` and `show` also from the thread that
    follows a cluster. No call may take long while a job runs, and none may raise.
    """

    def begin(self, header: RunHeader, continued: Run | None) -> None:
        """See that a run begins, or goes on as `continued`."""

    def take(self, line: Line) -> None:
        """See a line that was written to the journal."""

    def show(self, event: Event, left_s: float | None = None) -> None:
        """See an event; `left_s` are the seconds until the run is done, if they are known anew."""

    def enter(self, phase: Phase) -> None:
        """See that the run is doing something else now."""

    def between_jobs(self, read: Callable[[], Run]) -> None:
        """See that no job runs on this machine now, which may be used; `read` returns the run."""

    def reported(self, written: Written) -> None:
        """See that a report was written."""

    def wait(self, number: int, of: int, begins: datetime) -> None:
        """See that the sitting `number` of `of` begins at a time of day."""
