"""`mnist-bench report`: the report from one or several journals, without measuring."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from bench.app import pricing as prices
from bench.errors import RequestError
from bench.record.journal import find_journals, read_run
from bench.record.price import read_rules
from bench.record.run import Run

JOURNALS = "journals"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add this command's arguments."""
    parser.add_argument(
        "journals",
        nargs="*",
        type=Path,
        metavar="JOURNAL",
        help="journal files, or folders of them, set side by side (default: the newest in --out)",
    )
    parser.add_argument(
        "--out", type=Path, default=Path("reports"), help="folder of the report (default: reports)"
    )
    parser.add_argument(
        "--label",
        action="append",
        default=[],
        metavar="NAME",
        help="name of the machine of each journal in turn, in place of the recorded one",
    )
    parser.add_argument("--price", metavar=prices.METAVAR, help=prices.HELP_REPORT)


def execute(arguments: argparse.Namespace) -> int:
    """Write the report; exit code 1 where it shows failures."""
    paths = _journals(arguments.journals, arguments.out)
    if len(arguments.label) > len(paths):
        raise RequestError(
            "more labels than journals",
            seen=f"{len(arguments.label)} labels, {len(paths)} journals",
            next_step="give one --label a journal, in the same order",
        )
    rules = read_rules(arguments.price) if arguments.price else ()
    runs = [read_run(path) for path in paths]
    for index, label in enumerate(arguments.label):
        runs[index] = prices.renamed(runs[index], label)
    runs = prices.repriced_report(runs, rules)
    written = write_report(runs, arguments.out)
    print(f"{written}")
    complete = all(run.complete and len(run.measured) == len(run.records) for run in runs)
    return 0 if complete else 1


def write_report(runs: Sequence[Run], out: Path) -> Path:
    """Write the report of `runs` into `out` and return the path of its Markdown."""
    from bench.report import (
        data as files,  # pandas and tabulate take 0.5 s that --help need not pay
    )
    from bench.report.annex import build_report

    return files.write_report(build_report(runs), out)[0]


def _journals(given: list[Path], out: Path) -> list[Path]:
    if not given:
        return [_newest(out)]
    paths: list[Path] = []
    for path in given:
        found = find_journals(path) or find_journals(path / JOURNALS) if path.is_dir() else [path]
        if not found:
            raise RequestError(
                "no journal in this folder", seen=path, next_step="name a .jsonl file"
            )
        paths += found
    return paths


def _newest(out: Path) -> Path:
    journals = find_journals(out / JOURNALS)
    if not journals:
        raise RequestError(
            "there is no journal yet",
            seen=out / JOURNALS,
            next_step="measure first: mnist-bench run --grid quick",
        )
    return journals[-1]
