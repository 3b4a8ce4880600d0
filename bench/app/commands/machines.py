"""`mnist-bench machines`: those in the journals, and two of them set side by side."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from bench import units
from bench.app.commands.report import JOURNALS
from bench.app.facts_text import differing, field_words, headline, printable
from bench.app.named_machines import HERE, find_machine, known
from bench.probe.identity import TYPE_FIELDS, UNREAD
from bench.record.facts import MachineFacts, field_differences
from bench.record.journal import find_journals


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add this command's arguments."""
    actions = parser.add_subparsers(dest="action", required=True, metavar="list|diff")
    listing = actions.add_parser("list", help="the machines in the journals of --out")
    diff = actions.add_parser("diff", help="what is not alike in two machines, field by field")
    for name in ("A", "B"):
        diff.add_argument(
            name,
            help=f"a machine's label or id in the journals of --out, a journal (FILE.jsonl, or "
            f"FILE.jsonl:LABEL), the output of `mnist-bench machine --json`, or `{HERE}`",
        )
    diff.add_argument("--all", action="store_true", help="show the fields that are alike too")
    for action in (listing, diff):
        action.add_argument("--json", action="store_true", help="as JSON")
        action.add_argument(
            "--out", type=Path, default=Path("reports"), help="folder of reports (reports)"
        )


def execute(arguments: argparse.Namespace) -> int:
    """Print the machines, or the fields in which two differ."""
    folder = arguments.out / JOURNALS
    if arguments.action == "list":
        return _list(folder, arguments.json)
    left, right = (find_machine(name, folder) for name in (arguments.A, arguments.B))
    differ = field_differences(left.facts, right.facts)
    if arguments.json:
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
        for side, found, words in zip("AB", (left, right), differing(name, *values), strict=True):
            print(f"  {side}: {printable(_with_reason(words, name, found.facts))}")
    if arguments.all:
        _print_alike(left.facts, set(differ))
    print(f"\n{len(differ)} fields differ; {_relation(left.facts, right.facts)}")
    return 0


def _list(folder: Path, as_json: bool) -> int:
    machines = known(find_journals(folder))
    if as_json:
        rows = [
            {"label": m.label, "jobs_measured": m.measured, "last_run": m.at, "journal": m.told_by}
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
            f"{machine.measured} jobs measured, last run {machine.at[:16]}"
        )
    if not machines:
        print(f"no machine in {folder}; measure first: mnist-bench run --grid quick")
    return 0


def _print_alike(facts: MachineFacts, differ: set[str]) -> None:
    print("\nalike")
    for name in MachineFacts.model_fields:
        if name not in differ and name not in {"packages", "unknown"}:
            value, _ = differing("", getattr(facts, name), None)
            print(printable(f"  {field_words(name)}: {value}"))
    for name, version in facts.packages.items():
        if name not in differ:
            print(printable(f"  {name}: {version or 'not installed'}"))


def _with_reason(words: str, name: str, facts: MachineFacts) -> str:
    if words != units.NOT_AVAILABLE:
        return words
    if name in facts.packages or name not in MachineFacts.model_fields:
        return "not installed"
    reason = facts.unknown.get(name)
    return f"{words} ({reason})" if reason else "none"


def _relation(left: MachineFacts, right: MachineFacts) -> str:
    """Say whether the two are one machine, or of one type; and what sets the types apart."""
    if any(facts.machine_id.startswith(UNREAD) for facts in (left, right)):
        return "whether they are one machine is not known: not all was read in time"
    if left.machine_id == right.machine_id:
        return "one machine" if left.host_hash else "one machine, or two of one make: no host id"
    if left.machine_type is not None and left.machine_type == right.machine_type:
        return "two machines of one type"
    apart = [name for name in TYPE_FIELDS if getattr(left, name) != getattr(right, name)]
    return (
        f"two machines of two types, by {', '.join(map(field_words, apart)) or 'what is unknown'}"
    )
