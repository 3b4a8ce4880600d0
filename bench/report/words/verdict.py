"""The sentences of the verdict."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bench.analysis.conditions import Disturbances
from bench.analysis.job_counts import JobCounts
from bench.report.words.lists import and_list
from bench.report.words.sureness import Bracket, bracketed, share
from bench.text import counted


def own_bracket(name: str, half: float, another: float, sittings: int, spread: float | None) -> str:
    """Return how sure a machine's own times are, as shares of the time.

    `half` belongs to the mean over many days, and `another` to a single sitting on another day.
    `spread` is the assumed spread between sittings; None if nothing is assumed.
    """
    assumed = f", assuming that sittings differ by {share(spread)}" if spread is not None else ""
    return (
        f"The mean times of {name} over many days lie within about {share(half)} of the times of "
        f"its {counted(sittings, 'sitting')}{assumed}. A single sitting on another day may differ "
        f"from them by about {share(another)}."
    )


def over_cells(cells: int) -> str:
    """Return what the speeds of a ranking are means of."""
    if cells == 1:
        return "Speeds are ratios of mean steps in the one kind of job that all machines measured."
    return (
        f"Speeds are ratios of mean steps, as a geometric mean over the {cells} kinds of job that "
        "all machines measured, with equal weights."
    )


def more_pairs(left: int) -> str:
    """Return where the other neighbours of a ranking stand."""
    return f'The table "Ranking" holds {left} more.'


def of_kind(kind: str, sentence: str) -> str:
    """Return what was found in one kind of job."""
    return f"With {kind}: {sentence}"


def speed_of_group(head: str, epoch: str, mean: str, p10: str) -> str:
    """Return the speed of one machine in one kind of job."""
    return f"{head}: {epoch} s per epoch, {mean} ms per step (mean) and {p10} ms (p10)."


def paused() -> str:
    """Return that a quota pauses the jobs."""
    return "Its CPU quota pauses it; the mean step includes the pauses, and the p10 may not."


@dataclass(frozen=True)
class Own:
    """The share of the own ceiling, if another value of the axes `of` reached the machine's."""

    by: str
    share: str
    of: Sequence[str]


def limited(rate: str, share: str, own: Own | None, regime: str) -> str:
    """Return what limits a step."""
    best = f"{share} of the machine's best matrix product"
    if own is not None:
        best += f" (by {own.by}) and {own.share} of the best by its own {and_list(own.of)}"
    return f"That is {rate} GFLOP/s, {best}; the step is {regime}."


def beside(machine: str, speeds: Sequence[tuple[Bracket, str]], basis: str) -> str:
    """Return how a machine compares with published ones; `speeds` are pairs of ratio and name."""
    told = [bracketed(speed, unit=f"times as fast as the {name}") for speed, name in speeds]
    one = "one published run" if len(told) == 1 else "one published run each"
    return f"{machine} is about {and_list(told)} (by {basis} time; {one})."


def not_beside(year: str, reason: str) -> str:
    """Return why a machine is not compared with published ones."""
    return f"It is not compared with {year}: {reason}."


def rests_on(n: int) -> str:
    """Return how many jobs the figures of a machine rest on."""
    if n == 1:
        return "These figures rest on one job."
    return f"These figures rest on {n} jobs."


def job_counts(counts: JobCounts) -> str:
    """Return how many of the planned jobs were measured, failed, or were not run."""
    more = f" Skipped: {counts.skipped} (see Failures)." if counts.skipped else ""
    if counts.unavailable:
        more += f" Unavailable: {', '.join(counts.unavailable)} (see Failures)."
    if counts.repeated:
        more += f" {_repeated(counts)}"
    if counts.added:
        jobs = counted(counts.added, "more job was", "more jobs were")
        more = f" {jobs} measured in the time that was left.{more}"
    if counts.no_time:
        more = f" {counts.no_time} did not fit into the minutes of the run (see Failures).{more}"
    if not counts.not_run and not counts.failed:
        all_ = counts.measured == counts.planned
        if all_ and counts.planned == 1:
            return f"The one job was measured.{more}"
        words = f"All {counts.planned}" if all_ else f"{counts.measured} of {counts.planned}"
        return f"{words} jobs were measured; none failed.{more}"
    return (
        f"{counts.measured} of {counts.planned} jobs were measured; failed: {counts.failed}, "
        f"not run: {counts.not_run} (see Failures).{more}"
    )


def _repeated(counts: JobCounts) -> str:
    """Return how many jobs were run again because they were disturbed, and what came of it."""
    jobs = counted(counts.repeated, "job was", "jobs were")
    again = f"{jobs} run again because of a disturbance"
    if not counts.disturbed:
        return f"{again}; each of them also ran undisturbed."
    return f"{again}; {counts.disturbed} never ran undisturbed."


def disturbed_jobs(found: Disturbances) -> str:
    """Return how many jobs were disturbed, and by what."""
    if not found.disturbed:
        blind = f" ({found.unseen} could not be watched)" if found.unseen else ""
        return f"No disturbance was seen in {counted(found.watched, 'job')}{blind}."
    by = ", ".join(f"{name} {count}" for name, count in found.causes.items())
    return f"{found.disturbed} of {found.watched} jobs were disturbed (by {by})."
