"""The energy of an interval: what each source counted, or its power times the time."""

from __future__ import annotations

from collections.abc import Iterator

from bench.record.conditions import EnergyReading, energy_source
from bench.watch.energy import MODELLED
from bench.watch.interval import Interval
from bench.watch.series import Series

POWER_SAMPLES = "estimated from power samples"

#: Basis of a counter's joules if they are not measured, by a mark in its source's name.
BASES = (
    (MODELLED, "estimated by the CPU from its activity"),
    ("battery", "estimated from the battery's charge"),
)

#: A counter and so many samples of power agree if neither makes more than twice the other's joules.
ENOUGH_SAMPLES, AGREE_FACTOR = 3, 2.0


def energy_readings(seen: Interval) -> tuple[EnergyReading, ...]:
    """Return the energy of each source.

    A counter that is not believed, stands still or contradicts the power of its hardware gives way
    to the samples of that power. The battery's figures cover the machine only while it discharges.
    """
    discharged = bool(seen.of("on_battery").least(seen.begin_s, seen.end_s))
    found = (reading for reading in _readings(seen))
    return tuple(r for r in found if discharged or not r.source.startswith("battery"))


def _readings(seen: Interval) -> Iterator[EnergyReading]:
    counters = {_source(name): name for name in seen.named("energy_j:")}
    gauges = {_source(name): name for name in seen.named("power_w:")}
    gauges |= {f"NVML GPU {name.partition(':')[2]}": name for name in seen.named("gpu_power_w:")}
    for source in dict.fromkeys([*counters, *gauges]):
        power = seen.of(gauges.get(source, ""))
        counted = _counted(seen, source, counters[source], power) if source in counters else None
        sampled = _sampled(seen, power)
        if counted:
            yield _reading(source, counted)
        elif sampled:
            yield _reading(source, sampled, POWER_SAMPLES)
        else:
            seen.doubt(source, power.why_doubted(seen.begin_s, seen.end_s))


def _counted(seen: Interval, source: str, name: str, power: Series) -> float | None:
    """Return the joules of a counter; None, with the reason in `doubts`, if they are not right."""
    joules, sampled = seen.rise(source, name), _sampled(seen, power)
    if joules is None:
        return None
    if not joules and source != "battery":  # its charge may move once in minutes
        seen.doubt(source, "its counter of energy stood still")
    enough = power.inside(seen.begin_s, seen.end_s).size >= ENOUGH_SAMPLES
    if not sampled or not enough or 1 <= AGREE_FACTOR * joules / sampled <= AGREE_FACTOR**2:
        return joules
    seen.doubt(source, f"{joules:.3g} J were counted, but its power makes {sampled:.3g} J")
    return None


def _sampled(seen: Interval, power: Series) -> float | None:
    """Return the mean power times the time, if the samples reach over half of the interval."""
    watts_w = power.mean(seen.begin_s, seen.end_s)
    if watts_w is None or not power.covers(seen.begin_s, seen.end_s):
        return None
    return watts_w * seen.wall_s


def _source(name: str) -> str:
    return name.partition(":")[2].replace(":", " ")


def _reading(source: str, joules: float, basis: str | None = None) -> EnergyReading:
    kind = energy_source(source)
    known = (text for mark, text in BASES if mark in source)
    return EnergyReading(
        source=source.removesuffix(f" {MODELLED}"),
        covers="unknown" if kind is None else kind.covers,
        joules=joules,
        basis=basis or next(known, "measured"),
    )
