"""The command `report`: the report of one or several journals, without measuring."""

from __future__ import annotations

import functools
import gc
import itertools
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from bench.app import pricing
from bench.app.exit_code import exit_code_of
from bench.app.folder_runs import flaw_lines, left_out_lines
from bench.app.named_runs import named_runs
from bench.app.only import only
from bench.app.options import (
    PATH,
    Command,
    ExitCodes,
    Option,
    only_option,
    out_option,
    price_option,
    workload_option,
)
from bench.app.report_options import FORM, form_of, form_options
from bench.app.typed_command import shown_command
from bench.child.workload import Workload, load_workload
from bench.errors import RequestError
from bench.record.price import read_rules
from bench.record.run import LeftOut, Run
from bench.spec.privacy import Privacy
from bench.spec.request import USUAL_FORM, Program, ReportForm, ReportRequest
from bench.text import printable

if TYPE_CHECKING:
    from bench.analysis.results import Results
    from bench.report.column import Report

#: What `--price` does to the journals' own prices.
PRICE = (
    "as in run; it takes precedence over the journals' own prices, and a bare figure needs a "
    "report of one machine"
)

DETAILS = """
JOURNALS are journal files, or folders of them, that are set side by side. Without any, all journals
in the folder of reports that measured the workload of the newest one are reported together: every
sitting of every machine. A journal of a folder that is unreadable or of another workload is left
out, with a note.
"""


@dataclass(frozen=True)
class Written:
    """A report that was written: the path of its Markdown, its results, and what it says."""

    path: Path
    results: Results
    report: Report


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
                help="name of the machine of each journal or folder in turn, in place of the "
                "recorded one",
            ),
            only_option("the report shows only these machines"),
            price_option(PRICE),
            *form_options(),
            workload_option(program),
        ],
    )


def request_of(values: dict[str, Any]) -> ReportRequest:
    """Return the request that the parsed options make."""
    form = form_of(values)
    rest = {name: value for name, value in values.items() if name not in FORM}
    return ReportRequest(**rest, form=form)


def execute(request: ReportRequest, program: Program) -> int:
    """Write the report; return 1 if it shows failures."""
    with uncollected():
        return _execute(request, program)


@contextmanager
def uncollected() -> Iterator[None]:
    """Collect no garbage meanwhile.

    The records and rows of a report live until it is written and hold no cycles, but with many
    machines a third of the time would be spent on searching them for cycles.
    """
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def _execute(request: ReportRequest, program: Program) -> int:
    from bench.report import data

    report, exit_code = _made(request, program)
    print(printable(str(data.write_report(report, request.out)[0])))
    return exit_code


def _made(request: ReportRequest, program: Program) -> tuple[Report, int]:
    """Return the report and the exit code; the records are let go before the report is written."""
    from bench.report.annex import with_note_on_parquet

    workload = load_workload(request.workload)
    named = named_runs(request.journals, request.out)
    if len(request.labels) > len(named):
        raise RequestError(
            "there are more labels than journals",
            seen=f"{len(request.labels)} labels, {len(named)} journals or folders",
            next_step="give one --label for each journal or folder, in the same order",
        )
    rules = read_rules(request.price) if request.price else ()
    pairs = itertools.zip_longest(named, request.labels)
    runs = only([run for one, label in pairs for run in _renamed(one.runs, label)], request.only)
    runs = pricing.repriced_report(runs, rules)
    command = shown_command(program, Privacy(), workload) if program.typed else ""
    left_out = [journal for one in named for journal in one.left_out]
    for line in (*left_out_lines(left_out), *flaw_lines(runs)):
        print(line)
    commands = [command] if command else []
    _, report = report_of(runs, workload, commands, left_out, request.form)
    return with_note_on_parquet(report), exit_code_of(runs)


def make_report(
    runs: Sequence[Run],
    out: Path,
    workload: Workload,
    commands: Sequence[str] = (),
    left_out: Sequence[LeftOut] = (),
    form: ReportForm = USUAL_FORM,
) -> Written:
    """Write the report of `runs` into `out`.

    A journal that does not describe its workload is taken to be of `workload`. `commands` made the
    report from journals; a run needs none, because its journal holds its command. `left_out` are
    journals that the report does not hold.
    """
    from bench.report import data
    from bench.report.annex import with_note_on_parquet

    results, report = report_of(runs, workload, commands, left_out, form)
    report = with_note_on_parquet(report)
    return Written(data.write_report(report, out)[0], results, report)


def report_of(
    runs: Sequence[Run],
    workload: Workload,
    commands: Sequence[str] = (),
    left_out: Sequence[LeftOut] = (),
    form: ReportForm = USUAL_FORM,
) -> tuple[Results, Report]:
    """Return the results of `runs` and the report on them; see `make_report`."""
    from bench.analysis.results import analyse  # imported here, so that --help is fast
    from bench.report.annex import report_of_results, with_figures, without_figures

    description = workload.description
    results = analyse(runs, description.outline, description.published)
    own_words = description.translations.get(form.language)
    report = report_of_results(results, commands, left_out, form.language, own_words)
    if not form.figures:
        return results, without_figures(report)
    return results, with_figures(report, results, description)


def _renamed(runs: Sequence[Run], label: str | None) -> Sequence[Run]:
    """Return the runs of one journal or folder with their machine called `label`.

    Raises RequestError if a folder holds runs of several machines.
    """
    if label is None:
        return runs
    names = sorted({run.header.label for run in runs})
    if len(names) > 1:
        raise RequestError(
            "one --label cannot name several machines, and this folder holds runs of several",
            seen=", ".join(names),
            next_step="name the journals, and give one --label for each",
        )
    return [pricing.renamed(run, label) for run in runs]
