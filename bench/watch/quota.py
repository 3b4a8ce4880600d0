"""Whether a CPU quota pauses a job, or others keep the job from its quota: thresholds and rules."""

from __future__ import annotations

from bench.record.conditions import Interference

#: A job that got this share of its group's quota has filled it (chosen here, as for foreign CPU).
#: Calm jobs of one thread got 0.99 of a quota of one CPU. They were throttled in 0.74 to 0.92 of
#: the periods, for 2 to 7% of the time, and were as fast as on one CPU without a quota.
QUOTA_FILLED = 0.9
#: If others in a control group use this many CPUs, they keep a job from its quota.
TAKEN_CPUS = 0.1
#: If pauses take this share of a job's time, steps between pauses do not show its real speed.
HELD_SHARE = 0.1


def kept_from_quota(seen: Interference, quota: float | None, threads: int) -> bool:
    """Say whether others in its control group keep a job of `threads` threads from its quota.

    `quota` is in CPUs. If the CPU use of the others is known, it decides. If not, the job was kept
    from its quota if it could fill the quota but got less than nine tenths of it. A job with more
    threads than quota is throttled in any case.
    """
    if quota is None:
        return False
    if seen.group_foreign_cpus is not None:
        return seen.group_foreign_cpus >= TAKEN_CPUS
    if threads > quota or seen.job_cpu_s is None or not seen.wall_s:
        return False
    return seen.job_cpu_s / seen.wall_s < QUOTA_FILLED * quota


def held_by_quota(seen: Interference, quota: float | None, threads: int) -> bool:
    """Say whether the machine's quota pauses a job for at least a tenth of its time."""
    if quota is None or seen.throttled_s is None:
        return False
    if seen.throttled_s < HELD_SHARE * seen.wall_s * threads:
        return False
    return threads > quota or not kept_from_quota(seen, quota, threads)
