"""Facts as people read them in a terminal: names in words, values with units, by subject."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from bench import units
from bench.probe.machine import SUBJECTS, all_facts
from bench.record.facts import MachineFacts, open_vulnerabilities
from bench.text import printable

#: How a value with a unit is written; any other value is written as it is.
FORMS: Mapping[str, Callable[[Any], str]] = {
    "Hz": lambda value: f"{units.gigahertz(value)} GHz",
    "bytes": lambda value: (
        f"{value / 1024:g} KiB" if 0 < value < 2**20 else f"{units.mebibytes(value)} MiB"
    ),
    "CPUs": lambda value: f"{value:g} CPUs",
}

#: Words of a field's name that are written otherwise, and units that its value shows.
WORDS = {"cpu": "CPU", "cpus": "CPUs", "gpus": "GPUs", "gpu": "GPU", "numa": "NUMA", "os": "OS"}
UNITS = ("_bytes", "_hz")

#: Width of a line, and of the column of names.
WIDTH, NAME_WIDTH = 100, 26

Rows = list[tuple[str, str]]


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
    return FORMS.get(unit, str)(value)


def headline(facts: MachineFacts) -> str:
    """Return the machine in one line: its CPU, the CPUs for a job, memory, GPUs and location."""
    cpus = "CPUs unknown"
    if facts.usable_cpus is not None:
        cpus = f"{facts.usable_cpus:g} of {value_text(facts.logical_cores or 0)} CPUs for a job"
    memory = f"{units.gibibytes(facts.memory_usable_bytes)} GiB"
    gpus = [gpu.model or "a GPU" for gpu in facts.gpus or ()]
    place = facts.cloud_instance_type or facts.container or facts.virtualisation
    parts = [facts.cpu_model or "an unknown CPU", cpus, memory, ", ".join(gpus) or "no GPU seen"]
    return printable("; ".join([*parts, *([place] if place not in {None, "none"} else [])]))


def value_words(facts: MachineFacts, name: str, unit: str) -> str:
    """Return a fact's value in words; `n/a` with the reason, or `none` if the machine has none."""
    value = getattr(facts, name)
    if value is not None:
        return value_text(value, unit)
    reason = facts.unknown.get(name)
    return f"{units.NOT_AVAILABLE} ({reason})" if reason else "none"


def sections(facts: MachineFacts) -> Iterator[tuple[str, Rows]]:
    """Yield each subject's title and rows; neighbours unknown for one reason share a row."""
    for subject in SUBJECTS:
        rows: list[tuple[list[str], str]] = []
        for fact in subject.FACTS:
            if fact.name in SHORTENED and getattr(facts, fact.name):
                words = SHORTENED[fact.name](getattr(facts, fact.name))
            else:
                words = value_words(facts, fact.name, fact.unit)
            unknown = getattr(facts, fact.name) is None and words != "none"
            if unknown and rows and rows[-1][1] == words:
                rows[-1][0].append(field_words(fact.name))
            else:
                rows.append(([field_words(fact.name)], words))
        yield subject.TITLE, [(", ".join(names), words) for names, words in rows]


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
    unit = next((fact.unit for fact in all_facts() if fact.name == name), "")
    return _value_or_unknown(left, unit), _value_or_unknown(right, unit)


def _items_of_one(items: Sequence[Any], others: Sequence[Any]) -> str:
    return f"only here: {value_text([item for item in items if item not in others])}"


def _value_or_unknown(value: Any, unit: str) -> str:
    return units.NOT_AVAILABLE if value is None else value_text(value, unit)


def lines(rows: Rows) -> Iterator[str]:
    """Yield the rows as two columns; long values go on below themselves."""
    for name, value in rows:
        names = textwrap.wrap(printable(name), NAME_WIDTH - 2) or [""]
        parts = textwrap.wrap(printable(value), WIDTH - NAME_WIDTH) or [""]
        for index in range(max(len(names), len(parts))):
            left = names[index] if index < len(names) else ""
            right = parts[index] if index < len(parts) else ""
            yield f"{left:<{NAME_WIDTH}}{right}".rstrip()


def _mitigations(found: Mapping[str, str]) -> str:
    """Return how many mitigations are in force and which vulnerabilities are open."""
    open_ = open_vulnerabilities(found)
    closed = len(found) - len(open_)
    return f"{closed} in force" + (f"; open: {', '.join(open_)}" if open_ else "")


def _parts(item: Any) -> dict[str, Any]:
    """Return what is known of a part of a machine, names in words."""
    known = item.model_dump(exclude_none=True, exclude={"unknown"})
    shown = {}
    for name, value in known.items():
        unit = "bytes" if name.endswith("_bytes") else "Hz" if name.endswith("_hz") else ""
        shown[field_words(name)] = value_text(value, unit)
    return shown


#: Facts that are too long for a line, and what is shown of them; --json has all.
SHORTENED: Mapping[str, Callable[[Any], str]] = {
    "cpu_flags": lambda flags: f"{len(flags)} (all of them: --json)",
    "mitigations": _mitigations,
}
#: Facts that are sets written as lists.
SETS = frozenset({"cpu_flags", "instruction_sets"})
