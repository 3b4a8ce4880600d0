"""A series of sittings as the journals of a folder hold it: what is measured, what is missing."""

from __future__ import annotations

import contextlib
import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from bench.errors import StoreError
from bench.record.folder import begun, is_over
from bench.record.journal import read_run, read_runs
from bench.record.lines import SeriesPlace
from bench.record.run import Run
from bench.spec.request import SeriesRequest


@dataclass(frozen=True)
class Series:
    """Some sittings that one command asked for.

    `begun` is the number of the last sitting that has a journal, 0 if there is none. `complete`
    says whether that sitting has all its records and its report, and `ended_at` when its last
    record ended. If a `precision` was asked for, the `first` sittings decide how many there are in
    all.
    """

    series_id: str
    of: int
    begun: int = 0
    complete: bool = True
    ended_at: datetime | None = None
    precision: float | None = None
    first: int | None = None

    @property
    def measured(self) -> int:
        """How many sittings are done."""
        return self.begun if self.complete else self.begun - 1

    @property
    def left(self) -> tuple[int, ...]:
        """The numbers of the sittings that are to be measured; a sitting that was cut off first."""
        return tuple(range(self.measured + 1, self.of + 1))

    def place(self, number: int) -> SeriesPlace:
        """Return what the header of a sitting's run says of the series."""
        return SeriesPlace(
            series_id=self.series_id,
            number=number,
            of=self.of,
            precision=self.precision,
            first=self.first,
        )

    @property
    def undecided(self) -> bool:
        """Whether a precision was asked for and no second stage was begun."""
        return self.precision is not None and self.of == self.first


def new_series(asked: SeriesRequest) -> Series:
    """Return a series without a sitting yet."""
    first = None if asked.precision is None else asked.sittings
    return Series(secrets.token_hex(4), asked.sittings, precision=asked.precision, first=first)


def find_series(journals: Iterable[Path], request_digest: str, asked: SeriesRequest) -> Series:
    """Return the newest series of the same request, if some sittings are missing.

    A series is the same if it has as many sittings or, if a precision is asked for, the same one
    and as many sittings in its first stage. After a first stage alone, the second one may be
    missing. Otherwise, return a new series. An unreadable journal is skipped.
    """
    journals = list(journals)
    for path, header in reversed(begun(journals)):
        place = header.series
        same = header.request_digest == request_digest
        if same and place is not None and _is_asked(place, asked):
            run = read_run(path, run_id=header.run_id)
            found = Series(
                place.series_id,
                place.of,
                place.number,
                is_over(run, journals),
                _ended_at(run),
                place.precision,
                place.first,
            )
            return found if found.left or found.undecided else new_series(asked)
    return new_series(asked)


def runs_of_series(journals: Iterable[Path], series_id: str) -> list[Run]:
    """Return the readable runs of a series, the first sitting first."""
    runs: list[Run] = []
    for path in journals:
        with contextlib.suppress(StoreError):
            runs += read_runs(path)
    places = [(run.header.series, run) for run in runs]
    own = [(at.number, run) for at, run in places if at is not None and at.series_id == series_id]
    return [run for _, run in sorted(own, key=lambda one: one[0])]


def _is_asked(place: SeriesPlace, asked: SeriesRequest) -> bool:
    if asked.precision is None:
        return place.precision is None and place.of == asked.sittings
    return (place.precision, place.first) == (asked.precision, asked.sittings)


def _ended_at(run: Run) -> datetime:
    """Return when the last record of a run ended, or else when the run began."""
    ends = (record.ended_at for record in run.records)
    return max(map(datetime.fromisoformat, (run.header.started_at, *ends)))
