"""Whether a CPU quota holds a job up, or others keep the job from it: thresholds and rules."""

from __future__ import annotations

from bench.record.conditions import Interference

#: A job that got this share of its group's quota filled it: chosen here, as for foreign CPU. Calm
#: jobs of one thread got 0.99 of a quota of one CPU, and were throttled in 0.74 to 0.92 of the
#: periods for 2 to 7% of the time, at the speed of one CPU without a quota.
QUOTA_FILLED = 0.9
#: So many CPUs of others in a control group keep a job from its quota, as for foreign CPU.
TAKEN_CPUS = 0.1
#: From this share of a job's time in pauses on, its steps between them are not what it gets.
HELD_SHARE = 0.1


def kept_from_quota(seen: Interference, quota: float | None, threads: int) -> bool:
    """Say whether others in its control group keep a job of `threads` threads from a quota in CPUs.

    By what they used of it; where that is not known, by whether a job that could fill the quota got
    less than nine tenths of it. A job with more threads than quota is throttled either way.
    """
    if quota is None:
        return False
    if seen.group_foreign_cpus is not None:
        return seen.group_foreign_cpus >= TAKEN_CPUS
    if threads > quota or seen.job_cpu_s is None or not seen.wall_s:
        return False
    return seen.job_cpu_s / seen.wall_s < QUOTA_FILLED * quota


def held_by_quota(seen: Interference, quota: float | None, threads: int) -> bool:
    """Say whether a job's machine, by its quota, pauses it for a tenth of its time or more."""
    if quota is None or seen.throttled_s is None:
        return False
    if seen.throttled_s < HELD_SHARE * seen.wall_s * threads:
        return False
    return threads > quota or not kept_from_quota(seen, quota, threads)
