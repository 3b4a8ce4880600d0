"""The command `compare`: which of the named machines is faster, by how much, and how sure."""

from __future__ import annotations

import contextlib
import functools
import sys
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import click

from bench.app.amounts import Amount, Percent
from bench.app.options import (
    CONDITION_MET,
    Command,
    ExitCodes,
    Option,
    by_option,
    flag,
    out_option,
    workload_option,
)
from bench.child.workload import load_workload, probe_for
from bench.errors import RequestError
from bench.spec.privacy import Privacy
from bench.spec.request import CompareRequest, Program
from bench.text import did_you_mean, printable

if TYPE_CHECKING:
    from bench.analysis.entrants import Side
    from bench.analysis.slowdown import SittingPairs
    from bench.app.commands.compare_output import Look
    from bench.app.side_lookup import Known
    from bench.spec.description import Outline

DETAILS = """
A and B are machines (by label, by name in the report, or by the first letters of the id), runs (by
id), journals or folders of journals, or instance types such as c7i.large. After a run or a journal
of several machines, :LABEL chooses one (run.jsonl:LABEL). Labels, runs and types are looked for in
the journals of the folder of reports. A claim about an instance type rests
on its instances, and each instance counts once. More than two names are ranked. Without a name, all
machines of the folder of reports are compared.

The first name is the baseline, and the second one is the candidate. If one name is given twice, the
machine is compared with itself: all pairs of its sittings are compared as if they were two
machines, and the output says how many of them were called different.
"""


def command(program: Program, about: str) -> click.Command:
    """Return the command."""
    return Command(
        "compare",
        exit_codes=ExitCodes(
            "the comparison was printed",
            "--until-told ended before the two were told apart",
            condition="--fail-if-slower is met with confidence",
        ),
        help=f"{about}\n{DETAILS}",
        callback=lambda **values: functools.partial(execute, request_of(values), program),
        params=[
            click.Argument(["names"], nargs=-1, metavar="A B ..."),
            by_option("compared"),
            Option("--baseline", metavar="NAME", help="the name that the others are set against"),
            Option(
                "--margin",
                type=Percent(),
                default="3%",
                help="machines that differ by less than this are called equal",
            ),
            Option(
                "--fail-if-slower",
                type=Percent(),
                help="end with exit code 3 if the candidate takes more than this share of time "
                "longer than the baseline; bounds hold however often one looks",
            ),
            flag(
                "--until-told",
                "repeat the commands that measured A and B here, sitting by sitting, until the two "
                "are told apart or found equal",
            ),
            Option(
                "--max-minutes",
                type=Amount(),
                default=60.0,
                help="--until-told begins no round of sittings that may take longer than this",
            ),
            flag("--json", "print JSON", expose_as="as_json"),
            out_option("folder of reports"),
            workload_option(program),
        ],
    )


def request_of(values: dict[str, Any]) -> CompareRequest:
    """Return the request that the parsed options make."""
    return CompareRequest(**values)


def execute(request: CompareRequest, program: Program) -> int:
    """Print the comparison; return 3 if the candidate is slower by more than was allowed."""
    from bench.app.commands.compare_output import print_comparison, print_json
    from bench.app.side_lookup import find_sides, namesakes, outline_of, read_known

    known = read_known(request.out)
    sides = find_sides(request.names, known)
    for warning in (*known.unreadable, *namesakes(sides, known)):
        print(printable(warning), file=sys.stderr)
    outline = outline_of(sides, request.workload)
    if len(sides) == 2 and sides[0] == sides[1]:
        return _with_itself(request, known, sides[0], outline)
    _check_pair(request, len(sides))
    code, look = 0, _look(request, known, sides, outline)
    if request.until_told:
        code, look = _until_told(request, program, known, sides, outline)
    (print_json if request.as_json else print_comparison)(request, look)
    limit = request.fail_if_slower
    if look.pairs is not None and limit is not None and look.pairs.slower_than(limit):
        return CONDITION_MET
    return code


def _look(request: CompareRequest, known: Known, sides: Sequence[Side], outline: Outline) -> Look:
    from bench.analysis.comparison import compare
    from bench.analysis.entrants import donors_of, entrants
    from bench.analysis.slowdown import sitting_by_sitting
    from bench.app.commands.compare_output import Look
    from bench.app.side_lookup import calibrations_of

    calibrations = calibrations_of(outline, request.workload)
    donors = donors_of(sides, known.jobs, outline)
    fitted = entrants(sides, outline, donors=donors, calibrations=calibrations)
    compared = [one.name for one in fitted]
    wrong = tuple(side.name for side in sides if side.name not in compared)
    baseline = _baseline(request, [side.name for side in sides], wrong)
    found = compare(fitted, request.by, margin=request.margin, baseline=baseline)
    look = Look(found, outline, None, wrong)
    if request.fail_if_slower is None and not request.until_told:
        return look
    return replace(look, pairs=sitting_by_sitting(look.baseline, look.candidate, request.by))


def _check_pair(request: CompareRequest, sides: int) -> None:
    option = "--fail-if-slower" if request.fail_if_slower is not None else "--until-told"
    if sides != 2 and (request.fail_if_slower is not None or request.until_told):
        raise RequestError(
            f"{option} compares one candidate with one baseline",
            seen=f"{sides} machines",
            next_step="name two",
        )


def _baseline(request: CompareRequest, names: Sequence[str], wrong: Sequence[str]) -> str:
    """Return the name of the baseline; `wrong` are the sides that train everything wrong."""
    if request.baseline is None:
        return next(name for name in names if name not in wrong)
    given = dict(zip(request.names, names, strict=False))
    baseline = given.get(request.baseline, request.baseline)
    if baseline in wrong:
        raise RequestError(
            f"--baseline {baseline} trains every kind of job wrong, so its speed is not compared",
            seen="a metric that is not finite, or outside of what healthy jobs end with",
            next_step="name another baseline, and see why with: {program} report",
        )
    if baseline in names:
        return baseline
    raise RequestError(
        f"--baseline {request.baseline} is not one of the names",
        seen=", ".join(names),
        next_step=f"{did_you_mean(request.baseline, names)}name one of them",
    )


def _with_itself(request: CompareRequest, known: Known, side: Side, outline: Outline) -> int:
    from bench.analysis.entrants import donors_of
    from bench.analysis.self_comparison import compare_with_itself
    from bench.app.commands.compare_output import print_self
    from bench.app.side_lookup import calibrations_of

    if request.fail_if_slower is not None or request.until_told:
        raise RequestError(
            "--fail-if-slower and --until-told need a baseline and another candidate",
            seen=f"{side.name} twice",
            next_step="name two machines, labels or runs",
        )
    found = compare_with_itself(
        side,
        outline,
        request.by,
        margin=request.margin,
        donors=donors_of([side], known.jobs, outline),
        calibrations=calibrations_of(outline, request.workload),
    )
    print_self(request, found)
    return 0


def _until_told(
    request: CompareRequest,
    program: Program,
    known: Known,
    sides: Sequence[Side],
    outline: Outline,
) -> tuple[int, Look]:
    """Add sittings until the two sides are told apart; return the exit code and the last look."""
    from bench.app.side_lookup import find_sides, read_known
    from bench.app.until_told import Stop, elsewhere, recipes, repeat
    from bench.report import sequence
    from bench.report.words import comparison as words

    looks = [_look(request, known, sides, outline)]
    found = recipes(sides, known.runs)
    here = probe_for(load_workload(request.workload), Privacy()).machine_id
    if elsewhere(found, here):
        told = [(one.label, one.command, one.machine_id in (None, here)) for one in found]
        print(words.measure_elsewhere(told), file=sys.stderr)
        return 1, looks[-1]

    def look() -> SittingPairs:
        now = read_known(request.out)
        looks.append(_look(request, now, find_sides(request.names, now), outline))
        pairs = looks[-1].pairs
        assert pairs is not None, "--until-told looks at pairs of sittings"
        return pairs

    def say(pairs: SittingPairs) -> None:
        names = (looks[-1].candidate.name, looks[-1].baseline.name)
        sentence = sequence.sequence_sentence(pairs, *names, request.margin)
        print(sentence, file=sys.stderr, flush=True)

    def measure(words_of_run: Sequence[str]) -> int:
        from bench.app.main import main

        again = ["run", *words_of_run, "--out", str(request.out)]
        typed = replace(program, typed=(program.name, *again))
        with contextlib.redirect_stdout(sys.stderr):
            return main(again, typed)

    stop = Stop(request.margin, request.fail_if_slower, 60 * request.max_minutes)
    return repeat(found, look, measure, stop, say), looks[-1]
