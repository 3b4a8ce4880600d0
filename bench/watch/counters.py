"""The counters that sources read, and how fast each can rise; every other series is a gauge."""

from __future__ import annotations

from collections.abc import Mapping

from bench.watch.series import Counter, Limit, Series

#: Watts that no CPU package draws (the largest are sold with 500 W).
CPU_W = 1000.0

#: Watts that no GPU draws (the largest are sold with 1400 W).
GPU_W = 2000.0

#: Watts that no battery gives.
BATTERY_W = 500.0

#: Seconds between two updates of a battery's charge, at most.
CHARGE_UPDATE_S = 120.0

#: Seconds that the kernel may take to add to its totals of pressure and of throttling. Source:
#: kernel/sched/psi.c, which updates them every two seconds.
UPDATE_S = 2.5

#: Seconds by which a clock tick, or the moment of a reading, may be late.
LATE_S = 0.2

#: Seconds of CPU time by which sums over processes may fall, because of rounding.
ROUNDED_S = 0.05

#: Rises of one second that no machine reaches, of counters of events and of bytes.
MOST_EVENTS, MOST_BYTES = 1e9, 1e12

EVENTS = Limit(MOST_EVENTS, MOST_EVENTS)
BYTES = Limit(MOST_BYTES, MOST_BYTES, unit=" bytes")
SECONDS = Limit(unit=" s")
PROCESSES = Limit(noise=ROUNDED_S, unit=" s")
PRESSURE = Limit(1.0, UPDATE_S, unit=" s")

#: How each counter can move on any machine.
LIMITS: Mapping[str, Limit] = {
    **dict.fromkeys(("own_cpu_s", "tree_cpu_s", "child_cpu_s", "seen_foreign_cpu_s"), PROCESSES),
    **dict.fromkeys(("busy_cpu_s", "steal_cpu_s", "beside_cpu_s"), SECONDS),  # see cpu_times.py
    **dict.fromkeys(("voluntary_switches", "involuntary_switches"), EVENTS),
    **dict.fromkeys(("minor_faults", "major_faults", "thermal_throttles"), EVENTS),
    **dict.fromkeys(("quota_periods", "throttled_periods"), EVENTS),
    "swapped_bytes": BYTES,
    **{
        f"pressure_{resource}_{kind}_s": PRESSURE
        for resource in ("cpu", "memory", "io")
        for kind in ("some", "full")
    },
}

#: How counters of energy can move, by the beginning of their names.
ENERGY: Mapping[str, Limit] = {
    "energy_j:RAPL": Limit(CPU_W, CPU_W * LATE_S, unit=" J"),
    "energy_j:NVML": Limit(GPU_W, GPU_W * UPDATE_S, unit=" J"),
    "energy_j:battery": Limit(BATTERY_W, BATTERY_W * CHARGE_UPDATE_S, unit=" J"),
}


def series_of(name: str, cpus: int) -> Series:
    """Return an empty series for values called `name`, on a machine of `cpus` CPUs."""
    if name == "group_cpu_s":
        return Counter(Limit(cpus, cpus * LATE_S, unit=" s"))
    if name == "throttled_s":
        return Counter(Limit(cpus, cpus * UPDATE_S, unit=" s"))
    known = LIMITS.get(name)
    energy = (limit for begins, limit in ENERGY.items() if name.startswith(begins))
    limit = known or next(energy, None)
    return Series() if limit is None else Counter(limit)
