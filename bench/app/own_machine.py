"""This machine's share of a run: what it is set up with, its launches, and its journal line."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from bench.app.plan import Plan
from bench.child.launch import LaunchSpec
from bench.dispatch.ceiling_jobs import CEILING_JOB_S
from bench.dispatch.local import LocalSetup, LocalTransport
from bench.dispatch.planner import Planner
from bench.dispatch.ray_local import RayLocal
from bench.dispatch.timed_supply import kinds_first
from bench.dispatch.transport import Host, Prepared, Transport
from bench.record.conditions import LookRecord
from bench.record.lines import MachineEntry
from bench.record.share import Share
from bench.spec.job import JobSpec
from bench.spec.order import run_order
from bench.spec.request import Dispatch

#: What `--dispatch` may say, and what then carries jobs to this machine.
TRANSPORTS: Mapping[Dispatch, Callable[[LocalSetup], Transport]] = {
    RayLocal.name: RayLocal,
    LocalTransport.name: LocalTransport,
}


class OwnMachine:
    """Makes what the scheduler needs of the machine on which the command was typed.

    `continued` is the machine's share in the run that is continued; None if it has none. `look` is
    what a look at the machine found. `jobs` are the machine's jobs in the order in which it runs
    them.
    """

    def __init__(
        self,
        plan: Plan,
        run_id: str,
        placed_by: str,
        continued: Share | None,
        look: LookRecord | None = None,
    ) -> None:
        self._look = look
        self._plan, self._run_id, self._placed_by = plan, run_id, placed_by
        self.done = continued.done if continued else frozenset()
        self.jobs = tuple(self._ordered())
        left = [job for job in self.jobs if job.job_id not in self.done]
        self._ceilings_done = continued.bare_done if continued else frozenset()
        self._measuring = plan.measuring(left, continued.records if continued else ())

    def _ordered(self) -> list[JobSpec]:
        """Return the jobs in the order in which this machine runs them."""
        plan = self._plan
        jobs = run_order(plan.jobs, plan.order_seed, plan.label, self._run_id)
        if plan.minutes is None:
            return jobs
        return kinds_first(jobs, plan.workload.description.axes, plan.estimate_s)

    def planner(self, ends_s: float | None = None) -> Planner:
        """Return what the scheduler calls, if the run must have ended at `ends_s`."""
        return Planner(self._launch, self._entry, self._unavailable, self.ceilings_due, ends_s)

    def ceilings_due(self, entry: MachineEntry | None = None) -> tuple[JobSpec, ...]:
        """Return the jobs that only measure ceilings and are still to run."""
        jobs = self._plan.ceiling_jobs
        return tuple(job for job in jobs if job.job_id not in self._ceilings_done)

    def jobs_end_s(self, ends_s: float | None) -> float | None:
        """Return when the jobs of the grid must have ended, if the run must have at `ends_s`."""
        return None if ends_s is None else ends_s - CEILING_JOB_S * len(self.ceilings_due())

    def _launch(self, job: JobSpec, host: Host, prepared: Prepared, attempt: int) -> LaunchSpec:
        launch = self._plan.launch(
            job,
            placed_by=self._placed_by,
            run_id=self._run_id,
            machine=prepared.facts,
            measure_ceilings=job.job_id in self._measuring,
        )
        return launch.model_copy(update={"attempt": attempt})

    def _entry(self, host: Host, prepared: Prepared) -> MachineEntry:
        return MachineEntry(
            run_id=self._run_id,
            label=self._plan.label,
            own=True,
            machine=prepared.facts,
            jobs=tuple(job.job_id for job in prepared.able),
            ceiling_jobs=prepared.ceiling_jobs,
            skipped=prepared.skipped,
            look=self._look,
        )

    def _unavailable(self, name: str, reason: str) -> MachineEntry:
        return MachineEntry(run_id=self._run_id, label=self._plan.label, own=True, reason=reason)


def own_transport(plan: Plan) -> Transport:
    """Return what carries the jobs of `plan` to this machine; it is not started."""
    setup = LocalSetup(
        workload=plan.reference,
        jobs=plan.jobs,
        ceiling_jobs=plan.ceiling_jobs,
        skipped=plan.skipped,
        privacy=plan.privacy,
    )
    return TRANSPORTS[plan.dispatch](setup)
