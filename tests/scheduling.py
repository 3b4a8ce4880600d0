"""The real scheduler on simulated hosts, for tests of what they do in virtual time."""

from __future__ import annotations

import itertools

from builders import a_job, a_measurement, a_record
from launches import a_launch

from bench.dispatch.planner import Patience, Planner
from bench.dispatch.scheduler import Scheduler
from bench.dispatch.simulated import SimulatedHosts
from bench.dispatch.supply import GridSupply
from bench.dispatch.transport import Host
from bench.record.lines import MachineEntry

JOBS = [a_job(seed=seed) for seed in range(4)]
MEASURED = a_measurement([[0.5, 0.25, 0.25]] * 2)


def outcome(launch):
    """The record that a simulated job leaves, as text."""
    record = a_record(launch.job, MEASURED, label=launch.label, attempt=launch.attempt)
    return record.model_dump_json()


def planner(folder, ends_s=None):
    """Make the launches and journal lines of simulated hosts."""
    return Planner(
        launch=lambda job, host, prepared, attempt: a_launch(
            "ok", folder, label=host.name, attempt=attempt, machine=prepared.facts
        ).model_copy(update={"job": job}),
        entry=lambda host, prepared: MachineEntry(
            run_id="run-1",
            label=host.name,
            machine=prepared.facts,
            jobs=tuple(job.job_id for job in prepared.able),
            ceiling_jobs=prepared.ceiling_jobs,
        ),
        unavailable=lambda name, reason: MachineEntry(run_id="run-1", label=name, reason=reason),
        ends_s=ends_s,
    )


def cluster(names, length_s=lambda name, launch: 10.0, jobs=JOBS, outcome_of=outcome, **options):
    hosts = [Host(name, f"{name}-first") for name in names]
    return SimulatedHosts(hosts, jobs, length_s, outcome_of, **options)


def run(simulated, tmp_path, supply=None, ends_s=None, **options):
    """Run the real scheduler on simulated hosts to its end; return (scheduler, events)."""
    options = {"patience": Patience(grace_s=100.0, settle_s=3.0), **options}
    made = planner(tmp_path, ends_s)
    scheduler = Scheduler(simulated, supply or GridSupply(), made, clock=simulated.clock, **options)
    return scheduler, list(scheduler.run())


def records(events):
    return [event.record for event in events if event.record]


def by_host(events):
    return {
        name: [record.job_id for record in group]
        for name, group in itertools.groupby(
            sorted(records(events), key=lambda record: record.label), key=lambda r: r.label
        )
    }
