"""Facts, settings and conditions in words: their names, values with units, and what differs."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from bench import units
from bench.analysis.differences import Difference
from bench.probe.machine import all_facts

#: How a value with a unit is written; any other value is written as it is.
FORMS: Mapping[str, Callable[[Any], str]] = {
    "Hz": lambda value: f"{units.gigahertz(value)} GHz",
    "bytes": lambda value: (
        f"{value / 1024:g} KiB" if 0 < value < 2**20 else f"{units.mebibytes(value)} MiB"
    ),
    "CPUs": lambda value: f"{value:.3g} CPUs",
    "share": units.percent,
    "C": lambda value: f"{value:.0f} °C",
    "W": lambda value: f"{value:.3g} W",
    "": lambda value: units.significant(value) if isinstance(value, float) else str(value),
}
#: The unit of a figure that is no fact of a machine, by the end of its name.
ENDS = {"_share": "share", "_hz": "Hz", "_bytes": "bytes", "_cpus": "CPUs", "_c": "C", "_w": "W"}

#: Words of a field's name that are written otherwise, and units that its value shows.
WORDS = {"cpu": "CPU", "cpus": "CPUs", "gpus": "GPUs", "gpu": "GPU", "numa": "NUMA", "os": "OS"}
UNITS = ("_bytes", "_hz")

#: What differs by another name than its field's, in words.
NAMES: Mapping[str, str] = {
    "disturbed_share": "jobs disturbed",
    "foreign_cpus": "CPUs used by other processes",
    "group_foreign_cpus": "CPUs used by others in the control group",
    "foreign_share": "time used by other processes",
    "steal_share": "CPU time stolen by the host",
    "throttled_periods_share": "periods throttled by the quota",
    "frequency_hz": "clock frequency",
    "sm_clock_hz": "clock frequency",
    "temperature_max_c": "highest temperature",
    "swapped_bytes": "memory swapped",
    "pressure_memory_full_share": "time waiting for memory",
    "pressure_io_full_share": "time waiting for disks",
    "pressure_cpu_some_share": "time with a process waiting for a CPU",
    "load_1min": "load",
    "caches_bytes": "caches",
    "code": "code of the benchmark",
    "python": "Python",
}

#: Facts that are sets written as lists.
SETS = frozenset({"cpu_flags", "instruction_sets"})


def field_words(name: str) -> str:
    """Return a fact's name in words, without the unit: `memory_total_bytes` is memory total."""
    for unit in UNITS:
        name = name.removesuffix(unit)
    return " ".join(WORDS.get(word, word) for word in name.split("_"))


def value_text(value: Any, unit: str = "") -> str:
    """Return a fact's value in words."""
    if isinstance(value, Mapping):
        shown = (f"{key} {value_text(item, unit)}" for key, item in value.items())
        return ", ".join(shown) or "none"
    if isinstance(value, list | tuple):
        if value and hasattr(value[0], "model_dump"):
            return "; ".join(value_text(_parts(item)) for item in value)
        return " ".join(map(str, value)) or "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return FORMS[unit](value) if unit in FORMS else str(value)


def differing(name: str, left: Any, right: Any) -> tuple[str, str]:
    """Return in words how two values of a field differ.

    If both values are tables, only the entries that differ are shown. If both are sets, only the
    items that the other set lacks are shown.
    """
    if isinstance(left, Mapping) and isinstance(right, Mapping):
        keys = [key for key in {**left, **right} if left.get(key) != right.get(key)]
        left, right = ({key: side[key] for key in keys if key in side} for side in (left, right))
    elif name in SETS and isinstance(left, Sequence) and isinstance(right, Sequence):
        return _items_of_one(left, right), _items_of_one(right, left)
    unit = _unit(name)
    return _value_or_unknown(left, unit), _value_or_unknown(right, unit)


def _items_of_one(items: Sequence[Any], others: Sequence[Any]) -> str:
    return f"only here: {value_text([item for item in items if item not in others])}"


def _value_or_unknown(value: Any, unit: str) -> str:
    return units.NOT_AVAILABLE if value is None else value_text(value, unit)


def _parts(item: Any) -> dict[str, Any]:
    """Return what is known of a part of a machine, names in words."""
    known = item.model_dump(exclude_none=True, exclude={"unknown"})
    shown = {}
    for name, value in known.items():
        unit = "bytes" if name.endswith("_bytes") else "Hz" if name.endswith("_hz") else ""
        shown[field_words(name)] = value_text(value, unit)
    return shown


def difference_name(found: Difference) -> str:
    """Return the name of what differs: `CPU model`, `GPU 0 power limit`, `numpy`."""
    name = NAMES.get(found.fact)
    if name is None:
        own = found.subject in ("versions", "variables")
        name = found.fact if own else field_words(found.fact).removesuffix(" w")
    return name if found.gpu is None else f"GPU {found.gpu} {name}"


def difference_values(found: Difference) -> tuple[str, str]:
    """Return both values of a difference in words, with units."""
    return _side(found, found.first), _side(found, found.second)


def difference(found: Difference, first: str, second: str) -> str:
    """Return a difference in one phrase; `first` and `second` name the machines or sittings."""
    ours, theirs = difference_values(found)
    return f"{difference_name(found)}: {ours} on {first}, {theirs} on {second}"


def _side(found: Difference, value: Any) -> str:
    if value is None:
        return "not set" if found.subject == "variables" else "unknown"
    if found.fact in SETS and None not in (found.first, found.second):
        return f"with {value_text(value)}" if value else "without"
    return value_text(value, _unit(found.fact))


def _unit(name: str) -> str:
    stated = next((fact.unit for fact in all_facts() if fact.name == name), None)
    if stated is not None:
        return stated
    return next((unit for end, unit in ENDS.items() if name.endswith(end)), "")
