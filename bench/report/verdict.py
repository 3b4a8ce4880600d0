"""The verdict: which machine to train on, and how sure one can be, in plain words."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

from bench.analysis.intervals import Interval
from bench.analysis.pairs import PairedSpeed, between, conclusion, ranking
from bench.report.column import Row, interval
from bench.report.evidence import MEASURED, Evidence, job_text
from bench.report.tables.conditions import disturbed_words
from bench.report.tables.published import REFERENCES
from bench.units import percent, significant

_BASES = ("total", "epoch", None)
_SMALL = (
    "These are small networks on 28x28 images: they do not predict how fast a machine trains big "
    "models, which are bound by memory bandwidth and accelerators far more than these are."
)


def verdict(evidence: Evidence, capacity: Sequence[Row]) -> tuple[str, ...]:
    """Return the paragraphs that stand first in the report; `capacity` are its table's rows."""
    counts = _counts(evidence)
    measured = [row for row in capacity if row["source"] == MEASURED]
    if not measured:
        why = "See Failures for why." if len(evidence.failures) else "No job was planned or run."
        return tuple(part for part in (f"Nothing was measured. {why}", counts) if part)
    paragraphs = [*_choice(evidence), *_ranks(evidence)]
    for machine in evidence.machines:
        rows = [row for row in measured if row["machine_key"] == machine.key]
        paragraphs += [_speed(row) for row in _telling(rows)]
    return (*paragraphs, counts, *disturbed_words(evidence), *evidence.warnings, _SMALL)


def _choice(evidence: Evidence) -> list[str]:
    """Return the answer itself: one machine for all models, or the fastest for each."""
    measured = [machine.name for machine in evidence.machines if machine.jobs]
    if len(measured) == 1:
        return [
            f"One machine was measured, {measured[0]}, so there is no choice between machines to "
            "make yet; below it stands beside the published machines of 2020. Run the same command "
            "on another machine to compare."
        ]
    by_kind = _by_kind(evidence.pairs)
    if not by_kind:
        return [
            f"{len(measured)} machines were measured, but no job in common on the same data, so "
            "they cannot be compared with each other."
        ]
    best = {kind: _best(pairs) for kind, pairs in by_kind.items()}
    everywhere = all(set(ranking(pairs)) == set(measured) for pairs in by_kind.values())
    if everywhere and len(set(best.values())) == 1 and len(next(iter(best.values()))) == 1:
        (winner,) = next(iter(best.values()))
        return [
            f"Train on {winner}: with every model it was faster than each other machine, by more "
            "than chance between jobs explains."
        ]
    parts = (f"{_kind_text(kind)}: {_or(names)}" for kind, names in best.items())
    paired = {name for pairs in by_kind.values() for name in ranking(pairs)}
    alone = [name for name in measured if name not in paired]
    left = f" Without a job in common with any other: {', '.join(alone)}." if alone else ""
    return [
        "No one machine is shown to be the fastest for all. Fastest by model, of the machines that "
        f"share its jobs: {'; '.join(parts)}.{left}"
    ]


def _best(pairs: Sequence[PairedSpeed]) -> tuple[str, ...]:
    """Return the fastest machine and those that are not surely slower."""
    order = ranking(pairs)
    if not order:
        return ()
    return (
        order[0],
        *(name for name in order[1:] if conclusion(between(pairs, order[0], name)) != "faster"),
    )


def _ranks(evidence: Evidence) -> list[str]:
    """Return a sentence for each model: neighbours in the ranking and their paired speed."""
    paragraphs = []
    for kind, pairs in _by_kind(evidence.pairs).items():
        order = ranking(pairs)
        steps = [
            _step(first, second, between(pairs, first, second))
            for first, second in itertools.pairwise(order)
        ]
        if steps:
            paragraphs.append(f"{_kind_text(kind)}, by {_basis(pairs)}: {' '.join(steps)}")
    return paragraphs


def _basis(pairs: Sequence[PairedSpeed]) -> str:
    """Return what the speeds of `pairs` compare."""
    held = pairs[0].held_by_quota
    if not held:
        return "p10 of steady steps"
    are, own = ("is", "its") if len(held) == 1 else ("are", "their")
    return f"mean of steady steps, as {_and(held)} {are} held up by {own} own CPU quota"


def _step(first: str, second: str, speed: Interval | None) -> str:
    if speed is None:
        return f"{first} and {second} share no job."
    times = interval(speed.estimate, speed.low, speed.high, "x")
    jobs = f"{speed.n} {'job' if speed.n == 1 else 'jobs'} in common"
    said = conclusion(speed)
    if said == "faster":
        return f"{first} is {times} as fast as {second} ({jobs})."
    if said == "one job: no interval":
        return (
            f"{first} was {times} as fast as {second} in the one job that they share: "
            "one job gives no interval, so this is a hint and not a finding."
        )
    if said == "slower":  # by the jobs that each shares with others the order is this
        return f"{first} is {times} as fast as {second} in their own {jobs}."
    return f"{first} and {second} cannot be told apart: {times} ({jobs})."


def _telling(rows: Sequence[Row]) -> list[Row]:
    """Return for each model the row that says most: best basis first, then longest, most jobs."""
    best: dict[tuple[Any, Any], Row] = {}
    for row in sorted(rows, key=_weight):
        best.setdefault((row["model"], row["dataset"]), row)
    return list(best.values())


def _weight(row: Row) -> tuple[int, int, int]:
    basis = (row["relative_basis"] or "").split(", ")[0] or None
    return (_BASES.index(basis), -row["epochs"], -row["n"])


def _speed(row: Row) -> str:
    """Return what one machine does in one kind of job, and how it stands beside 2020."""
    n = row["n"]
    sure = f"Rests on {n} jobs." if n > 1 else "Rests on one job: no interval of its own."
    return (
        f"{row['machine']}, {job_text(row)}: {significant(row['epoch_s'])} s an epoch; "
        f"{significant(row['step_median_ms'])} ms a step (median), "
        f"{significant(row['step_p10_ms'])} ms undisturbed (p10). {_pauses(row)}{_limit(row)}"
        f"{_beside_2020(row)} {sure}"
    )


def _pauses(row: Row) -> str:
    if not row["held_by_quota"]:
        return ""
    return f"Its CPU quota pauses it: a step is {significant(row['step_mean_ms'])} ms in the mean. "


def _limit(row: Row) -> str:
    """Return what limits the job, in a sentence; nothing where that is not known."""
    if row["regime"] is None:
        return ""
    return (
        f"That is {significant(row['flops_per_s'] / 1e9)} GFLOP/s, {percent(row['ceiling_share'])} "
        f"of what a bare matrix product reaches there: {row['regime']}. "
    )


def _beside_2020(row: Row) -> str:
    parts = []
    for _, key, name in REFERENCES:
        speed = f"speed_vs_{key}"
        if row[speed] is not None:
            bounds = interval(row[speed], row[f"{speed}_low"], row[f"{speed}_high"], "x")
            parts.append(f"{bounds} as fast as the {name}")
    if not parts:
        return f"Beside 2020: n/a, {row['relative_reason']}."
    covers = row["relative_interval_covers"]
    held = f"; the bracket holds {covers.replace('jobs', 'spread between jobs')}" if covers else ""
    return f"{row['machine']} is {' and '.join(parts)} (by {row['relative_basis']} time{held})."


def _counts(evidence: Evidence) -> str:
    """Return how many of the planned jobs were measured, failed, or were not run."""
    planned = {
        (run.header.label, run.header.run_id, job.job_id)
        for run in evidence.runs
        for job in run.header.jobs
    }
    measured = {(r.label, r.run_id, r.job_id) for run in evidence.runs for r in run.measured}
    if not planned | measured:
        return ""
    failures = evidence.failures[~evidence.failures["measured_later"].astype(bool)]
    identity = (failures[key] for key in ("label", "run_id", "job_id"))
    jobs = failures.assign(job=list(zip(*identity, strict=True)))
    absent, skipped, refused = (
        set(jobs[jobs["reason"] == why]["job"]) for why in ("not run", "skipped", "no machine")
    )
    failed = set(jobs["job"]) - absent - skipped - refused
    total = len(planned | measured)
    aside = f" Skipped: {len(skipped)} (see Failures)." if skipped else ""
    aside += f" Not had: {', '.join(sorted(row[0] for row in refused))}." if refused else ""
    if not absent and not failed:
        return f"All {total} jobs were measured; none failed.{aside}"
    return (
        f"{len(measured)} of {total} jobs were measured; failed: {len(failed)}, "
        f"not run: {len(absent)} (see Failures).{aside}"
    )


def _by_kind(pairs: Sequence[PairedSpeed]) -> dict[tuple[str, str], list[PairedSpeed]]:
    kinds: dict[tuple[str, str], list[PairedSpeed]] = {}
    for pair in pairs:
        kinds.setdefault((pair.model, pair.dataset), []).append(pair)
    return kinds


def _kind_text(kind: tuple[str, str]) -> str:
    model, dataset = kind
    return model if dataset == "mnist" else f"{model} on {dataset} data"


def _and(names: Sequence[str]) -> str:
    return " and ".join(filter(None, (", ".join(names[:-1]), names[-1])))


def _or(names: Sequence[str]) -> str:
    if not names:
        return "unknown"
    if len(names) == 1:
        return names[0]
    return f"{' or '.join(names)} (the runs do not show which)"
