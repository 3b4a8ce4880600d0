"""What was seen of a job from outside while it ran: conditions of each epoch, flags, energy."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from bench.spec.frozen import Frozen

Flag = Literal["quiet", "disturbed", "unknown"]


class EnergyReading(Frozen):
    """Energy that one source counted. `basis` says whether it was measured, or estimated and how.

    A source covers what its hardware does (a whole CPU package, a whole GPU, a whole laptop),
    other processes included.
    """

    source: str
    covers: str
    joules: float
    basis: str = Field(description="`measured`, or `estimated from ...` or `by ...`")


class GpuConditions(Frozen):
    """What one GPU was doing: means and extremes of samples about a second apart."""

    index: int
    utilisation_share: float | None = None
    sm_clock_hz: float | None = None
    memory_clock_hz: float | None = None
    power_w: float | None = None
    temperature_max_c: float | None = None
    memory_used_peak_bytes: int | None = None
    throttle_reasons: tuple[str, ...] = ()
    foreign_share: float | None = Field(
        default=None, description="of its time that others' processes used, mean"
    )


class Interference(Frozen):
    """What was seen during one epoch, or during the whole of a job's training.

    Shares are of the wall time. A figure is None where it was not seen; `Conditions.unknown` says
    why where its source gave nothing at all.
    """

    epoch: int | None = Field(default=None, description="None: the whole training, or job")
    wall_s: float
    flag: Flag = "unknown"
    causes: tuple[str, ...] = Field(default=(), description="of `disturbed`, with the value seen")

    job_cpu_s: float | None = Field(default=None, description="the child and what it started")
    foreign_cpus: float | None = Field(
        default=None, description="CPUs that processes of neither job nor benchmark used, mean"
    )
    group_foreign_cpus: float | None = Field(
        default=None, description="as foreign_cpus, within the control group whose quota is ours"
    )
    steal_share: float | None = Field(default=None, description="of the CPUs' time")
    load_1min: float | None = None
    voluntary_switches: int | None = None
    involuntary_switches: int | None = None
    throttled_periods_share: float | None = Field(
        default=None, description="of the cgroup's scheduling periods"
    )
    throttled_s: float | None = Field(
        default=None, description="pauses by the cgroup's quota, added up over the CPUs"
    )
    pressure_cpu_some_share: float | None = None
    pressure_memory_some_share: float | None = None
    pressure_memory_full_share: float | None = None
    pressure_io_some_share: float | None = None
    pressure_io_full_share: float | None = None
    frequency_hz: float | None = Field(
        default=None, description="mean over time of the fastest CPUs, one a thread of the job"
    )
    frequency_drift: float | None = Field(
        default=None, description="relative to the job's own median epoch; -0.1 is 10% slower"
    )
    on_battery: bool | None = Field(
        default=None, description="at any time; None: no battery gave power at the job's start"
    )
    temperature_max_c: float | None = None
    thermal_throttles: int | None = Field(default=None, description="events that the CPUs counted")
    minor_faults: int | None = None
    major_faults: int | None = None
    swapped_bytes: int | None = Field(default=None, description="in and out, the whole system")
    rss_peak_bytes: int | None = None
    tree_rss_peak_bytes: int | None = Field(
        default=None, description="of the child and what it started, added up"
    )
    gpus: tuple[GpuConditions, ...] = ()
    energy: tuple[EnergyReading, ...] = ()


class ForeignProcess(Frozen):
    """A process of neither job nor benchmark that used CPU time meanwhile."""

    pid: int
    name: str
    cpus: float


class LookRecord(Frozen):
    """What a look at a machine found before its first job."""

    quiet: bool | None = Field(description="None: it cannot be told")
    words: str = Field(description="the finding, and what to close or to change")
    seen: Interference
    busiest: tuple[ForeignProcess, ...] = ()


class Conditions(Frozen):
    """What the parent saw of the child from outside, at `period_s`.

    `whole` covers the training from the first epoch's start to the last one's end; where a job
    has no epochs, the time that it ran.
    """

    period_s: float
    samples: int
    rss_peak_bytes: int | None
    tree_rss_peak_bytes: int | None = Field(
        default=None, description="of the child and what it started, added up, over the whole job"
    )
    cpu_s: float | None = None
    sampling_cpu_s: float | None = Field(default=None, description="what the sampling itself took")
    whole: Interference | None = None
    epochs: tuple[Interference, ...] = ()
    foreign_processes: tuple[ForeignProcess, ...] = Field(
        default=(), description="the busiest, over the whole job"
    )
    unknown: dict[str, str] = Field(
        default_factory=dict, description="why a source gave nothing, by the source's name"
    )
