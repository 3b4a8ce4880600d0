"""Which disturbances count: the thresholds, each with its source, and the causes that they name.

Jobs are compared by step times that differ by a few percent, so a disturbance counts if it changes
an epoch by about that much. An epoch is `disturbed` if a figure reaches its threshold (each row of
CAUSES gives the threshold's source), `quiet` if no figure does, and `unknown` if the CPU use of
other processes could not be seen or a figure of the table was not believed:

    foreign CPU              0.1 CPUs, if job and other processes want more CPUs than there are
    foreign CPU in the group 0.1 CPUs, if they want more than their control group's quota
    foreign GPU use          0.05 of the GPU's time
    steal                    0.05 of the time of the CPUs that the job can fill
    cgroup throttling        0.05 of periods, if other processes in the group use its quota
    memory pressure          0.01 of the time (PSI `full`)
    I/O pressure             0.05 of the time (PSI `full`)
    swap                     1.04858e+06 bytes/s
    lower clock              0.1 of the job's median
    thermal throttling       1 events
    GPU slowdown             1 reasons

A job is disturbed if its mean over the training is, or if 20% of its epochs are.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from bench.record.conditions import Interference, cause_text
from bench.watch.quota import TAKEN_CPUS, kept_from_quota

#: A job is disturbed if this share of its epochs is, even if its mean is quiet.
EPOCHS_SHARE = 0.2


@dataclass(frozen=True)
class Job:
    """What a threshold needs to know about the job: its threads, its CPUs and its quota.

    `cores` counts the physical cores of these CPUs; None: each CPU is a core. If `on_gpu` is False,
    events on a GPU do not concern the job.
    """

    threads: int
    cpus: int
    quota: float | None = None
    cores: int | None = None
    on_gpu: bool | None = None


@dataclass(frozen=True)
class Cause:
    """A disturbance: its name, the figure that shows it, and the figure's threshold.

    `source` says where the threshold comes from. `applies` says whether the cause applies to a job.
    """

    name: str
    key: str
    threshold: float
    unit: str
    source: str
    applies: Callable[[Interference, Job], bool] = lambda seen, job: True


def _crowded(seen: Interference, job: Job) -> bool:
    """Say whether the job and other processes together want more cores than there are.

    Two threads on one core slow each other down, so a core counts once.
    """
    return job.threads + (seen.foreign_cpus or 0) > (job.cores or job.cpus)


def _group_crowded(seen: Interference, job: Job) -> bool:
    """Say whether the job and others in its control group together want more than its quota."""
    return job.quota is not None and job.threads + (seen.group_foreign_cpus or 0) > job.quota


def _may_use_gpu(seen: Interference, job: Job) -> bool:
    """Say whether the job may train on a GPU; a desktop that uses a GPU slows no CPU job."""
    return job.on_gpu is not False


def _job_runs(seen: Interference, job: Job) -> bool:
    """Say whether a job ran; if none runs, any process that waits for a disk raises `full`."""
    return seen.job_cpu_s is not None


def _kept_from_its_quota(seen: Interference, job: Job) -> bool:
    """Say whether others in its control group keep the job from its quota.

    If a job's own use of the quota throttles it, that is a fact of the machine and no disturbance.
    """
    return kept_from_quota(seen, job.quota, job.threads)


CAUSES: Sequence[Cause] = (
    Cause(
        "foreign CPU",
        "foreign_cpus",
        0.1,
        "CPUs",
        "a tenth of one CPU slows a job that fills two CPUs by a twentieth; calm epochs stayed "
        "below 0.06, and epochs beside a CPU hog were above 0.6 (measured, docs/machine.md)",
        _crowded,
    ),
    Cause(
        "foreign CPU in the group",
        "group_foreign_cpus",
        TAKEN_CPUS,
        "CPUs",
        "as for foreign CPU: the job loses what others in its container use of the quota",
        _group_crowded,
    ),
    Cause(
        "foreign GPU use",
        "gpu_foreign",
        0.05,
        "of the GPU's time",
        "chosen here, as for steal: kernels of several processes take turns on a GPU",
        _may_use_gpu,
    ),
    Cause(
        "steal",
        "steal_of_job",
        0.05,
        "of the time of the CPUs that the job can fill",
        "chosen here: a job that fills its CPUs loses all the stolen time, and the spread between "
        "jobs can hide a twentieth",
    ),
    Cause(
        "cgroup throttling",
        "throttled_periods_share",
        0.05,
        "of periods",
        "chosen here: one period in twenty (100 ms each); a throttled period holds up all threads",
        _kept_from_its_quota,
    ),
    Cause(
        "memory pressure",
        "pressure_memory_full_share",
        0.01,
        "of the time",
        "kernel docs, PSI: in `full` time no task makes progress, so the job loses all of it",
        _job_runs,
    ),
    Cause(
        "I/O pressure",
        "pressure_io_full_share",
        0.05,
        "of the time",
        "kernel docs, PSI: as for memory; `full` cannot rise while the job computes",
        _job_runs,
    ),
    Cause(
        "swap",
        "swapped_bytes_per_s",
        2**20,
        "bytes/s",
        "256 pages per second at about 0.1 ms each from an SSD are 2.5% of the time",
    ),
    Cause(
        "lower clock",
        "clock_loss",
        0.1,
        "of the job's median",
        "compute-bound steps slow down in proportion to the clock",
    ),
    Cause(
        "thermal throttling",
        "thermal_throttles",
        1,
        "events",
        "any event: the CPU counts one when it slows down because of heat (Intel SDM, Thermal "
        "Monitoring)",
    ),
    Cause(
        "GPU slowdown",
        "gpu_slowdowns",
        1,
        "reasons",
        "NVML: hardware slowdown, power brake or thermal slowdown; a power cap is just a limit",
        _may_use_gpu,
    ),
)

#: The recorded figures that a cause's own figure is made of, if it has another name. (A clock that
#: is not believed is as unknown as the clock of a machine that states none.)
FIGURES = {"steal_of_job": "steal_share", "swapped_bytes_per_s": "swapped_bytes"}

#: Reasons for a low GPU clock that mean trouble; the other reasons are normal.
GPU_TROUBLES = frozenset({"hardware slowdown", "power brake", "thermal", "thermal (hardware)"})

GPU_REASONS: tuple[tuple[int, str], ...] = (
    (0x1, "idle"),
    (0x2, "application clocks"),
    (0x4, "power cap"),
    (0x8, "hardware slowdown"),
    (0x10, "sync boost"),
    (0x20, "thermal"),
    (0x40, "thermal (hardware)"),
    (0x80, "power brake"),
    (0x100, "display clocks"),
)


def flagged(seen: Interference, job: Job) -> Interference:
    """Return `seen` with its flag and the causes.

    The flag is `quiet` only if the CPU use of other processes is known and no figure of a cause is
    doubted, else `unknown`.
    """
    causes = []
    for cause in CAUSES:
        value = _figure(seen, cause.key, job)
        if value is not None and value >= cause.threshold and cause.applies(seen, job):
            causes.append(cause_text(cause.name, f"{value:.2g} {cause.unit}"))
    quiet = "unknown" if seen.foreign_cpus is None or _is_doubted(seen, job) else "quiet"
    flag = "disturbed" if causes else quiet
    return seen.model_copy(update={"flag": flag, "causes": tuple(causes)})


def _is_doubted(seen: Interference, job: Job) -> bool:
    """Say whether a figure that may be a cause of the job's disturbance was not believed."""
    figures = {FIGURES.get(cause.key, cause.key) for cause in CAUSES}
    if job.on_gpu is not False:
        figures |= {f"GPU {gpu.index}: foreign_share" for gpu in seen.gpus}
    return not figures.isdisjoint(seen.doubts)


def flagged_job(whole: Interference, epochs: Sequence[Interference], job: Job) -> Interference:
    """Return the whole job with its flag, by its own figures or by a fifth of its epochs."""
    whole = flagged(whole, job)
    hit = [epoch for epoch in epochs if epoch.is_disturbed]
    if whole.is_disturbed or not hit or len(hit) < EPOCHS_SHARE * len(epochs):
        return whole
    names = dict.fromkeys(name for epoch in hit for name in epoch.cause_names)
    causes = tuple(cause_text(name, f"in {len(hit)} of {len(epochs)} epochs") for name in names)
    return whole.model_copy(update={"flag": "disturbed", "causes": causes})


def _figure(seen: Interference, key: str, job: Job) -> float | None:
    """Return the figure of a cause; some figures are derived from several fields."""
    if key == "swapped_bytes_per_s":
        return None if seen.swapped_bytes is None else seen.swapped_bytes / max(seen.wall_s, 1e-9)
    if key == "clock_loss":
        return None if seen.frequency_drift is None else -seen.frequency_drift
    if key == "gpu_slowdowns":
        return float(sum(len(GPU_TROUBLES & set(gpu.throttle_reasons)) for gpu in seen.gpus))
    if key == "gpu_foreign":
        return max((gpu.foreign_share or 0.0 for gpu in seen.gpus), default=None)
    if key == "steal_of_job":
        filled = min(job.threads, job.cpus)
        return None if seen.steal_share is None else min(1.0, seen.steal_share * job.cpus / filled)
    figure: float | None = getattr(seen, key)
    return figure
