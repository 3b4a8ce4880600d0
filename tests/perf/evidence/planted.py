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
from bench.record.journal import read_run
from bench.record.run import merged

ROOT = Path(__file__).resolve().parents[3]
WORKLOAD = Path(__file__).with_name("planted_workload.py")

#: Products in a step of each variant: the base, the base once more as a control, and 5, 10 and 20%
#: more work.
VARIANTS: Mapping[str, int] = {"base": 20, "0%": 20, "5%": 21, "10%": 22, "20%": 24}

#: The order of a sitting's jobs: forwards and backwards, so that a steady drift cancels out.
ORDER = (*VARIANTS, *reversed(VARIANTS))

#: One thread leaves the other cores of a small machine to whatever else runs.
THREADS = 1


Say = Callable[[str], None]


@dataclass(frozen=True)
class Job:
    """One job: its variant, its mean step, and whether something disturbed it."""

    variant: str
    seconds: float
    disturbed: bool


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
        command += ["--threads", str(THREADS), "--local-only", "--fresh"]
        command += ["--out", str(folder / f"job-{number:02}")]
        subprocess.run(command, check=True, capture_output=True, cwd=ROOT)
        say(f"job {number} of {len(ORDER)}: {variant}")


def planted_table(folder: Path) -> Table:
    """Return what the sittings below `folder` show of each planted slowdown.

    In each sitting, a disturbed job counts only if its variant has no quiet job.
    """
    paths = [path for path in sorted(folder.iterdir()) if path.is_dir()]
    seen = {str(number): _sitting(path) for number, path in enumerate(paths, 1)}
    sittings = {name: _heeded(jobs) for name, jobs in seen.items()}
    rows = [row for name, jobs in sittings.items() for row in compared({name: jobs}, name)]
    if len(sittings) > 1:
        rows += compared(sittings, "all")
    disturbed = sum(job.disturbed for jobs in sittings.values() for job in jobs)
    return Table(
        "planted",
        f"{_where(paths)}; {sum(map(len, sittings.values()))} jobs count, {disturbed} of them "
        "disturbed. Brackets speak of these sittings.",
        ("planted", "sitting", "jobs (base, slowed)", "time relative to the base", "finding"),
        tuple(
            (
                row.planted,
                row.sittings,
                f"{row.jobs[0]}, {row.jobs[1]}",
                f"{row.times:.3f} ({row.low:.3f} to {row.high:.3f})",
                "told apart" if row.finding.apart else row.finding.value,
            )
            for row in rows
        ),
    )


def compared(sittings: Mapping[str, Sequence[Job]], name: str) -> list[Variant]:
    """Return how each variant compares with the base; a sitting holds its jobs."""
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


def _fit(sittings: Mapping[str, Sequence[Job]], variant: str) -> Effects:
    """Return the fit of one variant; its cell is that of all variants, as on two machines."""
    cell = Cell((), epochs=3, dataset="none", data_digest=None)
    timings = [
        Timing(cell, sitting, job.seconds)
        for sitting, jobs in sittings.items()
        for job in jobs
        if job.variant == variant
    ]
    return fit_effects(timings, Prior(0.05))


def _heeded(jobs: Sequence[Job]) -> list[Job]:
    quiet = {job.variant for job in jobs if not job.disturbed}
    return [job for job in jobs if not job.disturbed or job.variant not in quiet]


def _sitting(folder: Path) -> list[Job]:
    """Return the jobs of a sitting in their order; a disturbed job may have been repeated."""
    found = []
    for variant, place in zip(ORDER, sorted(folder.iterdir()), strict=True):
        jobs = _jobs(place)
        frame = jobs_frame(jobs, jobs[0].share.header.workload)
        found += [
            Job(variant, float(seconds), flag == "disturbed")
            for seconds, flag in zip(frame["step_mean_s"], frame["flag"], strict=True)
        ]
    return found


def _jobs(folder: Path) -> list[MeasuredJob]:
    """Return the jobs below a folder in the order in which they began."""
    jobs = measured_jobs(merged(read_run(path) for path in sorted(folder.rglob("*.jsonl"))))
    return sorted(jobs, key=lambda job: job.record.started_at)


def _where(paths: Sequence[Path]) -> str:
    jobs = [job for path in paths for job in _jobs(path)]
    facts, first = jobs[0].record.machine, jobs[0].record.started_at
    return (
        f"Measured {first[:10]} on {facts.cpu_model}, {facts.usable_cpus:g} CPUs, {THREADS} thread "
        f"a job: {len(jobs)} jobs in {len(paths)} sittings"
    )
