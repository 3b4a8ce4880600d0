"""`mnist-bench machine`: what this machine is, as a table or as JSON."""

from __future__ import annotations

import argparse
import json
import os
import textwrap
from collections.abc import Iterator
from typing import Any

from bench import units
from bench.facts import MachineFacts, RuntimeFacts
from bench.price import price_of, read_rules
from bench.probe import all_facts, frameworks, probe
from bench.probe.identity import SHOW_VARIABLE
from bench.probe.limits import usable_cpus
from mnist_bench.backends import BACKENDS, backend, is_installed
from mnist_bench.workload import PACKAGES

#: How a value with a unit reads; all others read as words.
FORMS = {
    "Hz": lambda value: f"{units.gigahertz(value)} GHz",
    "bytes": lambda value: (
        f"{units.mebibytes(value)} MiB" if value >= 2**20 or not value else f"{value / 1024:g} KiB"
    ),
    "CPUs": lambda value: f"{value:g} CPUs",
}

#: Width of a line, and of the column of names.
WIDTH, NAME_WIDTH = 100, 24


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add this command's arguments."""
    parser.add_argument("--json", action="store_true", help="all facts as JSON")
    parser.add_argument(
        "--frameworks",
        action="store_true",
        help="import the frameworks too, and say how they were built (some seconds)",
    )
    parser.add_argument(
        "--price", metavar="USD|FILE", help="dollars an hour, or a YAML file of prices"
    )
    parser.add_argument(
        "--show-hostnames", action="store_true", help="show the host's name, not its hash alone"
    )


def execute(arguments: argparse.Namespace) -> int:
    """Print the facts."""
    if arguments.show_hostnames:
        os.environ[SHOW_VARIABLE] = "1"
    rules = read_rules(arguments.price) if arguments.price else ()
    facts = probe(PACKAGES)
    runtime, failed = _imported() if arguments.frameworks else (None, {})
    if arguments.json:
        document = facts.model_dump(mode="json")
        if runtime is not None:
            document["runtime"] = runtime.model_dump(mode="json")
        print(json.dumps(document, indent=1))
        return 0
    price = price_of("", facts, rules)
    dollars = f"{price.usd_per_hour:g} USD ({price.source}, {price.date})" if price.source else None
    dollars = dollars or f"{units.NOT_AVAILABLE} ({price.reason})"
    rows = [*fact_rows(facts), ("price an hour", dollars)]
    rows += [*_runtime_rows(runtime), *failed.items()] if runtime is not None else []
    for line in _lines(rows):
        print(line)
    return 0


def fact_rows(facts: MachineFacts) -> list[tuple[str, str]]:
    """Return each fact's name and its value as people read it, the reason where it is unknown."""
    rows = [("machine_id", facts.machine_id), ("machine_type", facts.machine_type or "")]
    for fact in all_facts():
        value = getattr(facts, fact.name)
        if value is None:
            reason = facts.unknown.get(fact.name)
            rows.append((fact.name, f"{units.NOT_AVAILABLE} ({reason})" if reason else "none"))
        elif fact.name != "cpu_flags":  # a hundred words that --json has
            rows.append((fact.name, _readable(value, fact.unit)))
    found = {name: version for name, version in facts.packages.items() if version}
    return [*rows, ("packages", _readable(found, ""))]


def _readable(value: Any, unit: str) -> str:
    if isinstance(value, dict):
        shown = (f"{key} {_readable(item, unit)}" for key, item in value.items())
        return ", ".join(shown) or "none"
    if isinstance(value, list | tuple):
        if value and hasattr(value[0], "model_dump"):
            return "; ".join(_readable(item.model_dump(exclude_none=True), "") for item in value)
        return " ".join(map(str, value)) or "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return FORMS.get(unit, str)(value)


def _imported() -> tuple[RuntimeFacts, dict[str, str]]:
    """Import every installed framework; return what is loaded then, and what could not be."""
    failed = {}
    for name in BACKENDS:
        if is_installed(name):
            try:
                backend(name).load(max(1, int(usable_cpus())))
            except Exception as error:  # a framework that is broken is a finding, not an end
                failed[name] = f"{units.NOT_AVAILABLE} ({type(error).__name__}: {error})"[:200]
    return frameworks.loaded(), failed


def _runtime_rows(runtime: RuntimeFacts) -> Iterator[tuple[str, str]]:
    for name, build in runtime.frameworks.items():
        yield name, _readable(build, "")
    for pool in runtime.thread_pools or ():
        yield "thread pool", _readable(pool.model_dump(exclude_none=True), "")
    for name, reason in runtime.unknown.items():
        yield name, f"{units.NOT_AVAILABLE} ({reason})"


def _lines(rows: list[tuple[str, str]]) -> Iterator[str]:
    """Yield the rows as two columns; long values go on below themselves."""
    for name, value in rows:
        shown = "".join(c if c.isprintable() else "?" for c in value)  # a machine wrote it
        parts = textwrap.wrap(shown, WIDTH - NAME_WIDTH) or [""]
        yield f"{name:<{NAME_WIDTH}}{parts[0]}"
        for part in parts[1:]:
            yield " " * NAME_WIDTH + part
