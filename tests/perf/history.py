"""The history of `make perf`: a dated section of docs/perf.md for each measurement that is kept."""

from __future__ import annotations

from pathlib import Path

from bench.record.facts import MachineFacts
from bench.units import gigahertz

#: The heading below which sections are kept, the newest first.
HEADING = "## History of `make perf`\n"

#: The packages whose versions a section states.
PACKAGES = ("tensorflow", "jax", "torch", "keras", "ray")


def machine_words(facts: MachineFacts) -> str:
    """Return what the figures were seen on: CPU, its instruction sets and clock, and packages."""
    sets = ", ".join(facts.instruction_sets or ()) or "unknown instruction sets"
    versions = [f"{name} {facts.packages[name]}" for name in PACKAGES if facts.packages.get(name)]
    cpu, clock = facts.cpu_model or "An unknown CPU", gigahertz(facts.cpu_now_hz)
    virtual = facts.virtualisation or "no virtualisation known"
    cpus = f"{facts.usable_cpus or 0:g} CPUs ({sets}; clock now {clock} GHz)"
    return f"{cpu}, {cpus}, {virtual}, {', '.join(versions)}."


def section(date: str, facts: MachineFacts, rounds: int, table: str) -> str:
    """Return the section of a measurement of some rounds, made on `date` (ISO 8601)."""
    counted = "1 round" if rounds == 1 else f"{rounds} rounds"
    return f"### {date}\n\n{machine_words(facts)} {counted.capitalize()}.\n\n{table}\n"


def keep(path: Path, text: str) -> None:
    """Put a section at the top of the history in a file. Raises ValueError if it has none."""
    before, heading, after = path.read_text("utf-8").partition(HEADING)
    if not heading:
        raise ValueError(f"{path} has no heading {HEADING.strip()!r}")
    path.write_text(f"{before}{heading}\n{text}\n{after.lstrip()}", "utf-8")
