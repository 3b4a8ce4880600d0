"""Makes the report that a run shows meanwhile: its own jobs and the newest others of its folder."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from bench.app import pricing
from bench.app.commands.report import report_of
from bench.app.folder_runs import FolderRuns, runs_of
from bench.app.out_folder import journals_in
from bench.child.workload import Workload
from bench.record.journal import find_journals
from bench.record.run import LeftOut, Run
from bench.report.words import live as words
from bench.spec.request import USUAL_FORM, ReportForm
from bench.text import counted

if TYPE_CHECKING:
    from bench.report.column import Report

#: Records of other runs that the figures take into account: figures of so many took three seconds.
#: The report at the end of the run holds all of them.
MOST_OTHER_RECORDS = 200


@dataclass(frozen=True)
class Figures:
    """The figures of a run among the runs of its folder, which do not change while it holds it."""

    workload: Workload
    out: Path
    own: Path
    form: ReportForm = USUAL_FORM

    def report(self, run: Run) -> Report:
        """Return the report of `run` as it is now, and of the others."""
        others = self._others
        runs = sorted((run, *others.runs), key=lambda one: one.path.name)
        return report_of(
            pricing.repriced_sittings(runs, run),
            self.workload,
            left_out=others.left_out,
            form=self.form,
        )[1]

    @cached_property
    def _others(self) -> FolderRuns:
        paths = [path for path in find_journals(journals_in(self.out)) if path != self.own]
        kept = newest(paths, MOST_OTHER_RECORDS)
        found = runs_of(kept, self.workload.description.outline)
        older = len(paths) - len(kept)
        if not older:
            return found
        note = LeftOut(counted(older, "older journal"), words.older_left_out(MOST_OTHER_RECORDS))
        return FolderRuns(found.runs, (*found.left_out, note))


def newest(journals: Sequence[Path], most: int) -> list[Path]:
    """Return the newest journals that hold `most` lines together, the oldest first."""
    kept: list[Path] = []
    for path in reversed(journals):
        most -= _lines(path)
        if most < 0:
            break
        kept.append(path)
    return kept[::-1]


def _lines(path: Path) -> int:
    try:
        with path.open("rb") as file:
            return sum(1 for _ in file)
    except OSError:
        return 0  # reading it says so
