"""The command `report`: the report of one or several journals, without measuring."""

from __future__ import annotations

import functools
import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from bench.app import pricing
from bench.app.counts import counts_of
from bench.app.options import (
    PATH,
    Command,
    ExitCodes,
    Option,
    out_option,
    price_option,
    workload_option,
)
from bench.app.out_folder import journals_in
from bench.child.workload import Workload, load_workload
from bench.errors import RequestError
from bench.record.journal import find_journals, read_run
from bench.record.price import read_rules
from bench.record.run import Run
from bench.spec.privacy import Privacy
from bench.spec.request import Program, ReportRequest

#: What `--price` does to the journals' own prices.
PRICE = (
    "as in run; it takes precedence over the journals' own prices, and a bare figure needs a "
    "report of one machine"
)

DETAILS = """
JOURNALS are journal files, or folders of them, that are set side by side. Without any, the newest
journal in the folder of reports is reported.
"""


def command(program: Program, about: str) -> click.Command:
    """Return the command."""
    return Command(
        "report",
        exit_codes=ExitCodes(
            "every job of the report was measured",
            "some jobs failed or are missing, or the report could not be written",
        ),
        help=f"{about}\n{DETAILS}",
        callback=lambda **values: functools.partial(execute, request_of(values), program),
        params=[
            click.Argument(["journals"], nargs=-1, type=PATH),
            out_option("folder of the report"),
            Option(
                "--label",
                "labels",
                multiple=True,
                metavar="NAME",
                help="name of the machine of each journal in turn, in place of the recorded one",
            ),
            price_option(PRICE),
            workload_option(program),
        ],
    )


def request_of(values: dict[str, Any]) -> ReportRequest:
    """Return the request that the parsed options make."""
    return ReportRequest(**values)


def execute(request: ReportRequest, program: Program) -> int:
    """Write the report; return 1 if it shows failures."""
    paths = _journals(request.journals, request.out)
    if len(request.labels) > len(paths):
        raise RequestError(
            "there are more labels than journals",
            seen=f"{len(request.labels)} labels, {len(paths)} journals",
            next_step="give one --label for each journal, in the same order",
        )
    rules = read_rules(request.price) if request.price else ()
    workload = load_workload(request.workload)
    runs = [read_run(path) for path in paths]
    for index, label in enumerate(request.labels):
        runs[index] = pricing.renamed(runs[index], label)
    runs = pricing.repriced_report(runs, rules)
    command = Privacy().redacted(shlex.join(program.typed))
    print(make_report(runs, request.out, workload, [command] if command else []))
    return counts_of(runs).exit_code


def make_report(
    runs: Sequence[Run], out: Path, workload: Workload, commands: Sequence[str] = ()
) -> Path:
    """Write the report of `runs` into `out`; return the path of its Markdown.

    A journal that does not describe its workload is taken to be of `workload`. `commands` made the
    report from journals; a run needs none, because its journal holds its command.
    """
    from bench.report import data  # pandas and tabulate take 0.5 s that --help need not pay
    from bench.report.annex import build_report

    description = workload.description
    reference = description.reference() if description.reference else None
    report = build_report(runs, description.outline, reference, commands)
    return data.write_report(report, out)[0]


def _journals(given: Sequence[Path], out: Path) -> list[Path]:
    if not given:
        return [_newest(out)]
    paths: list[Path] = []
    for path in given:
        found = find_journals(path) or find_journals(journals_in(path)) if path.is_dir() else [path]
        if not found:
            raise RequestError(
                "there is no journal in this folder", seen=path, next_step="name a .jsonl file"
            )
        paths += found
    return paths


def _newest(out: Path) -> Path:
    journals = find_journals(journals_in(out))
    if not journals:
        raise RequestError(
            "there is no journal yet",
            seen=journals_in(out),
            next_step="measure first: {program} run --grid quick",
        )
    return journals[-1]
