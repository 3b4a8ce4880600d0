"""Planted slowdowns, measured: jobs with 0, 5, 10 and 20% more work alternate on this machine."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from shares import Table

from bench.analysis.cells import Cell
from bench.analysis.effects import Effects, Prior, Timing, fit_effects
from bench.analysis.frames import jobs_frame
from bench.analysis.pooling import MeasuredJob, measured_jobs
from bench.analysis.ratios import Finding, within_sitting
from bench.record.journal import find_journals, read_run
from bench.record.run import merged

ROOT = Path(__file__).resolve().parents[3]
WORKLOAD = Path(__file__).with_name("planted_workload.py")

#: Products in a step of each variant: the base, the base once more as a control, and 5, 10 and 20%
#: more work.
VARIANTS: Mapping[str, int] = {"base": 20, "0%": 20, "5%": 21, "10%": 22, "20%": 24}

#: The order of a sitting's jobs: forwards and backwards, twice, so that a steady drift cancels out.
ORDER = (*VARIANTS, *reversed(VARIANTS)) * 2

Say = Callable[[str], None]


@dataclass(frozen=True)
class Variant:
    """How one variant compares with the base in one sitting, or in all."""

    planted: str
    sittings: str
    jobs: tuple[int, int]
    times: float
    low: float
    high: float
    finding: Finding


def measure(folder: Path, say: Say) -> None:
    """Measure one sitting into `folder`, a run of the real command for each job in its order.

    Raises CalledProcessError if a run fails.
    """
    for number, variant in enumerate(ORDER, 1):
        command = [sys.executable, "-m", "mnist_bench.run", "--workload", str(WORKLOAD)]
        command += ["--product-counts", str(VARIANTS[variant]), "--dispatch", "inline"]
        command += ["--local-only", "--fresh", "--out", str(folder / f"job-{number:02}")]
        subprocess.run(command, check=True, capture_output=True, cwd=ROOT)
        say(f"job {number} of {len(ORDER)}: {variant}")


def planted_table(folder: Path) -> Table:
    """Return what the sittings below `folder` show of each planted slowdown."""
    sittings = {path.name: _sitting(path) for path in sorted(folder.iterdir()) if path.is_dir()}
    rows = [row for name, jobs in sittings.items() for row in compared({name: jobs}, name)]
    if len(sittings) > 1:
        rows += compared(sittings, "all")
    return Table(
        "planted",
        f"Measured: {_where(folder)} Brackets speak of these sittings.",
        ("planted", "sitting", "jobs (base, slowed)", "time relative to the base", "finding"),
        tuple(
            (
                row.planted,
                row.sittings,
                f"{row.jobs[0]}, {row.jobs[1]}",
                f"{row.times:.3f} ({row.low:.3f} to {row.high:.3f})",
                "told apart"
                if row.finding in (Finding.FASTER, Finding.SLOWER)
                else str(row.finding.value),
            )
            for row in rows
        ),
    )


def compared(sittings: Mapping[str, Sequence[tuple[str, float]]], name: str) -> list[Variant]:
    """Return how each variant compares with the base; a sitting holds (variant, seconds) pairs."""
    fits = {variant: _fit(sittings, variant) for variant in VARIANTS}
    found = []
    for variant in list(VARIANTS)[1:]:
        shown = within_sitting(fits["base"], fits[variant])
        bounds = shown.interval()
        assert bounds.low is not None and bounds.high is not None
        found.append(
            Variant(
                variant, name, shown.jobs, shown.times, bounds.low, bounds.high, shown.finding()
            )
        )
    return found


def _fit(sittings: Mapping[str, Sequence[tuple[str, float]]], variant: str) -> Effects:
    """Return the fit of one variant; its cell is that of all variants, as on two machines."""
    cell = Cell((), epochs=3, dataset="none", data_digest=None)
    timings = [
        Timing(cell, sitting, seconds)
        for sitting, jobs in sittings.items()
        for which, seconds in jobs
        if which == variant
    ]
    return fit_effects(timings, Prior(0.05))


def _sitting(folder: Path) -> list[tuple[str, float]]:
    """Return the mean step of each job with its variant; a disturbed job counts only if all are."""
    jobs = _jobs(folder)
    frame = jobs_frame(jobs, jobs[0].share.header.workload)
    rows = list(zip(ORDER, frame["step_mean_s"], frame["flag"], strict=True))
    quiet = {variant for variant, _, flag in rows if flag != "disturbed"}
    return [
        (variant, float(seconds))
        for variant, seconds, flag in rows
        if flag != "disturbed" or variant not in quiet
    ]


def _jobs(folder: Path) -> list[MeasuredJob]:
    """Return the jobs below a folder in the order in which they began."""
    paths = [path for out in sorted(folder.iterdir()) for path in find_journals(out)]
    jobs = measured_jobs(merged(read_run(path) for path in paths))
    return sorted(jobs, key=lambda job: job.record.started_at)


def _where(folder: Path) -> str:
    jobs = [job for path in sorted(folder.iterdir()) if path.is_dir() for job in _jobs(path)]
    facts, first = jobs[0].record.machine, jobs[0].record.started_at
    return f"{first[:10]}, {facts.cpu_model}, {facts.usable_cpus:g} CPUs, {len(jobs)} jobs."
