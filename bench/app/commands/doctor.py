"""The command `doctor`: what would stop a run here, as lines or as JSON, and what mends it."""

from __future__ import annotations

import functools
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import click

from bench import __version__
from bench.app.commands import cluster_options
from bench.app.doctor.check_result import CheckResult
from bench.app.doctor.checks import CHECKS, NAMES, examined
from bench.app.doctor.patient import Patient
from bench.app.options import (
    PATH,
    Command,
    ExitCodes,
    OneOf,
    Option,
    flag,
    near_miss,
    out_option,
    workload_option,
)
from bench.errors import RequestError
from bench.spec.privacy import Privacy
from bench.spec.request import ClusterChoice, DoctorRequest, Program
from bench.text import counted, shortened, visible

#: The version of the document that `--json` prints.
SCHEMA = 1

ABOUT = """{about}

CHECKS names the checks to make; without a name, all are made: {names}. The network is used only
for a cluster that you name.
"""


def command(program: Program, about: str) -> click.Command:
    """Return the command."""
    return Command(
        "doctor",
        exit_codes=ExitCodes("nothing found would stop a run", "something would stop a run"),
        help=ABOUT.format(about=about, names=", ".join(NAMES)),
        callback=lambda **values: functools.partial(execute, request_of(**values), program),
        params=[
            click.Argument(["checks"], nargs=-1, type=OneOf(NAMES), metavar="[CHECKS]..."),
            flag("--json", "print the findings as JSON, for a bug report", expose_as="as_json"),
            out_option("folder of the results that a run would write to"),
            Option("--dataset", metavar="NAME", default="auto", help="the data of a run"),
            Option("--data", metavar="FILE", help="the file that holds the data"),
            Option(
                "--serve",
                type=click.IntRange(1, 65535),
                metavar="PORT",
                help="the port that `run --serve PORT` would show its page on",
            ),
            Option("--cluster", type=PATH, metavar="FILE", help="look at the cluster of this file"),
            Option("--address", metavar="URL", help="look at the cluster with this Jobs API"),
            workload_option(program),
        ],
    )


def request_of(*, cluster: Path | None, address: str | None, **values: Any) -> DoctorRequest:
    """Return the request that the parsed options make. Raises RequestError."""
    choice = ClusterChoice(cluster, address)
    cluster_options.check(choice)
    return DoctorRequest(cluster=choice, **values)


def execute(request: DoctorRequest, program: Program) -> int:
    """Make the checks and print what they find; return 1 if something would stop a run."""
    patient = Patient(request, program)
    _check(patient)
    chosen = [check for check in CHECKS if not request.checks or check.name in request.checks]
    results = []
    for result in examined(patient, chosen):
        results.append(result)
        if not request.as_json:
            print(line_of(result, program), flush=True)
    if request.as_json:
        print(json.dumps(document_of(results, request, program), indent=1))
    else:
        print(summary_of(results))
    return 1 if any(result.state == "problem" for result in results) else 0


def line_of(result: CheckResult, program: Program) -> str:
    """Return a result as one line: its state, its check, what was seen, and what mends it."""
    mend = f" -> {result.cure}" if result.cure else ""
    text = program.spoken(f"{shortened(result.seen)}{mend}")
    return f"{result.state:<8} {result.check:<11} {visible(text)}"


def document_of(
    results: Iterable[CheckResult], request: DoctorRequest, program: Program
) -> dict[str, Any]:
    """Return the results as data, without the names of the host and of the user's home."""

    def redacted(text: str) -> str:
        return Privacy().redacted(program.spoken(text), own=(program.name,))

    return {
        "schema": SCHEMA,
        "program": program.name,
        "version": __version__,
        "workload": redacted(request.workload),
        "findings": [
            {
                "check": result.check,
                "state": result.state,
                "seen": shortened(redacted(result.seen)),
                "cure": None if result.cure is None else redacted(result.cure),
            }
            for result in results
        ],
    }


def summary_of(results: Iterable[CheckResult]) -> str:
    """Return how many results are problems and warnings, in words."""
    states = [result.state for result in results]
    problems, warnings = states.count("problem"), states.count("warning")
    noted = f"; {counted(warnings, 'warning')}" if warnings else ""
    if not problems:
        return f"nothing found would stop a run{noted}"
    what = counted(problems, "problem")
    return f"{what} would stop a run, or make it measure something else{noted}"


def _check(patient: Patient) -> None:
    """Raise RequestError if the options do not suit the workload, or name no cluster file."""
    request, _ = patient.request, patient.cluster_file
    try:
        datasets = patient.workload.description.datasets
    except RequestError:
        if request.workload != patient.program.workload:
            raise
        return  # a package that the program's own workload needs is missing: the checks name it
    if not datasets and (request.data is not None or request.dataset != "auto"):
        raise RequestError(
            "this workload reads no data",
            seen=request.data or request.dataset,
            next_step="leave out --data and --dataset",
        )
    known = ("auto", *datasets)
    if request.dataset not in known:
        raise RequestError(
            "the dataset is unknown",
            seen=request.dataset,
            next_step=near_miss(request.dataset, known),
        )
