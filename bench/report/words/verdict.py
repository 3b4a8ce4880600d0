"""The sentences of the verdict."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from bench.analysis.cells import Kind
from bench.analysis.conditions import Disturbances
from bench.analysis.failures import Counts
from bench.analysis.intervals import Interval
from bench.analysis.pairs import Finding
from bench.report.column import interval
from bench.report.words.lists import and_list
from bench.spec.axes import Axis

#: What the interval of a speed beside a published machine covers.
COVERED_IN_SENTENCES = {
    "jobs": "the spread between jobs",
    "rounding": "the rounding of the published time",
    "rounding and jobs": "the spread between jobs and the rounding of the published time",
}


def nothing_measured(has_failures: bool) -> str:
    """Return the verdict of runs without a measurement."""
    why = "See Failures for the reasons." if has_failures else "No job was planned or run."
    return f"Nothing was measured. {why}"


def one_machine(name: str, year: str | None) -> str:
    """Return the verdict on one machine; `year` is the year of the published figures."""
    beside = f" The tables show it beside the published machines of {year}." if year else ""
    return (
        f"One machine was measured, {name}, so there are no machines to compare yet.{beside} Run "
        "the same command on another machine to compare the two."
    )


def no_common_job(count: int) -> str:
    """Return the verdict on machines that share no job."""
    return (
        f"{count} machines were measured, but they have no job in common on the same data, so they "
        "cannot be compared."
    )


def one_winner(name: str, axes: Sequence[Axis]) -> str:
    """Return the verdict if one machine is the fastest for each value of `axes`."""
    each = f" with every {and_list([axis.title for axis in axes])}" if axes else ""
    return (
        f"Train on {name}: it was faster than each other machine{each}, by more than "
        "the spread between jobs explains."
    )


def no_winner(best: Mapping[str, Sequence[str]], alone: Sequence[str]) -> str:
    """Return the verdict if no machine is the fastest for all; `best` is by kind of job."""
    parts = "; ".join(f"{kind}: {_or(names)}" for kind, names in best.items())
    left = f" These machines share no job with another one: {', '.join(alone)}." if alone else ""
    return (
        "No machine is shown to be the fastest for all jobs. These are the fastest of the machines "
        f"that share jobs: {parts}.{left}"
    )


def kind_of_job(kind: Kind, axes: Sequence[Axis], usual_dataset: str | None) -> str:
    """Return a kind of job in words; with its dataset unless it is the usual one.

    `axes` are the axes of the kind's values.
    """
    known = [
        (axis, value) for axis, value in zip(axes, kind.values, strict=True) if value is not None
    ]
    values = " ".join((axis.mark or "{}").format(value) for axis, value in known)
    if kind.dataset == usual_dataset:
        return values or "all jobs"
    return f"{values} on {kind.dataset} data".strip()


def rank_basis(held: Sequence[str]) -> str:
    """Return what a ranking compares; `held` names machines that are held up by their quota."""
    if not held:
        return "p10 of steady steps"
    are, own = ("is", "its") if len(held) == 1 else ("are", "their")
    return f"mean of steady steps, because {and_list(held)} {are} held up by {own} own CPU quota"


def ranks(kind: str, basis: str, steps: Sequence[str]) -> str:
    """Return how the machines rank in one kind of job."""
    return f"{kind}, by {basis}: {' '.join(steps)}"


def rank_step(first: str, second: str, speed: Interval | None, finding: Finding) -> str:
    """Return how two neighbours of a ranking compare."""
    if speed is None:
        return f"{first} and {second} share no job."
    times = interval(speed.estimate, speed.low, speed.high, "x")
    jobs = f"{speed.n} {'job' if speed.n == 1 else 'jobs'} in common"
    if finding is Finding.FASTER:
        return f"{first} is {times} as fast as {second} ({jobs})."
    if finding is Finding.ONE_JOB:
        return (
            f"{first} was {times} as fast as {second} in the one job that they share. One job "
            "gives no interval, so this is a hint and not a finding."
        )
    if finding is Finding.SLOWER:
        return (
            f"{first} is {times} as fast as {second} in their own {jobs}, although the jobs that "
            f"they share with other machines put {first} first."
        )
    return f"{first} and {second} cannot be told apart: {times} ({jobs})."


def speed_of_group(head: str, epoch: str, median: str, p10: str) -> str:
    """Return the speed of one machine in one kind of job."""
    return f"{head}: {epoch} s per epoch, {median} ms per step (median) and {p10} ms (p10)."


def paused(mean: str) -> str:
    """Return how a quota changes the mean step."""
    return f"Its CPU quota pauses it: the mean step takes {mean} ms."


def limited(rate: str, share: str, regime: str) -> str:
    """Return what limits a step."""
    best = f"{share} of the machine's best matrix product"
    return f"That is {rate} GFLOP/s, {best}; the step is {regime}."


def beside(machine: str, speeds: Sequence[tuple[str, str]], basis: str, covers: str | None) -> str:
    """Return how a machine compares with published ones; `speeds` are pairs of text and name."""
    told = and_list([f"{speed} as fast as the {name}" for speed, name in speeds])
    bracket = f"; the interval covers {covers}" if covers else ""
    return f"{machine} is {told} (by {basis} time{bracket})."


def not_beside(year: str, reason: str) -> str:
    """Return why a machine is not compared with published ones."""
    return f"It is not compared with {year}: {reason}."


def rests_on(n: int) -> str:
    """Return how many jobs the figures of a machine rest on."""
    if n == 1:
        return "These figures rest on one job, so they have no interval."
    return f"These figures rest on {n} jobs."


def job_counts(counts: Counts) -> str:
    """Return how many of the planned jobs were measured, failed, or were not run."""
    more = f" Skipped: {counts.skipped} (see Failures)." if counts.skipped else ""
    if counts.unavailable:
        more += f" Unavailable: {', '.join(counts.unavailable)} (see Failures)."
    if not counts.not_run and not counts.failed:
        return f"All {counts.planned} jobs were measured; none failed.{more}"
    return (
        f"{counts.measured} of {counts.planned} jobs were measured; failed: {counts.failed}, "
        f"not run: {counts.not_run} (see Failures).{more}"
    )


def disturbed_jobs(found: Disturbances) -> str:
    """Return how many jobs were disturbed, and by what."""
    if not found.disturbed:
        blind = f" ({found.unseen} could not be watched)" if found.unseen else ""
        jobs = "1 job" if found.watched == 1 else f"{found.watched} jobs"
        return f"No disturbance was seen in {jobs}{blind}."
    by = ", ".join(f"{name} {count}" for name, count in found.causes.items())
    return f"{found.disturbed} of {found.watched} jobs were disturbed (by {by}): see Conditions."


def _or(names: Sequence[str]) -> str:
    if not names:
        return "unknown"
    if len(names) == 1:
        return names[0]
    return f"{' or '.join(names)} (the runs do not show which)"
