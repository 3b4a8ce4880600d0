"""The command `export`: the results of journals as files of other programs."""

from __future__ import annotations

import functools
import os
import re
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

import click

from bench.app.folder_runs import flaw_lines, left_out_lines
from bench.app.named_runs import chosen_runs
from bench.app.options import PATH, Command, ExitCodes, OneOf, Option, only_option, workload_option
from bench.child.workload import load_workload
from bench.errors import MEASURE_FIRST, RequestError
from bench.spec.request import REPORTS, ExportFormat, ExportRequest, Program
from bench.text import printable

if TYPE_CHECKING:
    from bench.analysis.results import Results

FORMATS: tuple[ExportFormat, ...] = get_args(ExportFormat)

#: The end of the name of a pyperf file.
PYPERF = ".json"

DETAILS = """
JOURNALS are journal files, or folders of them; without any, all journals of the folder reports
count.

pyperf: the mean steps of one machine, a benchmark a kind of job and a run a job, for `pyperf stats`
and `pyperf compare_to`. Of several machines choose one with --only, or name a folder with --out,
which then holds a file for each.

junit: a test case a job. A job that failed, or that a machine trained wrong, is a failure with its
reason and what to do.

openmetrics: gauges with the machine and the axes of the job as labels, for example for the textfile
collector of Prometheus.
"""


def command(program: Program, about: str) -> click.Command:
    """Return the command."""
    return Command(
        "export",
        exit_codes=ExitCodes("the results were written", "the results could not be written"),
        help=f"{about}\n{DETAILS}",
        callback=lambda **values: functools.partial(execute, request_of(values)),
        params=[
            click.Argument(["journals"], nargs=-1, type=PATH),
            Option(
                "--format",
                type=OneOf(FORMATS),
                required=True,
                help="the program that reads it",
            ),
            Option(
                "--out",
                type=PATH,
                metavar="FILE",
                help="the file that is written, in place of the terminal",
            ),
            only_option("only these machines", folder=None),
            workload_option(program),
        ],
    )


def request_of(values: dict[str, Any]) -> ExportRequest:
    """Return the request that the parsed options make."""
    return ExportRequest(**values)


def execute(request: ExportRequest) -> int:
    """Write the files, or print the text."""
    from bench.analysis.results import analyse  # imported here, so that --help is fast

    found = chosen_runs(request.journals, REPORTS, request.only)
    for line in (*left_out_lines(found.left_out), *flaw_lines(found.runs)):
        print(line, file=sys.stderr)
    description = load_workload(request.workload).description
    results = analyse(found.runs, description.outline, description.published)
    if request.format == "pyperf":
        _write(_pyperf_files(request, results))
    else:
        _write({_file(request): _texts()[request.format](results)})
    return 0


def _texts() -> Mapping[str, Callable[[Results], str]]:
    """Return what makes the text of each format that holds all machines."""
    from bench.report.exports.junit import junit_file
    from bench.report.exports.openmetrics import openmetrics_text

    return {"junit": junit_file, "openmetrics": openmetrics_text}


def _write(texts: Mapping[Path | None, str]) -> None:
    from bench.report.data import write_file

    for path, text in texts.items():
        if path is None:
            print(text, end="")
        else:
            print(printable(str(write_file(path, text))))


def _file(request: ExportRequest) -> Path | None:
    """Return the file of a format that holds all machines. Raises RequestError for a folder."""
    out = request.out
    if out is not None and os.path.isdir(out):
        raise RequestError(
            f"{out} is a folder",
            next_step=f"name a file, such as --out {out / f'{request.format}.txt'}",
        )
    return out


def _pyperf_files(request: ExportRequest, results: Results) -> dict[Path | None, str]:
    """Return the text of each machine's file; the path of a text that is printed is None."""
    from bench.report.exports.pyperf import pyperf_file

    found = {
        machine.name: text
        for machine in results.measured_machines
        if (text := pyperf_file(results, machine)) is not None
    }
    if not found:
        raise RequestError(
            "no job of these journals gave a mean step",
            seen=", ".join(machine.name for machine in results.machines) or "no machine",
            next_step=MEASURE_FIRST,
        )
    out = request.out
    if len(found) == 1 and not (out is not None and os.path.isdir(out)):
        return {out: next(iter(found.values()))}
    if out is None or out.suffix == PYPERF or (os.path.exists(out) and not os.path.isdir(out)):
        raise RequestError(
            "a pyperf file holds one machine, and these journals hold several",
            seen=", ".join(found),
            next_step=f"choose one (--only '{next(iter(found))}'), or name a folder with --out",
        )
    names = _file_names(list(found))
    return {out / f"{names[name]}{PYPERF}": text for name, text in found.items()}


def _file_names(machines: Sequence[str]) -> dict[str, str]:
    """Return a file's name for each machine, each once whatever the letters of the machine's."""
    taken: dict[str, str] = {}
    for machine in machines:
        plain = re.sub(r"[^\w.-]+", "-", machine).strip("-.") or "machine"
        name, number = plain, 2
        while name.lower() in {known.lower() for known in taken.values()}:
            name, number = f"{plain}-{number}", number + 1
        taken[machine] = name
    return taken
