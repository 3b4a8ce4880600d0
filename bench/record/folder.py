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
    """Return the newest run of the same request if something of it is left to do, else None.

    If a place in a series is given, only the run that has this place counts. With a cluster, a run
    is not finished either if jobs of a cluster's share are due.
    """
    journals = list(journals)
    for path, header in reversed(begun(journals)):
        in_place = series is None or header.series == series
        if in_place and header.request_digest == request_digest:
            run = read_run(path, run_id=header.run_id)
            due = with_cluster and run.is_cluster_due
            return run if due or not is_over(run, journals) else None
    return None


def is_over(run: Run, journals: Iterable[Path]) -> bool:
    """Return whether the same command has nothing to do for a run.

    A reported run is also over if only jobs are left that failed for the same reason in the run of
    the same request before it: a job that always fails must not keep each run open. Ceilings that
    are due keep a run open, because each of them is tried once.
    """
    if run.finished or not run.is_reported or run.are_ceilings_due:
        return run.finished
    header, number = run.header, run.header.number or 0
    for path, other in reversed(begun(journals)):
        if other.request_digest == header.request_digest and (other.number or 0) < number:
            try:
                before = read_run(path, run_id=other.run_id).own
            except StoreError:
                return False
            return before is not None and run.misses_only(before.failures)
    return False
