"""The lines of a journal: the run's header, machines, job records, and a cluster's share.

Schema history:
    1  first version (November 2026): a job had the fields of one workload, and the machine on
       which the command was typed had no line
    2  a job holds values by axis, a record holds metrics by name, and every machine has a line
       (bench/record/lift.py reads schema 1)
    3  each line ends with its number and a checksum (bench/record/seal.py), the header is repeated,
       and a line says that the report was written
    4  records of jobs that only measured ceilings, which the line of a machine names, and axes over
       which ceilings are pooled
"""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from bench.record.conditions import Conditions, LookRecord
from bench.record.facts import MachineFacts, RuntimeFacts
from bench.record.failure import Failure
from bench.record.measurement import BareCeilings, Measurement
from bench.record.price import PriceRule
from bench.spec.description import Outline
from bench.spec.frozen import Frozen
from bench.spec.job import JobSpec

SCHEMA_VERSION = 4


class SeriesPlace(Frozen):
    """The place of a run in a series of sittings that one command asked for."""

    series_id: str = Field(description="the same in every run of the series")
    number: int = Field(ge=1, description="1 is the first sitting of the series")
    of: int = Field(ge=1, description="how many sittings were asked for")
    precision: float | None = Field(
        default=None, description="the wanted half of the bracket, as a share, if it decides `of`"
    )
    first: int | None = Field(
        default=None, description="with a precision: the sittings of the first stage"
    )


class RunHeader(Frozen):
    """The first line of a journal: what the run was asked to do, so that it can be continued.

    `jobs` are all requested jobs; the line of each machine says which of them it was given.
    `label` names the machine on which the command was typed. The line is repeated before the first
    record of each call of the command, so that no damage of one place loses the run.
    """

    entry: Literal["header"] = "header"
    schema_version: int = SCHEMA_VERSION
    run_id: str
    workload: Outline | None = Field(
        default=None, description="None: schema 1, which had only one workload"
    )
    request_digest: str = Field(
        description="digest of everything that decides the jobs and how they run"
    )
    request: dict[str, str] = Field(
        default_factory=dict, description="what the digest covers, by name; long values as digests"
    )
    number: int | None = Field(
        default=None,
        ge=1,
        description="counts the runs of a folder: their order, also if the clock was set back",
    )
    command: str
    grid: str
    label: str
    dataset: str
    dataset_source: str
    dataset_note: str | None = None
    data_digest: str
    order_seed: int
    repeat_disturbed: int = Field(
        default=0, ge=0, description="how often a disturbed job is run again at most"
    )
    minutes: float | None = Field(
        default=None, gt=0, description="what the run was to take; None: all the time that it needs"
    )
    started_at: str
    jobs: tuple[JobSpec, ...]
    prices: tuple[PriceRule, ...] = Field(default=(), description="as the user stated them")
    series: SeriesPlace | None = Field(
        default=None, description="None: the run was not asked for as one of several sittings"
    )


class Skip(Frozen):
    """A requested job that a machine cannot run, with the reason."""

    job: JobSpec
    reason: str


class MachineEntry(Frozen):
    """A journal line for a machine of the run, or for an unavailable machine with the reason.

    `jobs` are the ids of the jobs that the machine was given. An entry with a `reason` has no jobs
    and no facts. `own` marks the machine on which the command was typed.
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
    host_type: str | None = Field(
        default=None, description="the cluster's name for this type of machine"
    )
    look: LookRecord | None = Field(
        default=None, description="the look before the machine's first job"
    )
    usd_per_hour: float | None = None
    usd_source: str | None = Field(
        default=None, description="None: the price comes from the host's own label"
    )
    usd_date: str | None = None
    ceiling_jobs: tuple[JobSpec, ...] = Field(
        default=(), description="jobs that only measure the machine's ceilings, after all others"
    )

    @model_validator(mode="after")
    def _machine_or_reason(self) -> MachineEntry:
        if (self.machine is None) == (self.reason is None):
            raise ValueError("a machine entry must hold either facts or a reason")
        return self


class JobRecord(Frozen):
    """The outcome of one job on one machine: a measurement or a failure.

    A job that only measures ceilings is no job of the grid. It has `ceilings` in place of a
    measurement.
    """

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
    runtime: RuntimeFacts | None = Field(
        default=None, description="what the child process had loaded"
    )
    only_ceilings: bool = Field(
        default=False, description="whether the job trained nothing and measured only ceilings"
    )
    ceilings: BareCeilings | None = None

    @model_validator(mode="after")
    def _one_outcome(self) -> JobRecord:
        kinds = (self.ceilings, self.measurement)
        measured, other = kinds if self.only_ceilings else kinds[::-1]
        if other is not None or (measured is None) == (self.failure is None):
            raise ValueError("a record must hold either a measurement or a failure")
        return self


class ClusterEntry(Frozen):
    """A journal line for a cluster's share of the run: its beginning, or its end with the outcome.

    `job` is the id of the detached job on the cluster's head.
    """

    entry: Literal["cluster"] = "cluster"
    schema_version: int = SCHEMA_VERSION
    run_id: str
    cluster: str
    job: str
    at: str = Field(description="UTC, ISO 8601")
    outcome: str | None = Field(default=None, description="None: the share is still running")


class OutOfTime(Frozen):
    """A journal line for the jobs that a machine did not run because the run's minutes were over.

    `jobs` are the ids of the jobs and of the repeats of disturbed jobs. They are no failures.
    """

    entry: Literal["out_of_time"] = "out_of_time"
    schema_version: int = SCHEMA_VERSION
    run_id: str
    label: str
    jobs: tuple[str, ...]


class ReportEntry(Frozen):
    """A journal line that says that the report of all lines before it was written."""

    entry: Literal["report"] = "report"
    schema_version: int = SCHEMA_VERSION
    run_id: str
    at: str = Field(description="UTC, ISO 8601")


#: A line after the header.
Line = JobRecord | MachineEntry | ClusterEntry | OutOfTime | ReportEntry
