"""The runs of a folder in the order in which they were begun, and the one to go on with."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from bench.errors import StoreError
from bench.record.journal import read_header, read_run
from bench.record.lines import RunHeader, SeriesPlace
from bench.record.run import Run


def begun(journals: Iterable[Path]) -> list[tuple[Path, RunHeader]]:
    """Return the readable journals with their headers, the first run first.

    The numbers of the runs decide, because a clock may be set back. Before schema 3, runs had none:
    they come first, in the order of their names.
    """
    found = []
    for path in journals:
        try:
            found.append((path, read_header(path)))
        except StoreError:
            continue
    return sorted(found, key=lambda one: (one[1].number or 0, one[0].name))


def next_number(journals: Iterable[Path]) -> int:
    """Return the number of a new run."""
    return 1 + max((header.number or 0 for _, header in begun(journals)), default=0)


def unfinished(
    journals: Iterable[Path],
    request_digest: str,
    series: SeriesPlace | None = None,
    *,
    with_cluster: bool = False,
) -> Run | None:
    """Return the newest run of the same request if it is not finished, else None.

    If a place in a series is given, only the run that has this place counts. With a cluster, a run
    is not finished either if jobs of a cluster's share are due.
    """
    for path, header in reversed(begun(journals)):
        in_place = series is None or header.series == series
        if in_place and header.request_digest == request_digest:
            run = read_run(path, run_id=header.run_id)
            goes_on = not run.finished or (with_cluster and run.is_cluster_due)
            return run if goes_on else None
    return None
