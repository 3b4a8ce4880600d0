"""A run in several sittings: one after the other, with a pause between them."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from bench import stops, units
from bench.app.live.viewer import Viewer
from bench.app.out_folder import journals_in
from bench.app.series import Series, find_series
from bench.clock import since_boot_s
from bench.dispatch.budget import Budget
from bench.record.journal import find_journals
from bench.record.lines import SeriesPlace
from bench.spec.request import MeasureLimits, RunRequest, SeriesRequest
from bench.text import printable

#: The name of the report in the folder of the results.
REPORT = "summary.md"

#: Seconds between two looks at the clock while the program waits. A computer that slept meanwhile
#: goes on soon after it wakes up.
LOOK_S = 1.0


@dataclass(frozen=True)
class Turn:
    """What one sitting may take, and its place in a series; `last` if no sitting follows it."""

    limits: MeasureLimits = field(default_factory=MeasureLimits)
    budget: Budget | None = None
    place: SeriesPlace | None = None
    last: bool = True


@dataclass(frozen=True)
class SittingEnd:
    """How a sitting ended: its exit code, and whether a cluster is still at work for it."""

    code: int
    cluster_goes_on: bool = False


@dataclass(frozen=True)
class Rest:
    """The second stage of a series: how many sittings it has in all, and how many of them fit.

    `usd` is what is left of the limit in dollars; None if there is no such limit. `closing` says
    what the sittings that fit bring.
    """

    of: int
    most: int
    usd: float | None = None
    closing: str = ""


#: Plans the second stage of the series with an id, and says what it takes. The figures are the
#: seconds that are left of the limit of time, and the seconds that have passed. None: nothing was
#: measured.
SecondStage = Callable[[str, float | None, float], Rest | None]


def execute(
    request: RunRequest,
    asked: SeriesRequest,
    request_digest: str,
    measure: Callable[[Turn], SittingEnd],
    second_stage: SecondStage | None = None,
    viewer: Viewer | None = None,
) -> int:
    """Measure the sittings that are missing; return the exit code.

    Each sitting is measured by `measure`, which writes the report. The limits of `request` are
    limits of the whole series. `second_stage` plans the rest of a series with a precision. `viewer`
    sees the pauses.
    """
    journals = [] if request.fresh else find_journals(journals_in(request.out))
    series = find_series(journals, request_digest, asked)
    if series.begun:
        print(f"going on with a series: {_measured(series)} (--fresh starts a new one)")
    return _Sittings(request, asked, series, measure, second_stage, viewer or Viewer()).run()


class _Sittings:
    """The sittings of one call of the command."""

    def __init__(
        self,
        request: RunRequest,
        asked: SeriesRequest,
        series: Series,
        measure: Callable[[Turn], SittingEnd],
        second_stage: SecondStage | None,
        viewer: Viewer,
    ) -> None:
        self._request, self._asked, self._series = request, asked, series
        self._viewer = viewer
        self._measure, self._second_stage = measure, second_stage
        self._began_s, self._most = time.monotonic(), series.of
        self._usd = request.limits.max_usd
        self._budget = Budget(request.limits.max_s)
        self._code = 0

    def run(self) -> int:
        """Measure one sitting after the other until all are done or something ends the series."""
        try:
            return self._run()
        except KeyboardInterrupt:  # between two sittings; a sitting answers its own
            if not self._series.begun:
                raise
            self._say_end("interrupted")
            return stops.INTERRUPTED

    def _run(self) -> int:
        undecided = self._series.undecided
        ended = self._run_stage()
        if ended is None and undecided and self._second_stage is not None:
            stage = self._second_stage(self._series.series_id, *self._left())
            if stage is None:  # nothing was measured
                return 1
            self._series = replace(self._series, of=stage.of)
            self._most, self._usd = stage.most, stage.usd
            ended = self._run_stage()
            if ended is None and stage.closing:
                print(stage.closing)
            if ended is None and stage.most < stage.of:
                self._say_end("the limit is too low for the wanted precision")
                return 1
        if ended is not None:
            return ended
        print(_measured(self._series))
        return self._code

    def _left(self) -> tuple[float | None, float]:
        """Return the seconds that are left of the limit of time, and the seconds that passed."""
        return self._budget.left_s, time.monotonic() - self._began_s

    def _run_stage(self) -> int | None:
        """Measure the sittings that are left; return the exit code if something ends the series."""
        usd = self._usd_each()
        for number in self._series.left:
            if number > self._most:
                return None
            if not self._wait_for(number):
                return 1
            sat = self._sit(number, usd)
            if sat.code == stops.INTERRUPTED:
                if number < self._series.of:
                    print("the same command measures the sittings that are missing")
                return stops.INTERRUPTED
            self._code = max(self._code, sat.code)
            if sat.cluster_goes_on and number < self._series.of:
                self._say_end("a cluster is still at work for this sitting")
                return 1
        return None

    def _usd_each(self) -> float | None:
        """Return what the cluster may cost in each sitting that is left."""
        left = [number for number in self._series.left if number <= self._most]
        return None if self._usd is None else self._usd / max(1, len(left))

    def _sit(self, number: int, usd: float | None) -> SittingEnd:
        print(f"\nsitting {number} of {self._series.of}", flush=True)
        turn = Turn(
            limits=MeasureLimits(self._budget.left_s, usd),
            budget=self._budget,
            place=self._series.place(number),
            last=number == min(self._series.of, self._most) and not self._series.undecided,
        )
        sat = self._measure(turn)
        self._series = replace(
            self._series, begun=number, complete=True, ended_at=datetime.now(UTC)
        )
        return sat

    def _wait_for(self, number: int) -> bool:
        """Wait until it is time for a sitting; return False if the limit of time comes first.

        A sitting that was cut off goes on at once.
        """
        stops.check()
        if not (self._series.begun and self._series.complete):
            return True
        assert self._series.ended_at is not None, "a sitting that was begun has a time"
        gap = timedelta(seconds=self._asked.gap_s)
        now = datetime.now(UTC)
        begins = min(self._series.ended_at, now) + gap  # a clock that was set back cannot block
        wait_s = max(0.0, (begins - now).total_seconds())
        if self._budget.left_s is not None and self._budget.left_s <= wait_s:
            self._say_end(
                f"the limit of {(self._request.limits.max_s or 0) / 60:g} minutes leaves no time "
                f"for sitting {number}"
            )
            return False
        if wait_s:
            self._viewer.wait(number, self._series.of, begins)
            print(
                f"\nwaiting {units.duration(wait_s)}: sitting {number} of {self._series.of} begins "
                f"at {time_of_day(begins, now)} (Ctrl-C ends; the same command goes on)",
                flush=True,
            )
            _wait(wait_s)
        return True

    def _say_end(self, why: str) -> None:
        print(f"{why}: {_measured(self._series)}, and the same command measures the rest")
        print(printable(f"report:  {self._request.out / REPORT}"))


def _measured(series: Series) -> str:
    verb = "is" if series.measured == 1 else "are"
    return f"{series.measured} of {series.of} sittings {verb} measured"


def time_of_day(at: datetime, now: datetime) -> str:
    """Return the local time of `at`, with the date if it is another day."""
    local, today = at.astimezone(), now.astimezone().date()
    return f"{local:%H:%M:%S}" if local.date() == today else f"{local:%Y-%m-%d %H:%M:%S}"


def _wait(seconds: float) -> None:
    """Wait, also if the computer sleeps meanwhile; a clock that is set changes nothing.

    A signal that arrived before ends the wait too: the program may only have counted it.
    """
    ends_s = since_boot_s() + seconds
    while (left_s := ends_s - since_boot_s()) > 0:
        stops.check()
        time.sleep(min(LOOK_S, left_s))
