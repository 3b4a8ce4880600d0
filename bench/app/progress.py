"""Shows how a run gets on: a live table on a terminal, a line a job elsewhere."""

from __future__ import annotations

import os
import time
from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Protocol, TextIO

from bench import units
from bench.dispatch.events import Event
from bench.record.lines import JobRecord
from bench.record.run import Run
from bench.spec.job import JobSpec
from mnist_bench.estimate import TimeLeft

if TYPE_CHECKING:
    from bench.app.plan import Plan


class Progress(Protocol):
    """What a campaign tells whoever watches; a context manager."""

    def __enter__(self) -> Progress: ...
    def __exit__(self, *exception: object) -> None: ...
    def opening(self, plan: Plan, taken_up: Run | None) -> None: ...
    def say(self, line: str) -> None: ...
    def begin(self, jobs: Sequence[JobSpec], already: int, host: str = "") -> None: ...
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
        return f"FAILED ({record.failure.reason}): {_printable(first)}"
    measurement = record.measurement
    assert measurement is not None
    final, last = measurement.final, measurement.epochs[-1]
    step_ms = None if last.step_median_s is None else last.step_median_s * 1000
    return (
        f"{units.seconds(final.total_s)} s, {units.seconds(last.wall_s)} s/epoch, "
        f"{units.significant(step_ms)} ms/step, test accuracy {final.test_accuracy:.4f}"
    )


def _printable(words: str) -> str:
    """Words come from machines too: no escape sequence of theirs may reach a terminal."""
    return "".join(c if c.isprintable() else "?" for c in words)


class _Tally:
    """Counts the jobs of one machine and keeps its time left."""

    def __init__(self, jobs: Sequence[JobSpec], already: int) -> None:
        self.total, self.finished = len(jobs) + already, already
        self.time_left = TimeLeft(jobs)
        self.running: str | None = None
        self.now = ""  # what the running job is at
        self._since = time.monotonic()

    def take(self, event: Event) -> None:
        if event.kind == "started":
            self.running, self._since, self.now = event.job_id, time.monotonic(), "starting"
        elif event.kind == "progress":
            self.now = _epoch_words(event.detail)
        elif event.kind == "record":
            measured = event.record is not None and event.record.measurement is not None
            self.time_left.finished(event.job_id, self.since_s if measured else None)
            self.finished += 1
            self.running = None

    @property
    def since_s(self) -> float:
        return time.monotonic() - self._since

    @property
    def left_s(self) -> float:
        return self.time_left.seconds(self.running, self.since_s)


class _Tallies:
    """The machines of a run side by side; the empty name stands for this machine."""

    def __init__(self) -> None:
        self.by_host: dict[str, _Tally] = {}

    def begin(self, jobs: Sequence[JobSpec], already: int, host: str) -> None:
        self.by_host[host] = _Tally(jobs, already)

    def take(self, event: Event) -> None:
        self.by_host.setdefault(event.host, _Tally((), 0)).take(event)

    @property
    def total(self) -> int:
        return sum(tally.total for tally in self.by_host.values())

    @property
    def finished(self) -> int:
        return sum(tally.finished for tally in self.by_host.values())

    @property
    def left_s(self) -> float:
        """Seconds until the last machine is done: they work side by side."""
        return max((tally.left_s for tally in self.by_host.values()), default=0.0)


class LineProgress:
    """A line a job, for logs and pipes."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._tallies = _Tallies()

    def __enter__(self) -> LineProgress:
        return self

    def __exit__(self, *exception: object) -> None:
        self._stream.flush()

    def opening(self, plan: Plan, taken_up: Run | None) -> None:
        """Print what will run."""
        for line in opening_lines(plan, taken_up):
            self.say(line)

    def begin(self, jobs: Sequence[JobSpec], already: int, host: str = "") -> None:
        """Take note of the jobs to come on this machine, or on a host of the cluster."""
        self._tallies.begin(jobs, already, host)
        if host:
            self.say(f"{host} is ready: {len(jobs)} jobs")
        elif jobs:
            self.say(f"about {units.duration(self._tallies.left_s)} to go")

    def show(self, event: Event) -> None:
        """Print a line for a record."""
        self._tallies.take(event)
        if event.record is not None:
            tallies, where = self._tallies, f"{event.host}: " if event.host else ""
            self.say(
                f"[{tallies.finished}/{tallies.total}] {where}{event.job_id}  "
                f"{outcome_words(event.record)}  "
                f"(about {units.duration(tallies.left_s)} left)"
            )

    def say(self, line: str) -> None:
        """Print a line; where its reader has gone (head, less) the measuring goes on unseen."""
        try:
            print(_printable(line), file=self._stream, flush=True)
        except BrokenPipeError:
            os.dup2(os.open(os.devnull, os.O_WRONLY), self._stream.fileno())


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
        self._tallies = _Tallies()
        self._rows: list[tuple[str, str, str, str]] = []
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
        self._console.print(_printable(line), markup=False, highlight=False, soft_wrap=True)

    def begin(self, jobs: Sequence[JobSpec], already: int, host: str = "") -> None:
        """Take note of the jobs to come and open the table."""
        self._tallies.begin(jobs, already, host)
        self._live.start()
        self._draw()

    def show(self, event: Event) -> None:
        """Redraw the table, for progress inside a job at most once a second."""
        self._tallies.take(event)
        if event.record is not None:
            mark = "failed" if event.record.failure else "done"
            self._rows.append((event.host, event.job_id, mark, outcome_words(event.record)))
        if event.kind != "progress" or time.monotonic() - self._drawn >= 1.0:
            self._draw()

    def _draw(self) -> None:
        self._drawn = time.monotonic()
        self._live.update(self._table(), refresh=True)

    def _table(self) -> Any:
        from rich.table import Table
        from rich.text import Text

        tallies = self._tallies
        left = f"about {units.duration(tallies.left_s)} left"
        title = f"{tallies.finished} of {tallies.total} jobs, {left}"
        table = Table(title=title, title_justify="left", expand=False)
        several = any(tallies.by_host)  # a host has a name, this machine alone has none
        for heading in (*(("machine",) if several else ()), "job", "state", "figures"):
            table.add_column(heading, overflow="fold")

        def add(host: str, *cells: str) -> None:
            shown = ((host or "this one"), *cells) if several else cells
            table.add_row(*(Text(_printable(cell)) for cell in shown))

        hidden = len(self._rows) - self.ROWS
        if hidden > 0:
            add(" ", f"({hidden} earlier)", "", "")
        for row in self._rows[-self.ROWS :]:
            add(*row)
        running = [(host, one) for host, one in tallies.by_host.items() if one.running]
        for host, tally in running[: self.ROWS]:
            add(host, tally.running, "running", tally.now)
        if len(running) > self.ROWS:
            add(" ", f"({len(running) - self.ROWS} more running)", "", "")
        return table


def _epoch_words(detail: Any) -> str:
    if detail.get("event") != "epoch":
        return "first epoch"
    return (
        f"epoch {detail['epoch']} of {detail['epochs']}, {units.seconds(detail['wall_s'])} s, "
        f"accuracy {detail['train_accuracy']:.4f}"
    )
