"""`mnist-bench machines diff A B`: two machines, field by field."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from pydantic import ValidationError

from bench.errors import RequestError, StoreError
from bench.facts import MachineFacts, field_differences
from bench.probe import probe
from bench.store import read_run
from mnist_bench.workload import PACKAGES

#: Word that stands for the machine on which the command is typed.
HERE = "here"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add this command's arguments."""
    actions = parser.add_subparsers(dest="action", required=True, metavar="diff")
    diff = actions.add_parser("diff", help="what is not alike in two machines, field by field")
    for name in ("A", "B"):
        diff.add_argument(
            name,
            help=f"a journal, the output of `mnist-bench machine --json`, or `{HERE}`",
        )
    diff.add_argument("--all", action="store_true", help="show the fields that are alike too")


def execute(arguments: argparse.Namespace) -> int:
    """Print the fields that differ."""
    left, right = _machine(arguments.A), _machine(arguments.B)
    differ = field_differences(left, right)
    alike = left.machine_type is not None and left.machine_type == right.machine_type
    for name, (a, b) in differ.items():
        print(f"{name}\n  A: {_words(a)}\n  B: {_words(b)}")
    if arguments.all:
        for name in MachineFacts.model_fields:
            if name not in differ and name not in {"packages", "unknown"}:
                print(f"{name}: {_words(getattr(left, name))} in both")
    same = "one machine" if left.machine_id == right.machine_id else "two machines"
    kind = "of one type" if alike else "of two types"
    print(f"{len(differ)} fields differ; {same}{'' if same == 'one machine' else ' ' + kind}")
    return 0


def _machine(name: str) -> MachineFacts:
    """Return the machine that `name` stands for. Raises RequestError where there is none."""
    if name == HERE:
        return probe(PACKAGES)
    path = Path(name)
    try:
        if path.suffix == ".jsonl":
            run = read_run(path)
            return run.records[-1].machine if run.records else run.header.machine
        document = json.loads(path.read_text(encoding="utf-8"))
        if isinstance(document, dict):
            document.pop("runtime", None)  # of --frameworks: what a process had loaded
        return MachineFacts.model_validate(document)
    except (OSError, UnicodeDecodeError, StoreError, ValidationError, ValueError) as error:
        raise RequestError(
            f"{name} tells of no machine",
            seen=(str(error).splitlines() or [type(error).__name__])[0],
            next_step="name a journal or the output of `mnist-bench machine --json`",
        ) from error


def _words(value: object) -> str:
    shown = "n/a" if value is None else str(value)
    return "".join(c if c.isprintable() else "?" for c in shown)
