"""The command `history`: a machine over its sittings, and what changed when its speed did."""

from __future__ import annotations

import functools
import json
import sys
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import click

from bench.app.options import (
    Command,
    ExitCodes,
    MachineName,
    by_option,
    flag,
    out_option,
    workload_option,
)
from bench.errors import MEASURE_FIRST, RequestError
from bench.spec.request import HistoryRequest, Program
from bench.text import did_you_mean, printable

if TYPE_CHECKING:
    from bench.analysis.entrants import Side
    from bench.analysis.history import History
    from bench.app.side_lookup import Known

DETAILS = """
MACHINE is a label, a name in the report, or the first letters of an id; without one, every machine
of the folder of reports is shown. A host's sittings stand together even if its versions or settings
changed in between: what changed is what the history shows.

Each sitting has its speed relative to the machine's mean. If the speed changed from one sitting to
the next by more than 3% and more than the noise between jobs, the output says what else changed:
facts, versions, settings and conditions.
"""


def command(program: Program, about: str) -> click.Command:
    """Return the command."""
    return Command(
        "history",
        exit_codes=ExitCodes("the history was printed", "the output could not be written"),
        help=f"{about}\n{DETAILS}",
        callback=lambda **values: functools.partial(execute, request_of(values)),
        params=[
            click.Argument(["machine"], required=False, type=MachineName(several=False)),
            by_option("shown"),
            flag("--json", "print JSON", expose_as="as_json"),
            out_option("folder of reports"),
            workload_option(program),
        ],
    )


def request_of(values: dict[str, Any]) -> HistoryRequest:
    """Return the request that the parsed options make."""
    return HistoryRequest(**values)


def execute(request: HistoryRequest) -> int:
    """Print the history of each machine that was named."""
    from bench.app.side_lookup import read_known
    from bench.report import history as said

    known = read_known(request.out)
    for warning in known.unreadable:
        print(printable(warning), file=sys.stderr)
    found = list(_histories(request, known))
    if request.as_json:
        print(json.dumps([said.document(one) for one in found], indent=1))
        return 0
    for place, one in enumerate(found):
        print(end="\n" if place else "")
        _print(one)
    return 0


def _histories(request: HistoryRequest, known: Known) -> Iterator[History]:
    from bench.analysis.entrants import donors_of
    from bench.analysis.history import history
    from bench.app.side_lookup import calibrations_of, outline_of

    for side in _named(request.machine, known):
        outline = outline_of([side], request.workload)
        alike = [job for job in known.jobs if _workload(job) in (None, outline.name)]
        yield history(
            side,
            outline,
            request.by,
            donors=donors_of([side], alike, outline),
            calibrations=calibrations_of(outline, request.workload),
        )


def _workload(job: Any) -> str | None:
    described = job.share.header.workload
    return None if described is None else str(described.name)


def _named(name: str | None, known: Known) -> Sequence[Side]:
    """Return the hosts that a name stands for. Raises RequestError if there is none."""
    from bench.analysis.hosts import hosts
    from bench.app.machine_lookup import begins_id

    found = hosts(known.jobs)
    if not found:
        raise RequestError(
            "there is no measured job yet", seen=known.folder, next_step=MEASURE_FIRST
        )
    if name is None:
        return found
    keys = {machine.key for machine in known.machines if machine.name == name}
    tests = (
        lambda side: side.name == name or side.jobs[0].record.label == name,
        lambda side: any(job.machine_key in keys for job in side.jobs),
        lambda side: any(begins_id(name, job.record.machine.machine_id) for job in side.jobs),
    )
    for test in tests:
        chosen = [side for side in found if test(side)]
        if chosen:
            return chosen
    names = list(dict.fromkeys((*(side.name for side in found), *(m.name for m in known.machines))))
    raise RequestError(
        f"{name} is no measured machine in {known.folder}",
        seen=", ".join(names),
        next_step=f"{did_you_mean(name, names)}name one of them",
    )


def _print(found: History) -> None:
    from bench.report.history import paragraphs, sittings_table
    from bench.report.terminal import list_text, paragraph_text, table_text

    table = sittings_table(found)
    print(f"{paragraph_text(table.title)}\n\n{table_text(table)}")
    for text, lines in paragraphs(found):
        print(f"\n{paragraph_text(text)}")
        print(list_text(lines), end="\n" if lines else "")
