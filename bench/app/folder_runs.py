"""The runs of one report: every readable journal of a folder that measured the same workload."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.analysis.workload import why_foreign
from bench.errors import StoreError
from bench.record.journal import read_runs
from bench.record.parsing import UPDATE
from bench.record.pool import Pool
from bench.record.run import LeftOut, Run
from bench.report.words.flaws import flaws
from bench.spec.description import Outline
from bench.text import printable


@dataclass(frozen=True)
class FolderRuns:
    """The runs that stand in a report, the oldest first, and the journals that do not."""

    runs: tuple[Run, ...]
    left_out: tuple[LeftOut, ...] = ()


def runs_of(journals: Iterable[Path], outline: Outline | None = None) -> FolderRuns:
    """Return the runs of `journals` that measured the workload of `outline`.

    Without an outline, the newest readable journal that describes its workload decides. A journal
    that is unreadable or of another workload is left out, with the reason.
    """
    read, left_out = _read(journals)
    if outline is None:
        described = (run.header.workload for run in reversed(read))
        outline = next(filter(None, described), None)
    kept = []
    for run in read:
        reason = why_foreign(run, outline) if outline else None
        if reason is None:
            kept.append(run)
        else:
            left_out.append(LeftOut(run.path.name, reason))
    return FolderRuns(tuple(kept), tuple(sorted(left_out, key=lambda one: one.name)))


def left_out_lines(left_out: Sequence[LeftOut]) -> Iterator[str]:
    """Yield a line for each journal that a report does not hold."""
    for journal in left_out:
        yield printable(f"note: the report leaves out {journal.name}: {journal.reason}")


def flaw_lines(runs: Iterable[Run]) -> Iterator[str]:
    """Yield a line for each line of a journal that does not count, but not for very many."""
    found = list(dict.fromkeys(warning for run in runs for warning in run.warnings))
    for flaw in flaws(found):
        yield printable(f"note: {flaw}")


def with_run(run: Run, journals: Sequence[Path], outline: Outline) -> FolderRuns:
    """Return `run` among the runs of `journals`, in the place that it has there."""
    found = runs_of(journals, outline)
    own = run.header.run_id
    others = [one for one in found.runs if (one.path, one.header.run_id) != (run.path, own)]
    runs = sorted((run, *others), key=lambda one: one.path.name)
    return FolderRuns(tuple(runs), found.left_out)


def _read(journals: Iterable[Path]) -> tuple[list[Run], list[LeftOut]]:
    read: list[Run] = []
    unreadable = []
    pool = Pool()
    for path in journals:
        try:
            read += read_runs(path, pool)
        except StoreError as error:
            problem = error.problem.removeprefix(f"{path}, ").replace(str(path), path.name)
            step = f"; {UPDATE}" if error.next_step == UPDATE else ""
            unreadable.append(LeftOut(path.name, f"{problem}{step}"))
    return read, unreadable
