"""A plan: every choice that a run makes before anything starts, for this machine and a cluster."""

from __future__ import annotations

import contextlib
import functools
import os
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bench.child.launch import LaunchSpec, first_of_each
from bench.child.workload import Dataset, Workload, code_digest, probe_for, workload_file
from bench.dispatch.ceiling_jobs import CEILING_JOB_S, ceiling_jobs
from bench.dispatch.durations import on_machine, time_limit_s
from bench.dispatch.eligible import eligible, threads_of
from bench.errors import RequestError
from bench.outside.words import check_path
from bench.record.facts import MachineFacts
from bench.record.lines import JobRecord, Skip
from bench.record.price import PriceRule, read_rules
from bench.spec.frozen import digest_of
from bench.spec.grid import check_choices, expand, override, with_available
from bench.spec.grid_files import load_grid
from bench.spec.job import JobSpec
from bench.spec.order import shuffled
from bench.spec.privacy import Privacy
from bench.spec.request import Dispatch, RunRequest


@dataclass(frozen=True)
class Plan:
    """What a campaign will do: every choice is made, nothing is started.

    `reference` is what `load_workload` takes. `asked` are all jobs in the run's seeded order, and
    `jobs` those of them that this machine can run, in the same order. `ceiling_jobs` are jobs that
    only measure this machine's ceilings; there are none unless `ceilings` are measured at all.
    `facts` are this machine's.
    """

    workload: Workload
    reference: str
    grid: str
    asked: tuple[JobSpec, ...]
    jobs: tuple[JobSpec, ...]
    skipped: tuple[Skip, ...]
    dataset: Dataset
    label: str
    facts: MachineFacts
    dispatch: Dispatch
    order_seed: int
    time_limit_s: float | None
    command: str
    repeat_disturbed: int = 0
    minutes: float | None = None
    wait_quiet_s: float = 0.0
    prices: tuple[PriceRule, ...] = ()
    privacy: Privacy = field(default_factory=Privacy)
    ceilings: bool = True
    ceiling_jobs: tuple[JobSpec, ...] = ()

    @property
    def request_digest(self) -> str:
        """Digest of all that decides the jobs and how they run: equal for a run to go on with."""
        return digest_of(self.decides)

    @property
    def decides(self) -> dict[str, Any]:
        """All that decides the jobs and how they run, by name."""
        return {
            "workload": self.workload.description.name,
            "asked": sorted(job.job_id for job in self.asked),
            "jobs": sorted(job.job_id for job in self.jobs),
            "data": self.dataset.digest,
            "label": self.label,
            "threads": self.threads,
            "dispatch": self.dispatch,
            "order_seed": self.order_seed,
            "repeat_disturbed": self.repeat_disturbed,
            "minutes": self.minutes,
            "ceilings": self.ceilings,
            "code": code_digest(self.reference),
        }

    @property
    def threads(self) -> tuple[int, ...]:
        """The numbers of threads with which jobs run on this machine, the smallest first."""
        return tuple(sorted({threads_of(job, self.facts) for job in self.jobs}))

    def measuring(
        self, jobs: Iterable[JobSpec], records: Iterable[JobRecord] = ()
    ) -> frozenset[str]:
        """Return the ids of those of `jobs` after which the ceilings are measured.

        `jobs` are in the order in which they will run; `records` are those of a continued run.
        """
        axes = self.workload.description.axes
        return first_of_each(jobs, axes, records) if self.ceilings else frozenset()

    @property
    def ceilings_s(self) -> float:
        """About how many seconds the jobs take that only measure ceilings."""
        return CEILING_JOB_S * len(self.ceiling_jobs)

    def estimate_s(self, job: JobSpec) -> float | None:
        """Return about how many seconds `job` takes on this machine; None if unknown."""
        return on_machine(self.workload.estimate_s(job), self.facts)

    @functools.cached_property
    def data_path(self) -> Path | None:
        """The copy of the data that jobs load; it is written at the first use. None: no data.

        Raises RequestError if its path is not UTF-8.
        """
        if self.dataset.stage is None:
            return None
        path = self.dataset.stage()
        check_path("the copy of the data", path)
        return path

    def launch(
        self,
        job: JobSpec,
        *,
        placed_by: str,
        run_id: str = "bare",
        machine: MachineFacts | None = None,
        measure_ceilings: bool = False,
    ) -> LaunchSpec:
        """Return the description of `job` as this machine is to run it."""
        return LaunchSpec(
            run_id=run_id,
            workload=self.reference,
            job=job,
            label=self.label,
            data_path=None if self.data_path is None else str(self.data_path),
            data_digest=self.dataset.digest,
            threads=threads_of(job, self.facts),
            niceness=os.getpriority(os.PRIO_PROCESS, 0),
            time_limit_s=time_limit_s(self.time_limit_s, self.estimate_s(job)),
            placed_by=placed_by,
            measure_ceilings=measure_ceilings,
            privacy=self.privacy,
            machine=machine,
        )


def make_plan(request: RunRequest, workload: Workload, command: str) -> Plan:
    """Return the plan for what `request` asks of `workload`.

    Raises RequestError if this machine can run none of the jobs or a path is not UTF-8, DataError
    if there are no data.
    """
    description = workload.description
    reference = absolute(request.workload)
    check_path("the workload", reference)
    if request.dispatch == "ray":  # Ray hands the working folder on to its workers
        with contextlib.suppress(OSError):  # the folder may have been deleted
            check_path("the working folder", os.getcwd())
    check_choices(request.changes.axes, description, "command line")
    prices = read_rules(request.price) if request.price else ()
    grid = override(load_grid(request.grid, description), request.changes, description)
    dataset = workload.dataset(request.dataset, request.data)
    facts = probe_for(workload, request.privacy)
    wanted = expand(with_available(grid, description), description, dataset.name)
    asked = tuple(shuffled(wanted, request.order_seed))
    jobs, skipped = eligible(workload, asked, facts)
    if not jobs:
        raise RequestError(
            "this machine can run none of the jobs",
            seen="; ".join(dict.fromkeys(skip.reason for skip in skipped)),
            next_step="ask for other jobs: {program} run --help",
        )
    return Plan(
        workload=workload,
        reference=reference,
        grid=grid.name,
        asked=asked,
        jobs=jobs,
        skipped=skipped,
        dataset=dataset,
        label=request.label or default_label(facts),
        facts=facts,
        dispatch=request.dispatch,
        order_seed=request.order_seed,
        time_limit_s=request.time_limit_s,
        command=command,
        repeat_disturbed=request.repeat_disturbed,
        minutes=request.minutes,
        wait_quiet_s=request.wait_quiet_s,
        prices=prices,
        privacy=request.privacy,
        ceilings=request.ceilings,
        ceiling_jobs=(
            ceiling_jobs(workload, jobs, facts, request.minutes) if request.ceilings else ()
        ),
    )


def absolute(reference: str) -> str:
    """Return a workload's reference as a child in any folder understands it."""
    file = workload_file(reference)
    _, colon, attribute = reference.partition(":")
    return reference if file is None else f"{file}{colon}{attribute}"


def default_label(facts: MachineFacts) -> str:
    """Return a name for a machine that says what it is and not what its owner calls it.

    Its GPUs come first, because they train, and tables cut long names.
    """
    model = facts.cpu_model or facts.cpu_architecture or "unknown CPU"
    cores = [f"{facts.logical_cores} CPUs"] if facts.logical_cores else []
    counts = Counter(gpu.model or "a GPU" for gpu in facts.gpus or ())
    gpus = [gpu if count == 1 else f"{count} x {gpu}" for gpu, count in counts.items()]
    rest = ", ".join([model, *cores])
    return f"{', '.join(gpus)} with {rest}" if gpus else rest
