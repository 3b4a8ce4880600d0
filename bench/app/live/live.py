"""Shows a run while it goes on: keeps the states, makes figures between jobs, and serves both."""

from __future__ import annotations

import contextlib
import secrets
import time
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Self

from bench.app.live.board import Board
from bench.app.live.figures import Figures
from bench.app.live.server import Answer, LiveServer
from bench.app.live.viewer import Viewer
from bench.child.workload import Workload
from bench.dispatch.events import Event
from bench.record.job_states import Phase
from bench.record.lines import JobRecord, Line, RunHeader
from bench.record.run import Run
from bench.report.annex import title_of
from bench.report.page.build import bare_html, summary_html
from bench.report.page.live import STATES, Served, states_json
from bench.report.words.phrasebook import phrasebook
from bench.spec.request import USUAL_FORM, ReportForm
from bench.text import type_and_line

if TYPE_CHECKING:
    from bench.app.commands.report import Written
    from bench.report.column import Report

#: Seconds between two questions of a page. Answering one takes about a thousandth of a second.
POLL_S = 5.0

#: Making figures takes at most this share of the run's time: what it took sets the pause after it.
FIGURES_SHARE = 0.05

#: Questions of a page that may be missing before the page counts as closed.
MISSED = 3

#: The name of the page in the folder of the results.
PAGE = "summary.html"


class Live(Viewer):
    """A context manager that serves the page of a run on `port`; 0 is any free port.

    Figures are made only between jobs, only if a page is open, and only for a small share of the
    time. At its end it waits until the open pages have the report, `MISSED` questions at most.
    Raises RequestError if the port is unavailable.
    """

    def __init__(
        self,
        workload: Workload,
        out: Path,
        port: int = 0,
        *,
        poll_s: float = POLL_S,
        form: ReportForm = USUAL_FORM,
    ) -> None:
        self._workload, self._out, self._poll_s = workload, out, poll_s
        self._form = form
        self._session = secrets.token_hex(8)
        description = workload.description
        own_words = description.translations.get(form.language)
        book = phrasebook(form.language, own_words, more="_page")
        self._board = Board(self._session, description.outline, book)
        self._figures: Figures | None = None
        self._made_of, self._made, self._next_s = 0, 0, 0.0
        self._records = 0  # of this run, in its journal
        self._written: Path | None = None
        title = title_of(description.outline, form.language, own_words)
        self._page = bare_html(title, self._served()).encode()
        answers = {
            "/": Answer("text/html; charset=utf-8", lambda: self._page, is_page=True),
            f"/{STATES}": Answer(
                "application/json", lambda: states_json(self._board.snapshot(), form.language)
            ),
        }
        self._server = LiveServer(answers, port)

    @property
    def url(self) -> str:
        """The address of the page."""
        return self._server.url

    @property
    def port(self) -> int:
        """The port of the page."""
        return self._server.port

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *exception: object) -> None:
        with contextlib.suppress(KeyboardInterrupt):  # the run is over, and so has its exit code
            if kind is None:
                self._show_the_end()
        self._server.close()

    def begin(self, header: RunHeader, continued: Run | None) -> None:
        """Show a run that begins, or goes on."""
        self._figures = None
        self._records = 0 if continued is None else len(continued.records)
        self._made_of = 0
        self._board.begin(header, continued)

    def take(self, line: Line) -> None:
        """Show a line of the journal."""
        self._records += isinstance(line, JobRecord) and not line.only_ceilings
        self._board.take(line)

    def show(self, event: Event, left_s: float | None = None) -> None:
        """Show an event."""
        self._board.show(event, left_s)

    def enter(self, phase: Phase) -> None:
        """Show what the run does now."""
        self._board.enter(phase)

    def between_jobs(self, read: Callable[[], Run]) -> None:
        """Make the figures of the run that `read` returns, if that is wanted and cheap enough."""
        began_s = time.monotonic()
        if self._records == self._made_of or began_s < self._next_s:
            return
        if not (self._is_watched and self._board.goes_on):
            return

        def report() -> Report:
            run = read()
            self._figures = self._figures or Figures(
                self._workload, self._out, run.path, self._form
            )
            return self._figures.report(run)

        self._make(report)
        ended_s = time.monotonic()
        self._next_s = ended_s + (ended_s - began_s) / FIGURES_SHARE

    def reported(self, written: Written) -> None:
        """Show the report that was written; the next sitting of a series may follow it."""
        self._written = written.path.with_name(PAGE)
        self._make(lambda: written.report)

    def wait(self, number: int, of: int, begins: datetime) -> None:
        """Show when the next sitting begins."""
        self._board.wait(number, of, f"{begins.astimezone():%Y-%m-%d %H:%M}")

    @property
    def _is_watched(self) -> bool:
        return self._server.viewers(MISSED * self._poll_s) > 0

    def _served(self) -> Served:
        path = str(self._out / PAGE)
        return Served(self._session, path, self._poll_s, self._made, self._form.language)

    def _make(self, made: Callable[[], Report]) -> None:
        """Put the page of a report in the place of the page before."""
        self._made += 1
        self._made_of = self._records
        try:
            report = made()
            assert report.page is not None, "the report of results has a page"
            page = summary_html(report, report.page, {}, self._served())
        except Exception as error:  # whatever it is, the run goes on
            self._board.trouble(type_and_line(error))
            return
        self._page = page.encode(errors="backslashreplace")
        self._board.figures(self._made, self._made_of)

    def _show_the_end(self) -> None:
        """Let the written report be the page, and wait until the open pages have it."""
        final = _read(self._written)
        if final is None:
            return
        self._page = final
        self._board.end(report=True)
        ends_s = time.monotonic() + MISSED * self._poll_s
        while time.monotonic() < ends_s:
            viewers = self._server.viewers(MISSED * self._poll_s)
            if self._server.answered(self._page) >= viewers:
                return
            time.sleep(0.05)


def _read(path: Path | None) -> bytes | None:
    """Return what a file holds; None if there is none."""
    try:
        return None if path is None else path.read_bytes()
    except OSError:
        return None
