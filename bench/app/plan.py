"""A plan: every choice that a run makes before anything starts, for this machine and a cluster."""

from __future__ import annotations

import argparse
import hashlib
import os
from collections.abc import Iterator
from dataclasses import dataclass

from bench.child.launch import LaunchSpec, first_of_each
from bench.cluster.find import Cluster, wanted
from bench.cluster.prices import prices_by_type
from bench.dispatch.head import SiteRequest
from bench.errors import RequestError
from bench.probe.identity import SHOW_VARIABLE
from bench.probe.limits import threads
from bench.probe.machine import probe
from bench.record.facts import MachineFacts
from bench.record.lines import RunHeader, Skip
from bench.record.price import PriceRule, read_rules
from bench.record.run import Run
from bench.spec.frozen import canonical_json
from bench.spec.grid import GridSpec, expand, shuffled
from bench.spec.job import JobSpec
from mnist_bench.data import Dataset, combined_digest, resolve
from mnist_bench.eligibility import divide, with_installed_backends
from mnist_bench.staging import stage_in_cache
from mnist_bench.workload import NAME, PACKAGES, code_digest

#: Names `divide` to a cluster's nodes, which are asked what they can run.
DIVIDE = "mnist_bench.eligibility:divide"


@dataclass(frozen=True)
class Limits:
    """What a run may take: None for no limit."""

    max_s: float | None = None
    max_usd: float | None = None


@dataclass(frozen=True)
class Plan:
    """What a campaign will do: every choice made, nothing started."""

    grid: str
    jobs: tuple[JobSpec, ...]
    skipped: tuple[Skip, ...]
    dataset: Dataset
    data_digest: str
    label: str
    threads: int
    threads_asked: int | None
    dispatch: str
    order_seed: int
    time_limit_s: float
    command: str
    wait_quiet_s: float = 0.0
    prices: tuple[PriceRule, ...] = ()

    @property
    def request_digest(self) -> str:
        """Digest of all that decides the jobs and how they run: equal for a run to go on with."""
        decides = {
            "jobs": sorted(job.job_id for job in self.jobs),
            "data": self.data_digest,
            "label": self.label,
            "threads": self.threads,
            "dispatch": self.dispatch,
            "order_seed": self.order_seed,
            "code": code_digest(),
        }
        return hashlib.sha256(canonical_json(decides).encode()).hexdigest()

    def launches(
        self,
        placed_by: str,
        *,
        run_id: str = "bare",
        machine: MachineFacts | None = None,
        taken_up: Run | None = None,
    ) -> Iterator[LaunchSpec]:
        """Yield the description of every job that `taken_up` has not done, in the run's order."""
        data_path = str(stage_in_cache(self.dataset))
        records = taken_up.records if taken_up else ()
        own = [record for record in records if record.label == self.label]
        done = taken_up.done if taken_up else frozenset()
        measuring = first_of_each((job for job in self.jobs if job.job_id not in done), own)
        for job in self.jobs:
            if job.job_id not in done:
                yield LaunchSpec(
                    run_id=run_id,
                    workload=NAME,
                    job=job,
                    label=self.label,
                    data_path=data_path,
                    data_digest=self.data_digest,
                    threads=self.threads,
                    niceness=os.getpriority(os.PRIO_PROCESS, 0),
                    time_limit_s=self.time_limit_s,
                    placed_by=placed_by,
                    packages=PACKAGES,
                    measure_ceilings=job.job_id in measuring,
                    machine=machine,
                )


def site_request(plan: Plan, header: RunHeader, cluster: Cluster, limits: Limits) -> SiteRequest:
    """Return what the cluster's head is asked to do."""
    skipped = [skip.job for skip in plan.skipped]  # another machine may be able
    return SiteRequest(
        header=header,
        site=cluster.name,
        workload=NAME,
        divide=DIVIDE,
        packages=PACKAGES,
        jobs=tuple(shuffled([*plan.jobs, *skipped], plan.order_seed)),
        data_file="data.npz",
        threads=plan.threads_asked,
        time_limit_s=plan.time_limit_s,
        types=wanted(cluster),
        max_s=limits.max_s,
        max_usd=limits.max_usd,
        prices=prices_by_type(cluster.file) if cluster.file else {},
        show_hostnames=bool(os.environ.get(SHOW_VARIABLE)),
        wait_quiet_s=plan.wait_quiet_s,
    )


def make_plan(grid: GridSpec, arguments: argparse.Namespace, command: str) -> Plan:
    """Return the plan that `arguments` ask for. Raises DataError where there are no data."""
    dataset = resolve(arguments.dataset, arguments.data)
    facts = probe()
    wanted = expand(with_installed_backends(grid), dataset.name, arguments.as_published)
    jobs, skipped = divide(wanted, facts)
    if not jobs:
        raise RequestError(
            "this machine can run none of the jobs",
            seen="; ".join(dict.fromkeys(skip.reason for skip in skipped)),
            next_step="ask for others: mnist-bench run --help",
        )
    return Plan(
        grid=grid.name,
        jobs=tuple(shuffled(jobs, arguments.order_seed)),
        skipped=tuple(skipped),
        dataset=dataset,
        data_digest=combined_digest(dataset.digests),
        label=arguments.label or default_label(facts),
        threads=arguments.threads or threads(),
        threads_asked=arguments.threads,
        dispatch=arguments.dispatch,
        order_seed=arguments.order_seed,
        time_limit_s=arguments.job_timeout,
        command=command,
        wait_quiet_s=arguments.wait_quiet or 0,
        prices=read_rules(arguments.price) if arguments.price else (),
    )


def default_label(facts: MachineFacts) -> str:
    """Return a name for a machine that says what it is and not what its owner calls it."""
    model = facts.cpu_model or facts.cpu_architecture or "unknown CPU"
    cores = facts.logical_cores
    return f"{model}, {cores} CPUs" if cores else model
