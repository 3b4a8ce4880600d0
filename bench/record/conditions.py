"""What the parent saw of a job while it ran: the conditions of each epoch, flags and energy."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import Literal

from pydantic import Field

from bench.spec.frozen import Frozen, SharedTexts

Flag = Literal["quiet", "disturbed", "unknown"]


@dataclass(frozen=True)
class EnergySource:
    """A kind of energy source: its meter's name, and how the names of its readings begin."""

    meter: str
    begins: str
    hardware: Literal["CPU", "GPU", "machine"]
    covers: str


#: Every kind of energy source. `Conditions.unknown` names a source by its meter.
ENERGY_SOURCES = (
    EnergySource("RAPL", "RAPL", "CPU", "the CPU package, including other processes"),
    EnergySource("GPU", "NVML", "GPU", "the GPU, including other processes"),
    EnergySource("battery", "battery", "machine", "the whole machine, including the screen"),
)


@functools.lru_cache(maxsize=1024)
def energy_source(name: str) -> EnergySource | None:
    """Return the kind of the energy source called `name`, such as `NVML GPU 0`."""
    return next((source for source in ENERGY_SOURCES if name.startswith(source.begins)), None)


class EnergyReading(Frozen):
    """Energy that one source counted. `basis` says whether it was measured or how it was estimated.

    A source counts everything that its hardware does (a CPU package, a GPU, a laptop), so it
    includes other processes.
    """

    source: str
    covers: str
    joules: float
    basis: str = Field(description="`measured`, or `estimated from ...` or `by ...`")

    @property
    def hardware(self) -> Literal["CPU", "GPU", "machine"] | None:
        """The hardware whose energy was counted; None if the source is not a known one."""
        source = energy_source(self.source)
        return None if source is None else source.hardware


class GpuConditions(Frozen):
    """What one GPU was doing: means and extremes of samples that are about a second apart."""

    index: int
    utilisation_share: float | None = None
    sm_clock_hz: float | None = None
    memory_clock_hz: float | None = None
    power_w: float | None = None
    temperature_max_c: float | None = None
    memory_used_peak_bytes: int | None = None
    throttle_reasons: tuple[str, ...] = ()
    foreign_share: float | None = Field(
        default=None, description="mean share of the GPU's time that other processes used"
    )


def cause_text(name: str, figure: str) -> str:
    """Return a cause of a disturbance as a record keeps it: `steal (0.06 of the time)`."""
    return f"{name} ({figure})"


class Interference(Frozen):
    """What was seen during one epoch, or during the whole training of a job.

    Shares are shares of the wall time. A figure is None if it was not seen; if its source gave
    nothing at all, `Conditions.unknown` says why.
    """

    epoch: int | None = Field(
        default=None, description="None: the whole training, or the whole job"
    )
    wall_s: float
    flag: Flag = "unknown"
    causes: tuple[str, ...] = Field(
        default=(), description="why the flag is `disturbed`, with the values seen"
    )

    job_cpu_s: float | None = Field(
        default=None, description="CPU time of the child and of the processes that it started"
    )
    foreign_cpus: float | None = Field(
        default=None, description="mean CPUs used by processes outside the job and the benchmark"
    )
    group_foreign_cpus: float | None = Field(
        default=None, description="as foreign_cpus, but within the cgroup that sets our quota"
    )
    steal_share: float | None = Field(default=None, description="share of the CPUs' time")
    load_1min: float | None = None
    voluntary_switches: int | None = None
    involuntary_switches: int | None = None
    throttled_periods_share: float | None = Field(
        default=None, description="share of the cgroup's scheduling periods"
    )
    throttled_s: float | None = Field(
        default=None, description="pauses that the cgroup's quota imposed, summed over the CPUs"
    )
    pressure_cpu_some_share: float | None = None
    pressure_memory_some_share: float | None = None
    pressure_memory_full_share: float | None = None
    pressure_io_some_share: float | None = None
    pressure_io_full_share: float | None = None
    frequency_hz: float | None = Field(
        default=None, description="mean of the fastest CPUs, as many as the job has threads"
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
    swapped_bytes: int | None = Field(
        default=None, description="swapped in and out by the whole system"
    )
    rss_peak_bytes: int | None = None
    tree_rss_peak_bytes: int | None = Field(
        default=None, description="sum over the child and the processes that it started"
    )
    gpus: tuple[GpuConditions, ...] = ()
    energy: tuple[EnergyReading, ...] = ()
    doubts: dict[str, str] = Field(
        default_factory=dict,
        description="why a value that a source gave was not believed, by figure or energy source",
    )

    @property
    def doubts_by_meter(self) -> dict[str, str]:
        """Why a source was not believed, by the name that `Conditions.unknown` gives to it."""
        meters = {name: _meter(name) for name in self.doubts}
        return {meter: self.doubts[name] for name, meter in meters.items() if meter is not None}

    @property
    def cause_names(self) -> tuple[str, ...]:
        """The names of the causes, each once and without its figure (see `cause_text`)."""
        return tuple(dict.fromkeys(cause.partition(" (")[0] for cause in self.causes))

    @property
    def is_disturbed(self) -> bool:
        """Whether a figure reached its threshold."""
        return self.flag == "disturbed"


#: The meters of figures that may be doubted.
METERS = {
    "foreign_cpus": "CPU times",
    "steal_share": "CPU times",
    "group_foreign_cpus": "throttling",
    "throttled_periods_share": "throttling",
    "throttled_s": "throttling",
    "job_cpu_s": "processes",
    "frequency_hz": "frequency",
    "thermal_throttles": "thermal throttling",
    "swapped_bytes": "swap",
    "pressure_cpu_some_share": "CPU pressure",
    "pressure_memory_some_share": "memory pressure",
    "pressure_memory_full_share": "memory pressure",
    "pressure_io_some_share": "I/O pressure",
    "pressure_io_full_share": "I/O pressure",
}


def _meter(figure: str) -> str | None:
    """Return the meter of a doubted figure or energy source; None if it is of one GPU's figures."""
    source = energy_source(figure)
    return METERS.get(figure) if source is None else source.meter


class ForeignProcess(Frozen):
    """A process outside the job and the benchmark that used CPU time meanwhile."""

    pid: int
    name: str
    cpus: float


class LookRecord(Frozen):
    """The result of the look at a machine before its first job."""

    quiet: bool | None = Field(description="None: unknown")
    words: str = Field(description="the finding, and what to close or to change")
    seen: Interference
    busiest: tuple[ForeignProcess, ...] = ()


class Conditions(Frozen):
    """What the parent saw of the child, sampled every `period_s`.

    `whole` covers the training from the start of the first epoch to the end of the last. If a job
    has no epochs, it covers the time that the job ran.
    """

    period_s: float
    samples: int
    rss_peak_bytes: int | None
    tree_rss_peak_bytes: int | None = Field(
        default=None, description="sum over the child and the processes that it started, whole job"
    )
    cpu_s: float | None = None
    sampling_cpu_s: float | None = Field(
        default=None, description="CPU time that the sampling itself took"
    )
    whole: Interference | None = None
    epochs: tuple[Interference, ...] = ()
    foreign_processes: tuple[ForeignProcess, ...] = Field(
        default=(), description="the busiest ones over the whole job"
    )
    unknown: SharedTexts = Field(
        default_factory=dict, description="why a source gave nothing, by the source's name"
    )
