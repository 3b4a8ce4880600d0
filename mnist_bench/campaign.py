"""A campaign: one run from its plan to a complete journal."""

from __future__ import annotations

import argparse
import hashlib
import os
import secrets
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from filelock import FileLock, Timeout

from bench.dispatch import Dispatcher
from bench.dispatch.inline import InlineDispatcher
from bench.dispatch.ray_nodes import RayLocalDispatcher
from bench.errors import OutputError, RequestError, StoreError
from bench.launch import LaunchSpec
from bench.probe import probe
from bench.probe.cpu import usable_cpus
from bench.record import MachineFacts, RunHeader, Skip
from bench.spec import GridSpec, JobSpec, canonical_json, expand, shuffled
from bench.store import Journal, Run, find_journals, read_run, unfinished, unwritable
from bench.worker import utc_now
from mnist_bench.ability import divide, with_installed_backends
from mnist_bench.data import Dataset, combined_digest, resolve
from mnist_bench.progress import make_progress
from mnist_bench.staging import stage_in_cache
from mnist_bench.workload import NAME, PACKAGES, code_digest

DISPATCHERS = {"ray": RayLocalDispatcher, "inline": InlineDispatcher}


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
    dispatch: str
    order_seed: int
    time_limit_s: float
    command: str

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
        done: frozenset[str] = frozenset(),
    ) -> Iterator[LaunchSpec]:
        """Yield the description of every job that is not done, in the run's order."""
        data_path = str(stage_in_cache(self.dataset))
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
                    machine=machine,
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
        threads=arguments.threads or max(1, int(usable_cpus())),
        dispatch=arguments.dispatch,
        order_seed=arguments.order_seed,
        time_limit_s=arguments.job_timeout,
        command=command,
    )


def default_label(facts: MachineFacts) -> str:
    """Return a name for a machine that says what it is and not what its owner calls it."""
    model = facts.cpu_model or facts.cpu_architecture or "unknown CPU"
    cores = facts.logical_cores
    return f"{model}, {cores} CPUs" if cores else model


class Campaign:
    """Runs a plan and keeps its journal; goes on with a run of the same plan that was cut off."""

    def __init__(self, plan: Plan, out: Path, *, fresh: bool = False) -> None:
        self.plan, self.out, self.fresh = plan, out, fresh
        self.path: Path | None = None

    def run(self) -> bool:
        """Measure what is not measured yet; return whether it was interrupted.

        Raises OutputError where the results cannot be written, DispatchError where Ray fails.
        """
        prepare_folder(self.out)
        with _locked(self.out), make_progress(sys.stdout) as progress:
            taken_up = None if self.fresh else self._unfinished()
            progress.opening(self.plan, taken_up)
            if not taken_up and (other := self._other_unfinished()):
                progress.say(
                    f"note: {other} was cut off, but it is not the same request (other jobs, "
                    "settings or source code): this run starts anew"
                )
            try:
                with DISPATCHERS[self.plan.dispatch]() as dispatcher:
                    self._measure(dispatcher, taken_up, progress)
            except KeyboardInterrupt:
                if self.path is None:  # nothing was begun: there is no run to report
                    raise
                return True
        return False

    def read(self) -> Run:
        """Return the run as its journal holds it now."""
        assert self.path is not None, "read() comes after run()"
        return read_run(self.path)

    def _unfinished(self) -> Run | None:
        run = unfinished(find_journals(self.out / "journals"), self.plan.request_digest)
        if run:
            Journal(run.path).mend()
        return run

    def _other_unfinished(self) -> str | None:
        """Return the name of the newest journal where it misses jobs, whatever was asked for."""
        newest = find_journals(self.out / "journals")[-1:]
        try:
            return next((run.path.name for run in map(read_run, newest) if not run.complete), None)
        except StoreError:
            return None

    def _measure(self, dispatcher: Dispatcher, taken_up: Run | None, progress) -> None:
        machine = dispatcher.machine(PACKAGES)
        header = taken_up.header if taken_up else self._header(machine)
        self.path = taken_up.path if taken_up else self._new_path(header)
        journal = Journal(self.path)
        if not taken_up:
            journal.create(header)
        done = taken_up.done if taken_up else frozenset()
        launches = list(
            self.plan.launches(dispatcher.name, run_id=header.run_id, machine=machine, done=done)
        )
        progress.begin([launch.job for launch in launches], already=len(done))
        for event in dispatcher.run(launches):
            if event.record is not None:
                journal.append(event.record)  # on disk before it is announced
            progress.show(event)

    def _new_path(self, header: RunHeader) -> Path:
        return self.out / "journals" / f"{header.run_id}.jsonl"

    def _header(self, machine: MachineFacts) -> RunHeader:
        plan, now = self.plan, datetime.now(UTC)
        return RunHeader(
            run_id=f"{now:%Y%m%dT%H%M%S}Z-{_slug(plan.grid)}-{secrets.token_hex(2)}",
            request_digest=plan.request_digest,
            command=plan.command,
            grid=plan.grid,
            label=plan.label,
            dataset=plan.dataset.name,
            dataset_source=plan.dataset.source,
            dataset_note=plan.dataset.note,
            data_digest=plan.data_digest,
            order_seed=plan.order_seed,
            started_at=utc_now(),
            machine=machine,
            jobs=plan.jobs,
            skipped=plan.skipped,
        )


def prepare_folder(out: Path) -> None:
    """Make sure that `out` can be written before anything is measured. Raises OutputError."""
    missing = [folder for folder in (out, *out.parents) if not folder.exists()]
    try:
        out.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=out):
            pass
    except OSError as error:
        for folder in missing:
            if folder.is_dir():
                folder.rmdir()
        raise unwritable(out, error) from error


@contextmanager
def _locked(out: Path) -> Iterator[None]:
    """Hold the folder: two runs at once would disturb each other and mix their reports."""
    lock = FileLock(out / ".lock")
    try:
        lock.acquire(timeout=0)
    except Timeout as error:
        raise OutputError(
            f"another run is writing to {out}",
            next_step="wait for it: two runs on one machine spoil each other's figures",
        ) from error
    try:
        yield
    finally:
        lock.release()


def _slug(name: str) -> str:
    kept = "".join(c if c.isalnum() else "-" for c in name.lower()).strip("-")
    return kept[:40] or "grid"
