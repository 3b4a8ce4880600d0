"""A series of sittings as the journals of a folder hold it: what is measured, what is missing."""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from bench.errors import StoreError
from bench.record.journal import read_run
from bench.record.lines import SeriesPlace
from bench.record.run import Run


@dataclass(frozen=True)
class Series:
    """Some sittings that one command asked for.

    `begun` is the number of the last sitting that has a journal, 0 if there is none. `complete`
    says whether that sitting has all its records, and `ended_at` when its last record ended.
    """

    series_id: str
    of: int
    begun: int = 0
    complete: bool = True
    ended_at: datetime | None = None

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
        return SeriesPlace(series_id=self.series_id, number=number, of=self.of)


def new_series(sittings: int) -> Series:
    """Return a series without a sitting yet."""
    return Series(secrets.token_hex(4), sittings)


def find_series(journals: Iterable[Path], request_digest: str, sittings: int) -> Series:
    """Return the newest series of the same request and as many sittings, if some are missing.

    Otherwise, return a new series. An unreadable journal is skipped.
    """
    for path in sorted(journals, reverse=True):
        try:
            run = read_run(path)
        except StoreError:
            continue
        place = run.header.series
        same = run.header.request_digest == request_digest
        if same and place is not None and place.of == sittings:
            found = Series(place.series_id, sittings, place.number, run.complete, _ended_at(run))
            return found if found.left else new_series(sittings)
    return new_series(sittings)


def _ended_at(run: Run) -> datetime:
    """Return when the last record of a run ended, or else when the run began."""
    ends = (record.ended_at for record in run.records)
    return max(map(datetime.fromisoformat, (run.header.started_at, *ends)))
