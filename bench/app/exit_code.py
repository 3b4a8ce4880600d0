"""The exit code of a command that measures or reports runs."""

from __future__ import annotations

from collections.abc import Sequence

from bench.analysis.job_counts import counts_of
from bench.record.run import Run


def exit_code_of(runs: Sequence[Run]) -> int:
    """Return 0 if every planned job was measured on every machine that was asked for, else 1.

    A run with an unavailable machine has not measured all. Jobs for which the minutes of the run
    were too short are left out of this, but some job must have been measured.
    """
    counts = counts_of(runs)
    asked = counts.planned - counts.no_time
    some = counts.measured or not counts.no_time
    complete = all(run.complete and not run.unavailable for run in runs)
    return 0 if complete and counts.measured == asked and some else 1
