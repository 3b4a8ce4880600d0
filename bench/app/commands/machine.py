"""`mnist-bench machine`: what this machine is, as a table or as JSON."""

from __future__ import annotations

import argparse
import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import asdict

from bench import units
from bench.app import pricing as prices
from bench.app.facts_text import Rows, headline, lines, readable, sections
from bench.app.plan import default_label
from bench.probe import frameworks
from bench.probe.identity import SHOW_VARIABLE
from bench.probe.limits import threads
from bench.probe.machine import probe
from bench.record.facts import MachineFacts, RuntimeFacts
from bench.record.price import Price, price_of, read_rules
from bench.watch.quiet import look
from mnist_bench.backends import BACKENDS, backend, is_installed
from mnist_bench.eligibility import may_use_gpu
from mnist_bench.workload import PACKAGES


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add this command's arguments."""
    parser.add_argument("--json", action="store_true", help="all facts as JSON")
    parser.add_argument(
        "--frameworks",
        action="store_true",
        help="import the frameworks too, and say how they were built (some seconds)",
    )
    parser.add_argument(
        "--look",
        action="store_true",
        help="look for 3 s whether the machine is quiet enough to measure, and what to close",
    )
    parser.add_argument(
        "--label", help="this machine's name, as `run --label` and price rules say it"
    )
    parser.add_argument("--price", metavar=prices.METAVAR, help=prices.HELP)
    parser.add_argument(
        "--show-hostnames", action="store_true", help="show the host's name, not its hash alone"
    )


def execute(arguments: argparse.Namespace) -> int:
    """Print the facts."""
    if arguments.show_hostnames:
        os.environ[SHOW_VARIABLE] = "1"
    rules = read_rules(arguments.price) if arguments.price else ()
    facts = probe(PACKAGES)
    price = price_of(arguments.label or default_label(facts), facts, rules)
    runtime, failed = _imported() if arguments.frameworks else (None, {})
    if arguments.json:
        document = {**facts.model_dump(mode="json"), "price": asdict(price)}
        if runtime is not None:
            document["runtime"] = runtime.model_dump(mode="json")
        print(json.dumps(document, indent=1))
        return 0
    for title, rows in _pages(facts, price, runtime, failed):
        print(title)
        for line in lines(rows):
            print(f"  {line}".rstrip())
    if arguments.look:
        print(look(threads(), on_gpu=may_use_gpu()).words())
    return 0


def _pages(
    facts: MachineFacts,
    price: Price,
    runtime: RuntimeFacts | None,
    failed: Mapping[str, str],
) -> Iterator[tuple[str, Rows]]:
    """Yield titles and rows of all that is printed."""
    yield (
        f"{headline(facts)}\n\nMachine",
        [
            ("machine id", facts.machine_id),
            ("machine type", facts.machine_type or ""),
        ],
    )
    yield from sections(facts)
    found = {name: version for name, version in facts.packages.items() if version}
    yield "Packages", [("installed", readable(found))]
    if runtime is not None:
        yield "Frameworks, imported", [*_runtime_rows(runtime), *failed.items()]
    dollars = f"{price.usd_per_hour:g} USD ({price.source}, {price.date})" if price.source else None
    dollars = dollars or f"{units.NOT_AVAILABLE} ({price.reason})"
    yield "Price", [("an hour", dollars)]


def _imported() -> tuple[RuntimeFacts, dict[str, str]]:
    """Import every installed framework; return what is loaded then, and what could not be."""
    failed = {}
    for name in BACKENDS:
        if is_installed(name):
            try:
                backend(name).load(threads())
            except Exception as error:  # a framework that is broken is a finding, not an end
                failed[name] = f"{units.NOT_AVAILABLE} ({type(error).__name__}: {error})"[:200]
    return frameworks.loaded(), failed


def _runtime_rows(runtime: RuntimeFacts) -> Iterator[tuple[str, str]]:
    for name, build in runtime.frameworks.items():
        yield name, readable(build, "")
    for pool in runtime.thread_pools or ():
        yield "thread pool", readable(pool.model_dump(exclude_none=True), "")
    for name, reason in runtime.unknown.items():
        yield name, f"{units.NOT_AVAILABLE} ({reason})"
