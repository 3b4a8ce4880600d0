"""What one job measured: epochs, raw step times, evaluations, memory, threads and digests."""

from __future__ import annotations

import base64
import math
import zlib
from collections.abc import Sequence
from typing import Annotated, Any, Literal

import numpy as np
import numpy.typing as npt
from pydantic import BeforeValidator, Field, model_validator

from bench.record.ceilings import Ceilings, WorkCount
from bench.record.confusion import Confusion
from bench.spec.frozen import Frozen, SharedTexts


def quantile(values: Sequence[float] | npt.NDArray[Any], q: float) -> float | None:
    """Return the linearly interpolated `q` quantile (Hyndman and Fan's type 7); None if empty."""
    array = np.asarray(values, dtype=float)
    return float(np.quantile(array, q)) if array.size else None


def _finite_or_none(value: Any) -> Any:
    return None if isinstance(value, float) and not math.isfinite(value) else value


#: A quality metric; None if it is not finite, for example after a diverged training.
Quality = Annotated[float | None, BeforeValidator(_finite_or_none)]


#: A time that may be too short for the clock, and one that cannot be 0. A line with any other time
#: is no record: no such time ever reaches a table.
Seconds = Annotated[float, Field(ge=0, allow_inf_nan=False)]
PositiveSeconds = Annotated[float, Field(gt=0, allow_inf_nan=False)]


class ThreadFacts(Frozen):
    """Threads and priority: what was requested, and what the framework and the system report."""

    asked: int
    environment: dict[str, str | None]
    intra_op: int | None = None
    inter_op: int | None = None
    niceness_asked: int | None = None
    niceness: int | None = None


class PackedTimes(Frozen):
    """Raw times in seconds: little-endian float32, deflated, in base64 (about 3 bytes per step)."""

    count: int = Field(ge=0)
    encoding: Literal["f4-zlib-base64"] = "f4-zlib-base64"
    data: str

    @classmethod
    def pack(cls, times_s: Any) -> PackedTimes:
        """Return a sequence of seconds in packed form, rounded to float32 (6e-8 relative)."""
        array = np.asarray(times_s, dtype="<f4")
        data = base64.b64encode(zlib.compress(array.tobytes(), 9)).decode("ascii")
        return cls(count=int(array.size), data=data)

    def unpack(self) -> npt.NDArray[np.float64]:
        """Return the seconds as a float64 array of shape (count,).

        Raises ValueError if the text is damaged.
        """
        try:
            raw = zlib.decompress(base64.b64decode(self.data, validate=True))
        except zlib.error as error:
            raise ValueError(f"the packed times are damaged: {error}") from error
        return np.frombuffer(raw, dtype="<f4").astype(float)

    @model_validator(mode="after")
    def _count_is_true(self) -> PackedTimes:
        times_s = self.unpack()
        if times_s.size != self.count:
            raise ValueError(f"count is {self.count}, but the data hold {times_s.size} times")
        if not (np.isfinite(times_s) & (times_s >= 0)).all():
            raise ValueError("the packed times are not all finite and 0 or more")
        return self


class EpochRecord(Frozen):
    """One timed epoch. Quantiles exclude the first step, which in epoch 1 traces and compiles."""

    epoch: int = Field(ge=1)
    started_s: Seconds = Field(description="seconds since the training's clock started")
    wall_s: PositiveSeconds
    cpu_s: Seconds = Field(description="user and system CPU seconds of the child")
    steps: int
    step_first_s: Seconds
    step_p10_s: Seconds | None
    step_median_s: Seconds | None
    step_p95_s: Seconds | None
    metrics: dict[str, Quality] = Field(
        default_factory=dict, description="the workload's metrics at the epoch's end, by name"
    )
    rss_bytes: int | None = Field(default=None, description="resident memory at the epoch's end")


class Evaluation(Frozen):
    """The workload's metrics after `epochs` epochs, evaluated with the training clock stopped.

    `total_s` is the time that a user waits, from the start of the training to the end of this
    evaluation. It excludes the other evaluations (read-offs).
    """

    epochs: int = Field(ge=1)
    metrics: dict[str, Quality] = Field(default_factory=dict)
    evaluate_s: Seconds
    total_s: PositiveSeconds
    weights_digest: str | None = None
    confusion: Confusion | None = Field(
        default=None, description="of the last evaluation; counted after the job, in no time here"
    )


class MemoryFacts(Frozen):
    """Resident memory of the child process, in bytes."""

    after_import_bytes: int | None = Field(
        description="after importing the framework, before loading data or a model"
    )
    after_data_bytes: int | None
    peak_bytes: int | None
    peak_source: str | None = Field(description="the counter that gave the peak")
    gpu_peak_bytes: int | None = Field(default=None, description="None: no GPU, or no counter")
    gpu_peak_source: str | None = None


class Digests(Frozen):
    """SHA-256 digests that prove that two jobs did the same work."""

    data: str
    initial_weights: str | None = None
    batch_order: str | None = None
    final_weights: str | None = None
    code: str = Field(description="digest of the source files of the engine and the workload")


class Measurement(Frozen):
    """What one job measured."""

    epochs: tuple[EpochRecord, ...]
    step_times: PackedTimes
    evaluations: tuple[Evaluation, ...] = Field(min_length=1)
    ragged_last_step: bool = Field(
        default=False, description="the last step of every epoch has fewer samples than a batch"
    )
    train_s: PositiveSeconds = Field(description="only the timed epochs")
    import_s: Seconds = Field(default=0.0, description="importing what the workload needs")
    first_step_at_s: Seconds | None = Field(
        default=None, description="from the child's start to its first finished step"
    )
    memory: MemoryFacts
    threads: ThreadFacts
    digests: Digests
    device: str
    versions: SharedTexts = Field(
        default_factory=dict, description="versions of the packages that the job had loaded"
    )
    work: WorkCount | None = None
    ceilings: Ceilings | None = Field(
        default=None, description="measured in the first job of each kind that has its own ceilings"
    )
    confusion_s: float = Field(
        default=0.0, description="counting the confusion matrix, after the job"
    )
    notes: tuple[str, ...] = ()

    @property
    def final(self) -> Evaluation:
        """The evaluation after the last epoch."""
        return self.evaluations[-1]


class BareCeilings(Frozen):
    """What a job measured that trained nothing: the ceilings alone."""

    ceilings: Ceilings
    threads: ThreadFacts
    device: str
    versions: SharedTexts = Field(
        default_factory=dict, description="versions of the packages that the job had loaded"
    )
