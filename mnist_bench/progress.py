"""Shows how a run gets on: a live table on a terminal, a line a job elsewhere."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Protocol, TextIO

from bench import units
from bench.dispatch import Event
from bench.record import JobRecord
from bench.spec import JobSpec
from bench.store import Run
from mnist_bench.estimate import TimeLeft

if TYPE_CHECKING:
    from mnist_bench.campaign import Plan


class Progress(Protocol):
    """What a campaign tells whoever watches; a context manager."""

    def __enter__(self) -> Progress: ...
    def __exit__(self, *exception: object) -> None: ...
    def opening(self, plan: Plan, taken_up: Run | None) -> None: ...
    def say(self, line: str) -> None: ...
    def begin(self, jobs: Sequence[JobSpec], already: int) -> None: ...
    def show(self, event: Event) -> None: ...


def make_progress(stream: TextIO) -> Progress:
    """Return the live table where `stream` is a terminal, else plain lines."""
    return LiveProgress(stream) if stream.isatty() else LineProgress(stream)


def opening_lines(plan: Plan, taken_up: Run | None) -> list[str]:
    """Return what a user should know before the first job."""
    lines = [
        f"grid {plan.grid}: {len(plan.jobs)} jobs on {plan.label}, {plan.threads} threads a job",
        f"data: {plan.dataset.name} ({plan.dataset.source})",
    ]
    if plan.dataset.note:
        lines.append(f"note: {plan.dataset.note}")
    if plan.dataset.tried:
        lines.append(f"tried: {plan.dataset.tried}")
    for reason, count in Counter(skip.reason for skip in plan.skipped).items():
        lines.append(f"skipped: {count} jobs: {reason}")
    if taken_up:
        lines.append(
            f"going on with {taken_up.path.name}: {len(taken_up.done)} jobs have a record "
            "(--fresh starts anew)"
        )
    return lines


def outcome_words(record: JobRecord) -> str:
    """Return one phrase for a record: its key figures, or why it failed."""
    if record.failure:
        first = next(iter(record.failure.message.splitlines()), "")[:160]
        # a message comes from a machine: no escape sequence of it may reach a terminal
        shown = "".join(c if c.isprintable() else "?" for c in first)
        return f"FAILED ({record.failure.reason}): {shown}"
    measurement = record.measurement
    assert measurement is not None
    final, last = measurement.final, measurement.epochs[-1]
    step_ms = None if last.step_median_s is None else last.step_median_s * 1000
    return (
        f"{units.seconds(final.total_s)} s, {units.seconds(last.wall_s)} s/epoch, "
        f"{units.significant(step_ms)} ms/step, test accuracy {final.test_accuracy:.4f}"
    )


class _Tally:
    """Counts jobs and keeps the time left."""

    def __init__(self, jobs: Sequence[JobSpec], already: int) -> None:
        self.total, self.finished = len(jobs) + already, already
        self.time_left = TimeLeft(jobs)
        self.running: str | None = None
        self._since = time.monotonic()

    def take(self, event: Event) -> None:
        if event.kind == "started":
            self.running, self._since = event.job_id, time.monotonic()
        elif event.kind == "record":
            self.time_left.finished(event.job_id, self.since_s)
            self.finished += 1
            self.running = None

    @property
    def since_s(self) -> float:
        return time.monotonic() - self._since

    @property
    def left_s(self) -> float:
        return self.time_left.seconds(self.running, self.since_s)


class LineProgress:
    """A line a job, for logs and pipes."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._tally = _Tally((), 0)

    def __enter__(self) -> LineProgress:
        return self

    def __exit__(self, *exception: object) -> None:
        self._stream.flush()

    def opening(self, plan: Plan, taken_up: Run | None) -> None:
        """Print what will run."""
        for line in opening_lines(plan, taken_up):
            self.say(line)

    def begin(self, jobs: Sequence[JobSpec], already: int) -> None:
        """Take note of the jobs to come."""
        self._tally = _Tally(jobs, already)
        if jobs:
            self.say(f"about {units.duration(self._tally.left_s)} to go")

    def show(self, event: Event) -> None:
        """Print a line for a record."""
        self._tally.take(event)
        if event.record is not None:
            tally = self._tally
            self.say(
                f"[{tally.finished}/{tally.total}] {event.job_id}  {outcome_words(event.record)}  "
                f"(about {units.duration(tally.left_s)} left)"
            )

    def say(self, line: str) -> None:
        """Print a line."""
        print(line, file=self._stream, flush=True)


class LiveProgress:
    """A live table: finished jobs with their figures, the running one with its epoch."""

    #: Rows of finished jobs that stay in view; older ones are counted.
    ROWS = 12

    def __init__(self, stream: TextIO) -> None:
        from rich.console import Console
        from rich.live import Live

        self._console = Console(file=stream)
        # redrawn on events alone, 1 a second at most: a drawing thread would disturb the job
        self._live = Live(console=self._console, auto_refresh=False, transient=False)
        self._tally = _Tally((), 0)
        self._rows: list[tuple[str, str, str]] = []
        self._now = ""
        self._drawn = 0.0

    def __enter__(self) -> LiveProgress:
        return self

    def __exit__(self, *exception: object) -> None:
        if self._live.is_started:
            self._draw()
            self._live.stop()

    def opening(self, plan: Plan, taken_up: Run | None) -> None:
        """Print what will run."""
        for line in opening_lines(plan, taken_up):
            self.say(line)

    def say(self, line: str) -> None:
        """Print a line above the table."""
        self._console.print(line, markup=False, highlight=False, soft_wrap=True)

    def begin(self, jobs: Sequence[JobSpec], already: int) -> None:
        """Take note of the jobs to come and open the table."""
        self._tally = _Tally(jobs, already)
        self._live.start()
        self._draw()

    def show(self, event: Event) -> None:
        """Redraw the table, for progress inside a job at most once a second."""
        self._tally.take(event)
        self._now = _epoch_words(event.detail) if event.kind == "progress" else "starting"
        if event.record is not None:
            mark = "failed" if event.record.failure else "done"
            self._rows.append((event.job_id, mark, outcome_words(event.record)))
        if event.kind != "progress" or time.monotonic() - self._drawn >= 1.0:
            self._draw()

    def _draw(self) -> None:
        self._drawn = time.monotonic()
        self._live.update(self._table(), refresh=True)

    def _table(self) -> Any:
        from rich.table import Table
        from rich.text import Text

        tally = self._tally
        title = f"{tally.finished} of {tally.total} jobs, about {units.duration(tally.left_s)} left"
        table = Table(title=title, title_justify="left", expand=False)
        for heading in ("job", "state", "figures"):
            table.add_column(heading, overflow="fold")
        hidden = len(self._rows) - self.ROWS
        if hidden > 0:
            table.add_row(f"({hidden} earlier)", "", "")
        for row in self._rows[-self.ROWS :]:
            table.add_row(*(Text(cell) for cell in row))
        if tally.running:
            table.add_row(Text(tally.running), "running", Text(self._now))
        return table


def _epoch_words(detail: Any) -> str:
    if detail.get("event") != "epoch":
        return "first epoch"
    return (
        f"epoch {detail['epoch']} of {detail['epochs']}, {units.seconds(detail['wall_s'])} s, "
        f"accuracy {detail['train_accuracy']:.4f}"
    )
