"""The lines of a journal: the run's header, machines, job records, and a cluster's share.

Schema history:
    1  first version (November 2026): jobs in the fields of one workload; the header's own machine
       had no line of its own
    2  jobs hold values by axis, records hold metrics by name, and every machine has its line
       (bench/record/lift.py reads schema 1)
"""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from bench.record.conditions import Conditions, LookRecord
from bench.record.facts import MachineFacts, RuntimeFacts
from bench.record.failure import Failure
from bench.record.measurement import Measurement
from bench.record.price import PriceRule
from bench.spec.description import Outline
from bench.spec.frozen import Frozen
from bench.spec.job import JobSpec

SCHEMA_VERSION = 2


class RunHeader(Frozen):
    """The first line of a journal: what the run set out to do, so that it can be continued.

    `jobs` are all jobs that were asked for; the line of each machine says which of them it was
    given. `label` names the machine on which the command was typed.
    """

    schema_version: int = SCHEMA_VERSION
    run_id: str
    workload: Outline | None = Field(
        default=None, description="None: schema 1, which knew one workload alone"
    )
    request_digest: str = Field(description="of all that decides the jobs and how they run")
    command: str
    grid: str
    label: str
    dataset: str
    dataset_source: str
    dataset_note: str | None = None
    data_digest: str
    order_seed: int
    started_at: str
    jobs: tuple[JobSpec, ...]
    prices: tuple[PriceRule, ...] = Field(default=(), description="as the user stated them")


class Skip(Frozen):
    """A job that was asked for and that a machine cannot run, with the reason."""

    job: JobSpec
    reason: str


class MachineEntry(Frozen):
    """A journal line on a machine of the run, or why a machine was unavailable.

    `jobs` are the ids of the jobs that the machine was given; an entry with a `reason` has neither
    jobs nor facts. `own` marks the machine on which the command was typed.
    """

    entry: Literal["machine"] = "machine"
    schema_version: int = SCHEMA_VERSION
    run_id: str
    label: str
    own: bool = False
    machine: MachineFacts | None = None
    reason: str | None = None
    jobs: tuple[str, ...] = ()
    skipped: tuple[Skip, ...] = ()
    host_type: str | None = Field(default=None, description="the cluster's name for its kind")
    look: LookRecord | None = Field(default=None, description="before the machine's first job")
    usd_per_hour: float | None = None
    usd_source: str | None = Field(default=None, description="None: the host's own label")
    usd_date: str | None = None

    @model_validator(mode="after")
    def _machine_or_reason(self) -> MachineEntry:
        if (self.machine is None) == (self.reason is None):
            raise ValueError("a machine entry holds facts or a reason, and not both")
        return self


class JobRecord(Frozen):
    """What came back from one job on one machine: a measurement or a failure, never nothing."""

    entry: Literal["record"] = "record"
    schema_version: int = SCHEMA_VERSION
    run_id: str
    job_id: str
    job: JobSpec
    attempt: int = 1
    label: str
    machine: MachineFacts
    placed_by: str = Field(description="what placed the job: ray, ray cluster, inline, or bare")
    started_at: str = Field(description="UTC, ISO 8601")
    ended_at: str
    measurement: Measurement | None = None
    failure: Failure | None = None
    conditions: Conditions | None = None
    runtime: RuntimeFacts | None = Field(default=None, description="what the child had loaded")

    @model_validator(mode="after")
    def _one_outcome(self) -> JobRecord:
        if (self.measurement is None) == (self.failure is None):
            raise ValueError("a record holds a measurement or a failure, and not both")
        return self


class ClusterEntry(Frozen):
    """A journal line on a cluster's share of the run: begun, or ended with its outcome in words.

    `job` is the id of the detached job on the cluster's head, by which it is found again.
    """

    entry: Literal["cluster"] = "cluster"
    schema_version: int = SCHEMA_VERSION
    run_id: str
    cluster: str
    job: str
    at: str = Field(description="UTC, ISO 8601")
    outcome: str | None = Field(default=None, description="None: it goes on")


#: A line after the header.
Line = JobRecord | MachineEntry | ClusterEntry
