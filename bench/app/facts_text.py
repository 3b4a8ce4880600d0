"""Facts as people read them in a terminal: names in words, values with units, by subject."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from bench import units
from bench.probe.machine import SUBJECTS
from bench.record.facts import MachineFacts, open_vulnerabilities
from bench.report.words.facts import field_words, value_text
from bench.text import printable

#: Width of a line, and of the column of names.
WIDTH, NAME_WIDTH = 100, 26

Rows = list[tuple[str, str]]


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


#: Facts that are too long for a line, and what is shown of them; --json has all.
SHORTENED: Mapping[str, Callable[[Any], str]] = {
    "cpu_flags": lambda flags: f"{len(flags)} (all of them: --json)",
    "mitigations": _mitigations,
}
