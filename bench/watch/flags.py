"""Which disturbances count: the thresholds, each with its source, and the causes that they name.

A job is compared with itself and with others by step times that differ by a few percent, so a
disturbance counts from about where it moves an epoch by that much. An epoch is `disturbed` from
these figures on (each row of CAUSES says where its own comes from), `quiet` below them, and
`unknown` where nobody could see what others used:

    foreign CPU              0.1 CPUs, where job and strangers together want more than there are
    foreign CPU in the group 0.1 CPUs, likewise within a control group's quota
    foreign GPU use          0.05 of the GPU's time
    steal                    0.05 of the time of the CPUs that the job can fill
    cgroup throttling        0.05 of periods, where others in the group use of its quota
    memory pressure          0.01 of the time (PSI `full`)
    I/O pressure             0.05 of the time (PSI `full`)
    swap                     1.04858e+06 bytes/s
    lower clock              0.1 of the job's median
    thermal throttling       1 events
    GPU slowdown             1 reasons

A job is disturbed by its mean over the training, or when 20% of its epochs are.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from bench.record.conditions import Interference
from bench.watch.quota import TAKEN_CPUS, kept_from_quota

#: A job counts as disturbed from this share of disturbed epochs on, even where its mean is quiet.
EPOCHS_SHARE = 0.2


@dataclass(frozen=True)
class Job:
    """What a threshold needs to know of the job: its threads, the CPUs it shares, its quota.

    `cores` are the physical ones among the CPUs; None: each CPU is a core.
    `on_gpu` False: what happens on a GPU is nothing to it.
    """

    threads: int
    cpus: int
    quota: float | None = None
    cores: int | None = None
    on_gpu: bool | None = None


@dataclass(frozen=True)
class Cause:
    """A disturbance: its name, the figure that shows it, and when that is too much.

    `source` says where the threshold comes from. `applies` says of which jobs it can be said.
    """

    name: str
    key: str
    threshold: float
    unit: str
    source: str
    applies: Callable[[Interference, Job], bool] = lambda seen, job: True


def _crowded(seen: Interference, job: Job) -> bool:
    """Say whether job and strangers together want more cores than there are.

    Two threads of one core slow each other down, so that a core counts once.
    """
    return job.threads + (seen.foreign_cpus or 0) > (job.cores or job.cpus)


def _group_crowded(seen: Interference, job: Job) -> bool:
    """Say whether job and strangers in its control group together want more than its quota."""
    return job.quota is not None and job.threads + (seen.group_foreign_cpus or 0) > job.quota


def _may_use_gpu(seen: Interference, job: Job) -> bool:
    """Say whether the job trains on a GPU, or may; a desktop's use of one slows no CPU job."""
    return job.on_gpu is not False


def _job_runs(seen: Interference, job: Job) -> bool:
    """Say whether a job ran: `full` pressure of an idle machine is anybody's wait for a disk."""
    return seen.job_cpu_s is not None


def _kept_from_its_quota(seen: Interference, job: Job) -> bool:
    """Say whether others in its control group keep the job from its quota.

    A job that is throttled by its own use of the quota has what its machine is (a fact), and is
    not disturbed.
    """
    return kept_from_quota(seen, job.quota, job.threads)


CAUSES: Sequence[Cause] = (
    Cause(
        "foreign CPU",
        "foreign_cpus",
        0.1,
        "CPUs",
        "a tenth of one CPU slows a job that fills two by a twentieth; calm epochs stayed below "
        "0.06, epochs beside a CPU hog lay above 0.6 (measured, docs/machine.md)",
        _crowded,
    ),
    Cause(
        "foreign CPU in the group",
        "group_foreign_cpus",
        TAKEN_CPUS,
        "CPUs",
        "as for foreign CPU: what others in a container use of its quota is missing from the job",
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
        "chosen here: what is stolen from a job that fills its CPUs is missing from it one to "
        "one, and a twentieth is what the spread between jobs can hide",
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
        "kernel docs, PSI: `full` is time in which nobody got on; it is lost to the job in full",
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
        "256 pages a second at about 0.1 ms from an SSD are 2.5% of the time",
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
        "any: the CPU itself counts an event when it slows down for heat (Intel SDM, Thermal "
        "Monitoring)",
    ),
    Cause(
        "GPU slowdown",
        "gpu_slowdowns",
        1,
        "reasons",
        "NVML: hardware slowdown, power brake or thermal slowdown; the power cap alone is a limit",
        _may_use_gpu,
    ),
)

#: Reasons of a low GPU clock that mean trouble, by NVML's bits; the others are the usual state.
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
    """Return `seen` with its flag: what disturbed it, or quiet, or unknown without figures.

    Foreign CPU must be known for `quiet`: without it nobody can tell.
    """
    causes = []
    for cause in CAUSES:
        value = _figure(seen, cause.key, job)
        if value is not None and value >= cause.threshold and cause.applies(seen, job):
            causes.append(f"{cause.name} ({value:.2g} {cause.unit})")
    quiet = "quiet" if seen.foreign_cpus is not None else "unknown"
    flag = "disturbed" if causes else quiet
    return seen.model_copy(update={"flag": flag, "causes": tuple(causes)})


def flagged_job(whole: Interference, epochs: Sequence[Interference], job: Job) -> Interference:
    """Return the whole job with its flag: by its own figures, or by a fifth of its epochs."""
    whole = flagged(whole, job)
    hit = [epoch for epoch in epochs if epoch.flag == "disturbed"]
    if whole.flag == "disturbed" or not hit or len(hit) < EPOCHS_SHARE * len(epochs):
        return whole
    names = dict.fromkeys(cause.partition(" (")[0] for epoch in hit for cause in epoch.causes)
    causes = tuple(f"{name} (in {len(hit)} of {len(epochs)} epochs)" for name in names)
    return whole.model_copy(update={"flag": "disturbed", "causes": causes})


def _figure(seen: Interference, key: str, job: Job) -> float | None:
    """Return the figure that a cause looks at, a few of them derived."""
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
