"""The commands `machines list` and `machines diff`: machines of journals, and two side by side."""

from __future__ import annotations

import functools
import json
from collections.abc import Callable
from typing import Any

import click

from bench import units
from bench.analysis.differences import ranked_fields
from bench.app.facts_text import headline
from bench.app.machine_lookup import HERE, find_machine, known_machines
from bench.app.options import Command, CommandGroup, ExitCodes, flag, out_option, workload_option
from bench.app.out_folder import journals_in
from bench.child.workload import load_workload, probe_for
from bench.errors import MEASURE_FIRST
from bench.probe.identity import TYPE_FIELDS
from bench.probe.machine import all_facts
from bench.record.facts import UNREAD, MachineFacts, field_differences
from bench.record.journal import find_journals
from bench.report.words.facts import differing, field_words
from bench.spec.privacy import Privacy
from bench.spec.request import MachineDiffRequest, MachineListRequest, Program
from bench.text import counted, printable

#: Facts that say when a machine was looked at and not what it is; they are not compared.
OF_THE_MOMENT = frozenset({"boot_hash"})

DIFF = f"""Show what differs between two machines, field by field, most telling first.

LEFT and RIGHT are each a machine's label or id in the journals of the folder of reports, a journal
(FILE.jsonl, or FILE.jsonl:LABEL), a file that `machine --json` printed, or `{HERE}`.
"""


def command(program: Program, about: str) -> click.Command:
    """Return the command with its two subcommands."""
    json_, folder = (
        flag("--json", "print JSON", expose_as="as_json"),
        out_option("folder of reports"),
    )
    listing = Command(
        "list",
        exit_codes=ExitCodes("the machines were listed", "the output could not be written"),
        help="List the machines in the journals of the folder of reports.",
        callback=lambda **values: _list_action(values, program),
        params=[json_, folder],
    )
    diff = Command(
        "diff",
        exit_codes=ExitCodes("the difference was printed", "the output could not be written"),
        help=DIFF,
        callback=lambda **values: functools.partial(diff_machines, MachineDiffRequest(**values)),
        params=[
            click.Argument(["left"]),
            click.Argument(["right"]),
            flag("--all", "show the fields that are alike too", expose_as="all_fields"),
            json_,
            folder,
            workload_option(program),
        ],
    )
    return CommandGroup(
        "machines",
        commands=[listing, diff],
        help=about,
    )


def _list_action(values: dict[str, Any], program: Program) -> Callable[[], int]:
    return functools.partial(list_machines, MachineListRequest(**values), program)


def list_machines(request: MachineListRequest, program: Program) -> int:
    """Print the machines of all journals."""
    folder = journals_in(request.out)
    machines = known_machines(find_journals(folder))
    if request.as_json:
        rows = [
            {"label": m.label, "jobs_measured": m.measured, "last_run": m.at, "journal": m.source}
            | {"facts": m.facts.model_dump(mode="json")}
            for m in machines
        ]
        print(json.dumps(rows, indent=1))
        return 0
    for machine in machines:
        facts = machine.facts
        print(printable(f"{machine.label}: {headline(facts)}"))
        print(
            f"  id {facts.machine_id}, type {facts.machine_type or units.NOT_AVAILABLE}, "
            f"{counted(machine.measured, 'job')} measured, last run {machine.at[:16]}"
        )
    if not machines:
        first = MEASURE_FIRST.format(program=program.name)
        print(printable(f"there is no measured machine in {folder}; {first}"))
    return 0


def diff_machines(request: MachineDiffRequest) -> int:
    """Print the fields in which two machines differ."""
    here = functools.partial(probe_for, load_workload(request.workload), Privacy())
    folder = journals_in(request.out)
    left, right = (find_machine(name, folder, here) for name in (request.left, request.right))
    unlike = field_differences(left.facts, right.facts)
    differ = {name: unlike[name] for name in ranked_fields(unlike) if name not in OF_THE_MOMENT}
    if request.as_json:
        plain = [facts.model_dump(mode="json") for facts in (left.facts, right.facts)]
        fields = {
            name: [side.get(name, side["packages"].get(name)) for side in plain] for name in differ
        }
        print(json.dumps({"A": left.words, "B": right.words, "differ": fields}, indent=1))
        return 0
    print(printable(f"A: {left.words}"))
    print(printable(f"B: {right.words}"))
    for name, values in differ.items():
        print(f"\n{field_words(name)}")
        texts = zip("AB", (left, right), differing(name, *values), strict=True)
        for side, machine, text in texts:
            print(f"  {side}: {printable(_with_reason(text, name, machine.facts))}")
    if request.all_fields:
        _print_alike(left.facts, set(differ))
    found = counted(len(differ), "field differs", "fields differ")
    print(f"\n{found}; {_relation(left.facts, right.facts)}")
    return 0


def _print_alike(facts: MachineFacts, differ: set[str]) -> None:
    print("\nalike")
    for name in MachineFacts.model_fields:
        if name not in differ and name not in {"packages", "unknown", *OF_THE_MOMENT}:
            value, _ = differing("", getattr(facts, name), None)
            print(printable(f"  {field_words(name)}: {value}"))
    for name, version in facts.packages.items():
        if name not in differ:
            print(printable(f"  {name}: {version or 'not installed'}"))


def _with_reason(text: str, name: str, facts: MachineFacts) -> str:
    if text != units.NOT_AVAILABLE:
        return text
    if name in facts.packages or name not in MachineFacts.model_fields:
        return "not installed"
    is_finding = name in {row.name for row in all_facts() if not row.absent}
    reason = facts.unknown.get(name) or (None if is_finding else "its journal does not say")
    return f"{text} ({reason})" if reason else "none"


def _relation(left: MachineFacts, right: MachineFacts) -> str:
    """Say whether the two are one machine, or of one type, and how the types differ."""
    if any(facts.machine_id.startswith(UNREAD) for facts in (left, right)):
        return "whether they are one machine is unknown, because some facts were not read in time"
    if left.id_version != right.id_version:
        versions = f"versions {left.id_version} and {right.id_version} of the rules made their ids"
        return f"whether they are one machine is unknown, because {versions}"
    if left.machine_id == right.machine_id:
        if left.host_hash:
            return "one machine"
        return "one machine, or two identical machines: there is no host id to tell which"
    if left.machine_type is not None and left.machine_type == right.machine_type:
        return "two machines of one type"
    apart = [name for name in TYPE_FIELDS if getattr(left, name) != getattr(right, name)]
    if not apart:
        return "two machines, perhaps of one type: facts that tell a type are missing"
    return f"two machines of two types: they differ in {', '.join(map(field_words, apart))}"
