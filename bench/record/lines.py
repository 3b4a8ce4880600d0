"""What was found and what happened: facts, epochs, memory, digests, outcomes, records.

Schema history:
    1  first version (November 2026)
"""

from __future__ import annotations

import base64
import math
import zlib
from typing import Annotated, Any, Literal

import numpy as np
from pydantic import BeforeValidator, Field, model_validator

from bench.record.ceilings import Ceilings, WorkCount
from bench.record.conditions import Conditions, LookRecord
from bench.record.facts import MachineFacts, RuntimeFacts
from bench.record.price import PriceRule
from bench.spec.grid import Frozen, JobSpec

SCHEMA_VERSION = 1


def _finite_or_none(value: Any) -> Any:
    return None if isinstance(value, float) and not math.isfinite(value) else value


#: A loss: None where training diverged and it is no finite number (JSON has no NaN).
Loss = Annotated[float | None, BeforeValidator(_finite_or_none)]


class ThreadFacts(Frozen):
    """Threads and priority that were asked for and that the framework and the system report."""

    asked: int
    environment: dict[str, str | None]
    intra_op: int | None = None
    inter_op: int | None = None
    niceness_asked: int | None = None
    niceness: int | None = None


class PackedTimes(Frozen):
    """Raw times in seconds: little-endian float32, deflated, in base64 (about 3 bytes a step)."""

    count: int = Field(ge=0)
    encoding: Literal["f4-zlib-base64"] = "f4-zlib-base64"
    data: str

    @classmethod
    def pack(cls, times_s: Any) -> PackedTimes:
        """Return the packed form of a sequence of seconds, rounded to float32 (6e-8 relative)."""
        array = np.asarray(times_s, dtype="<f4")
        data = base64.b64encode(zlib.compress(array.tobytes(), 9)).decode("ascii")
        return cls(count=int(array.size), data=data)

    def unpack(self) -> np.ndarray:
        """Return the seconds as a float64 array of shape (count,).

        Raises ValueError where the text is damaged.
        """
        try:
            raw = zlib.decompress(base64.b64decode(self.data, validate=True))
        except zlib.error as error:
            raise ValueError(f"the packed times are damaged: {error}") from error
        return np.frombuffer(raw, dtype="<f4").astype(float)

    @model_validator(mode="after")
    def _count_is_true(self) -> PackedTimes:
        if self.unpack().size != self.count:
            raise ValueError(f"count says {self.count}, the data hold {self.unpack().size} times")
        return self


class EpochRecord(Frozen):
    """One timed epoch. `step_first_s` of epoch 1 holds trace and compile; it is in no quantile."""

    epoch: int = Field(ge=1)
    started_s: float = Field(description="since the annex clock started")
    wall_s: float
    cpu_s: float = Field(description="user and system CPU seconds of the child")
    steps: int
    step_first_s: float
    step_p10_s: float | None
    step_median_s: float | None
    step_p95_s: float | None
    train_loss: Loss
    train_accuracy: float
    rss_bytes: int | None = Field(default=None, description="resident memory at the epoch's end")


class Evaluation(Frozen):
    """Loss and accuracy on both sets after `epochs` epochs, evaluated with the training clock off.

    `total_s` is the region that the 2020 annex timed: from just before compile to just after both
    evaluations, other evaluations (read-offs) left out.
    """

    epochs: int = Field(ge=1)
    train_loss: Loss
    train_accuracy: float
    test_loss: Loss
    test_accuracy: float
    evaluate_s: float
    total_s: float
    weights_digest: str


class MemoryFacts(Frozen):
    """Memory of the child process, in bytes of resident set."""

    after_import_bytes: int | None = Field(description="framework imported, no data, no model")
    after_data_bytes: int | None
    peak_bytes: int | None
    peak_source: str | None = Field(description="the counter that gave the peak")
    gpu_peak_bytes: int | None = Field(default=None, description="None: no GPU, or not counted")
    gpu_peak_source: str | None = None


class Digests(Frozen):
    """SHA-256 digests that prove that two jobs were the same job."""

    data: str
    initial_weights: str
    batch_order: str
    final_weights: str
    code: str = Field(description="of the source files of the engine and of the workload")


class Measurement(Frozen):
    """What one job measured."""

    epochs: tuple[EpochRecord, ...]
    step_times: PackedTimes
    evaluations: tuple[Evaluation, ...] = Field(min_length=1)
    ragged_last_step: bool = Field(
        default=False, description="the last step of every epoch holds fewer samples than a batch"
    )
    train_s: float = Field(description="the timed epochs alone")
    import_s: float = Field(description="importing the backend")
    first_step_at_s: float | None = Field(
        default=None, description="from the child's start to its first finished step"
    )
    memory: MemoryFacts
    threads: ThreadFacts
    digests: Digests
    device: str
    framework: dict[str, str]
    work: WorkCount | None = None
    ceilings: Ceilings | None = Field(
        default=None, description="in the first job of each backend and precision of a run"
    )
    notes: tuple[str, ...] = ()

    @property
    def final(self) -> Evaluation:
        """The evaluation after the last epoch."""
        return self.evaluations[-1]


class Failure(Frozen):
    """Why a job gave no measurement."""

    reason: Literal["exception", "crash", "time limit", "lost", "dispatch", "no GPU visible"]
    message: str
    exception: str | None = None
    traceback: str | None = None
    log_tail: str | None = None


class JobRecord(Frozen):
    """What came back from one job on one machine: a measurement or a failure, never nothing."""

    schema_version: int = SCHEMA_VERSION
    run_id: str
    job_id: str
    job: JobSpec
    attempt: int = 1
    label: str
    machine: MachineFacts
    placed_by: str = Field(description="ray, inline, or bare")
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


class Skip(Frozen):
    """A job that was asked for and that this machine cannot run, with the reason."""

    job: JobSpec
    reason: str


class MachineEntry(Frozen):
    """A journal line on a machine that a run came to besides its own, or why it was not had.

    `jobs` are the ids of the jobs that the machine was given; None with a `reason` and no facts
    where there was no machine to give them to.
    """

    entry: Literal["machine"] = "machine"
    schema_version: int = SCHEMA_VERSION
    run_id: str
    label: str
    machine: MachineFacts | None = None
    reason: str | None = None
    jobs: tuple[str, ...] | None = None
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


class SiteEntry(Frozen):
    """A journal line on a cluster's part of the run: begun, or ended with its outcome in words.

    `job` is the id of the detached job on the cluster's head, by which it is found again.
    """

    entry: Literal["site"] = "site"
    schema_version: int = SCHEMA_VERSION
    run_id: str
    site: str
    job: str
    at: str = Field(description="UTC, ISO 8601")
    outcome: str | None = Field(default=None, description="None: it goes on")


class RunHeader(Frozen):
    """The first line of a journal: what the run set out to do, so that it can be taken up again."""

    schema_version: int = SCHEMA_VERSION
    run_id: str
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
    machine: MachineFacts
    jobs: tuple[JobSpec, ...]
    skipped: tuple[Skip, ...] = ()
    prices: tuple[PriceRule, ...] = Field(default=(), description="as the user stated them")
    look: LookRecord | None = Field(default=None, description="before the first job")
    measured: bool = Field(
        default=True, description="False: on the header's machine only the driver ran"
    )
