"""Looks at the clocks of a job: did the machine sleep, was its clock set, can the times be?

Times are taken from `time.perf_counter`, which nothing sets and which stands still while the
machine sleeps. A network may slew it. If the other clocks disagree with it, a time is no
measurement.
"""

from __future__ import annotations

import os
import time
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from bench.errors import ClockError

#: Seconds of sleep that are told from the rounding of two clocks.
SLEPT_S = 0.5

#: What the time of day may gain on `perf_counter`. A slew moves both clocks, so what is left are
#: steps, which no network sets by less than about a tenth of a second (ntpd's step threshold).
SET_S, SET_SHARE = 1.0, 0.001

#: What `perf_counter` may gain on the clock that no network slews. ntpd slews by 0.05% at most
#: (adjtimex(2)), chronyd by 8.3% (`maxslewrate` in chrony.conf(5)). The seconds are for a process
#: that has to wait between its readings of the two clocks.
SLEWED_S, SLEWED_SHARE = 0.1, 0.005

#: How much more CPU time than all CPUs have in a time is left to the rounding of counters.
CPU_S, CPU_SHARE = 0.5, 0.05


def _sleep_s() -> float | None:
    """Return for how long the machine has slept since it started; None if it does not tell."""
    for awake_or_not, awake in (
        ("CLOCK_BOOTTIME", "CLOCK_MONOTONIC"),  # Linux
        ("CLOCK_MONOTONIC", "CLOCK_UPTIME_RAW"),  # macOS
    ):
        if hasattr(time, awake_or_not) and hasattr(time, awake):
            whole = time.clock_gettime(getattr(time, awake_or_not))
            return whole - time.clock_gettime(getattr(time, awake))
    return None


def _raw_s() -> float | None:
    """Return the clock that a network does not slew; None if `perf_counter` is not slewed either.

    On Linux `perf_counter` is CLOCK_MONOTONIC, which is slewed. On macOS it is not.
    """
    if hasattr(time, "CLOCK_BOOTTIME") and hasattr(time, "CLOCK_MONOTONIC_RAW"):
        return time.clock_gettime(time.CLOCK_MONOTONIC_RAW)
    return None


@dataclass(frozen=True)
class Reading:
    """All clocks at one moment."""

    counter_s: float = field(default_factory=time.perf_counter)
    raw_s: float | None = field(default_factory=_raw_s)
    day_s: float = field(default_factory=time.time)
    cpu_s: float = field(default_factory=time.process_time)
    sleep_s: float | None = field(default_factory=_sleep_s)


class Clocks:
    """Compares the clocks from one look to the next."""

    def __init__(self) -> None:
        self._last = Reading()

    def check(self, when: str, now: Reading | None = None) -> None:
        """Raise ClockError if the clocks disagree since the last look; `when` names the time."""
        before, now = self._last, now or Reading()
        self._last = now
        passed_s = now.counter_s - before.counter_s
        slept_s = (now.sleep_s or 0.0) - (before.sleep_s or 0.0)
        if slept_s > SLEPT_S:
            raise _impossible(f"the machine slept {when}", f"{slept_s:.1f} s")
        gained_s = now.day_s - before.day_s - passed_s
        if abs(gained_s) > SET_S + SET_SHARE * abs(passed_s):
            raise _impossible(f"the machine's clock was set {when}", f"by {gained_s:+.1f} s")
        if now.raw_s is not None and before.raw_s is not None:
            slewed_s = passed_s - (now.raw_s - before.raw_s)
            if abs(slewed_s) > SLEWED_S + SLEWED_SHARE * abs(passed_s):
                raise _impossible(f"the machine's clock was slewed {when}", f"by {slewed_s:+.1f} s")
        cpu_s, cpus = now.cpu_s - before.cpu_s, os.cpu_count() or 1
        if passed_s < 0 or cpu_s > CPU_S + (1 + CPU_SHARE) * cpus * passed_s:
            seen = f"{passed_s:.2f} s, in which {cpus} CPUs worked for {cpu_s:.2f} s"
            raise _impossible(f"the clock cannot be right {when}", seen)


def check_times(number: int, wall_s: float, step_s: npt.NDArray[np.float64]) -> None:
    """Raise ClockError if the times of an epoch are not finite, or not above 0."""
    steps_are_times = np.isfinite(step_s).all() and (step_s >= 0).all() and step_s.sum() > 0
    if not (np.isfinite(wall_s) and wall_s > 0 and steps_are_times):
        seen = f"{wall_s:g} s, with steps of {step_s.min():g} to {step_s.max():g} s"
        raise _impossible(f"the times of epoch {number} are impossible", seen)


def _impossible(what: str, seen: str) -> ClockError:
    return ClockError(what, seen=seen, next_step="keep the machine awake and its clock unset")
