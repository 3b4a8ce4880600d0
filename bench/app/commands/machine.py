"""The command `machine`: what this machine is, as a table or as JSON."""

from __future__ import annotations

import functools
import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from bench import units
from bench.app.facts_text import Rows, headline, lines, sections, value_words
from bench.app.options import Command, ExitCodes, Option, flag, price_option, workload_option
from bench.app.plan import default_label
from bench.child import runtime
from bench.child.workload import Workload, load_workload, probe_for
from bench.clock import utc_today
from bench.errors import RequestError
from bench.probe.collect import collect
from bench.probe.root import HOST, faked
from bench.probe.usable import threads
from bench.record.facts import MachineFacts, RuntimeFacts
from bench.record.price import Price, price_of, read_rules
from bench.report.words.facts import value_text
from bench.report.words.prices import dated
from bench.spec.privacy import Privacy
from bench.spec.request import MachineRequest, Program
from bench.text import counted
from bench.watch.look import look


def command(program: Program, about: str) -> click.Command:
    """Return the command."""
    return Command(
        "machine",
        exit_codes=ExitCodes("the facts were printed", "the facts could not be read"),
        help=about,
        callback=lambda **values: functools.partial(execute, request_of(**values)),
        params=[
            flag("--json", "print all facts as JSON", expose_as="as_json"),
            flag("--frameworks", "import the frameworks and say how they were built (seconds)"),
            flag("--look", "watch for 3 s whether the machine is quiet, and say what to close"),
            Option(
                "--label", metavar="NAME", help="this machine's name in `run --label` and prices"
            ),
            price_option(),
            Option(
                "--root",
                metavar="DIR",
                help="read the facts of the machine whose proc, sys and etc lie below DIR",
            ),
            Option(
                "--collect",
                metavar="FILE.tar.gz",
                help="pack the files that the facts are read from, without serials and names, for "
                "a bug report; --root reads them when they are unpacked",
            ),
            flag("--show-hostnames", "show the host's name, not only its hash"),
            workload_option(program),
        ],
    )


def request_of(*, show_hostnames: bool, **values: Any) -> MachineRequest:
    """Return the request that the parsed options make."""
    return MachineRequest(privacy=Privacy(show_hostnames=show_hostnames), **values)


def execute(request: MachineRequest) -> int:
    """Print the facts, or pack what they are read from."""
    _check(request)
    rules = read_rules(request.price) if request.price else ()
    workload = load_workload(request.workload)
    if request.collect is not None:
        return _collect(Path(request.collect), workload)
    root = HOST if request.root is None else faked(request.root)
    facts = probe_for(workload, request.privacy, root=root)
    price = price_of(request.label or default_label(facts), facts, rules)
    loaded, failed = None, {}
    if request.frameworks:
        failed = dict(workload.import_all(threads()))
        loaded = runtime.loaded(workload.builds())
    if request.as_json:
        document = {**facts.model_dump(mode="json"), "price": asdict(price)}
        if loaded is not None:
            document["runtime"] = loaded.model_dump(mode="json")
        print(json.dumps(document, indent=1))
        return 0
    for title, rows in _pages(facts, price, loaded, failed):
        print(title)
        for line in lines(rows):
            print(f"  {line}".rstrip())
    if request.look:
        print(look(threads(), on_gpu=workload.may_use_gpu()).words())
    return 0


def _check(request: MachineRequest) -> None:
    """Raise RequestError if options exclude each other."""
    live = {"--frameworks": request.frameworks, "--look": request.look}
    for word, other in (("--root", request.root), ("--collect", request.collect)):
        given = [name for name, is_given in live.items() if is_given]
        if word == "--root" and request.collect is not None:
            given.append("--collect")
        if other is not None and given:
            raise RequestError(
                f"{word} does not go with {given[0]}, which looks at this machine itself",
                seen=f"{word} {other} {given[0]}",
                next_step=f"leave out {word} or {given[0]}",
            )


def _collect(path: Path, workload: Workload) -> int:
    """Pack this machine's files and say what was written and removed."""
    found = collect(path, lambda root: probe_for(workload, Privacy(), root=root))
    print(f"{found.path} holds {counted(found.files, 'file')} of this machine")
    print("Removed or replaced:")
    for what in found.removed or ("nothing",):
        print(f"  {what}")
    print("Kept: what the hardware and its operating system are, versions of packages, limits.")
    print(f"To read it: tar -xzf {found.path.name} -C DIR, then machine --root DIR")
    return 0


def _pages(
    facts: MachineFacts,
    price: Price,
    loaded: RuntimeFacts | None,
    failed: Mapping[str, str],
) -> Iterator[tuple[str, Rows]]:
    """Yield titles and rows of all that is printed."""
    yield (
        f"{headline(facts)}\n\nMachine",
        [
            ("machine id", facts.machine_id),
            ("machine type", value_words(facts, "machine_type", "")),
        ],
    )
    yield from sections(facts)
    installed = {name: version for name, version in facts.packages.items() if version}
    yield "Packages", [("installed", value_text(installed))]
    if loaded is not None:
        yield "Frameworks, imported", list(_runtime_rows(loaded, failed))
    dollars = f"{units.NOT_AVAILABLE} ({price.reason})"
    if price.source:
        dollars = f"{price.usd_per_hour:g} USD ({price.source}, {dated(price, utc_today())})"
    yield "Price", [("an hour", dollars)]


def _runtime_rows(loaded: RuntimeFacts, failed: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    for name, build in loaded.frameworks.items():
        yield name, value_text(build)
    for pool in loaded.thread_pools or ():
        yield "thread pool", value_text(pool.model_dump(exclude_none=True))
    for name, reason in {**loaded.unknown, **failed}.items():
        yield name, f"{units.NOT_AVAILABLE} ({reason})"
