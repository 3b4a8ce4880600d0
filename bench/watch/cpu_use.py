"""Whose CPU time was spent in an interval, checked against what our own processes used.

The system's count of busy time may be of other CPUs (in a container), or of none (in a sandbox).
It is believed only if it holds what processes were seen to use.
"""

from __future__ import annotations

from collections.abc import Mapping

from bench.watch.interval import Interval

#: Two counts of CPU time agree if they differ by no more than this many CPUs (the threshold of
#: foreign CPU), this share of what they count, and this many seconds at the edges.
AGREE_CPUS, AGREE_SHARE, AGREE_S = 0.1, 0.02, 0.1

#: Seconds beyond an interval within which scans of all processes still belong to it.
SCAN_NEAR_S = 1.0

#: Seconds of CPU time per CPU that a job may have used before its processes were found.
FOUND_LATE_S = 10.0


def cpu_use(seen: Interval, cpus: int) -> Mapping[str, float | None]:
    """Return the fields of an Interference that tell whose CPU time was spent, on `cpus` CPUs."""
    own_s = _foreign(seen, "foreign_cpus", "busy_cpu_s")
    group_s = _foreign(seen, "group_foreign_cpus", "group_cpu_s")
    return {
        "job_cpu_s": _job(seen, cpus),
        "foreign_cpus": seen.per_second(_unless_seen(seen, own_s)),
        "group_foreign_cpus": seen.per_second(group_s),
        "steal_share": seen.share("steal_share", "steal_cpu_s", cpus),
    }


def _job(seen: Interval, cpus: int) -> float | None:
    """Return what the job used: its whole tree of processes, or at least its child."""
    rises = (seen.rise("job_cpu_s", name) for name in ("tree_cpu_s", "child_cpu_s"))
    used_s = next((rise for rise in rises if rise is not None), None)
    if used_s is None or used_s <= cpus * (seen.wall_s + FOUND_LATE_S):
        return used_s
    seen.doubt("job_cpu_s", f"{used_s:.3g} s in {seen.wall_s:.3g} s on {cpus} CPUs are impossible")
    return None


def _foreign(seen: Interval, figure: str, name: str) -> float | None:
    """Return the CPU seconds of a counter minus the CPU seconds of our own processes.

    If the counter holds less than our own processes used, it does not count what they run on.
    """
    busy, own = seen.rise(figure, name), seen.rise(figure, "own_cpu_s")
    if busy is None or own is None:
        return None
    if own > busy + _beside(seen) + _slack(own, seen.wall_s):
        reason = f"{busy:.2f} s of CPU time are counted, but our own processes used {own:.2f} s"
        seen.doubt(figure, reason)
        return None
    return max(0.0, busy - own)


def _unless_seen(seen: Interval, foreign_s: float | None) -> float | None:
    """Return `foreign_s`, or None if scans of all processes saw others use clearly more.

    Scans are seconds apart, so the counts are compared from the first to the last scan. They are
    comparable only if the job may use all CPUs, because scans do not tell who ran where.
    """
    near = (seen.begin_s - SCAN_NEAR_S, seen.end_s + SCAN_NEAR_S)
    scans = seen.counter("seen_foreign_cpu_s").readings(*near)
    if foreign_s is None or scans is None or not seen.of("all_cpus").least(*near):
        return foreign_s
    begin_s, end_s, others_s = scans
    busy, own = (seen.counter(name).rise(begin_s, end_s) for name in ("busy_cpu_s", "own_cpu_s"))
    if busy is None or own is None:
        return foreign_s
    left_s = max(0.0, busy - own) + _beside(seen)
    if others_s <= left_s + _slack(others_s, end_s - begin_s):
        return foreign_s
    reason = f"{left_s:.2f} s of CPU time are left, but other processes used {others_s:.2f} s"
    seen.doubt("foreign_cpus", reason)
    return None


def _beside(seen: Interval) -> float:
    """Return the seconds that processes may count as theirs and the system does not."""
    return seen.counter("beside_cpu_s").rise(seen.begin_s, seen.end_s) or 0.0


def _slack(counted_s: float, wall_s: float) -> float:
    return AGREE_CPUS * wall_s + AGREE_SHARE * counted_s + AGREE_S
