"""The command `choose`: which machine reaches a target in time and for the money."""

from __future__ import annotations

import functools
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from bench.app import pricing
from bench.app.amounts import Dollars, Duration, Number
from bench.app.commands.axis_options import axis_option, axis_values
from bench.app.commands.workload_command import WorkloadCommand
from bench.app.folder_runs import flaw_lines, left_out_lines, runs_of
from bench.app.options import (
    PATH,
    ExitCodes,
    OneOf,
    Option,
    flag,
    near_miss,
    out_option,
    price_option,
    workload_option,
)
from bench.app.out_folder import journals_of
from bench.child.workload import load_workload
from bench.errors import MEASURE_FIRST, RequestError
from bench.record.journal import read_runs
from bench.record.price import read_rules
from bench.record.run import Run
from bench.spec.axes import ALL
from bench.spec.description import Description
from bench.spec.request import ChooseRequest, Program

WISH = "What must be reached"
WHICH = "Which trainings count (all, unless these options name some)"

#: What `--price` does to the journals' own prices.
PRICE = (
    "as in run; it takes precedence over the journals' own prices, and a bare figure needs "
    "journals of one machine"
)

DETAILS = """
The machines of the journals stand by their chance to reach the target within the deadline and the
budget, and each excluded machine has its reason. JOURNALS are journal files or folders of them.
Without any, all journals in the folder of reports count.
"""

EXIT_CODES = ExitCodes("a machine qualifies", "no machine qualifies")


def command(program: Program, about: str) -> click.Command:
    """Return the command."""
    return WorkloadCommand(
        "choose",
        program,
        choose_options,
        exit_codes=EXIT_CODES,
        help=f"{about}\n{DETAILS}",
        callback=lambda **values: functools.partial(execute, request_of(values), program),
    )


def choose_options(description: Description, program: Program) -> list[click.Parameter]:
    """Return every option of `choose` for the workload of `description`."""
    others = [
        Option(
            "--deadline",
            section=WISH,
            type=Duration(),
            metavar="TIME",
            help="the longest that a training may take, such as 90s, 30m or 1.5h",
        ),
        Option(
            "--budget",
            section=WISH,
            type=Dollars(),
            metavar="USD",
            help="the most that a training may cost, such as 5usd; it needs the machines' prices",
        ),
        *(axis_option(axis, WHICH) for axis in description.axes),
        *_datasets(description),
        out_option("folder of reports whose journals are read"),
        price_option(PRICE),
        workload_option(program),
        flag("--json", "print the answer as JSON", expose_as="as_json"),
    ]
    return [
        click.Argument(["journals"], nargs=-1, type=PATH),
        _target_option(description, {word for option in others for word in option.opts}),
        *others,
    ]


def _target_option(description: Description, taken: set[str]) -> Option:
    """Return the option of the target, called by the last word of the scored metric's name."""
    metric = description.outline.scored
    words = ["--target"]
    if metric is not None:
        short = f"--{metric.name.split('_')[-1]}"
        words = [short, *words] if short not in taken else words
    example = f", such as {metric.targets[0]:g}" if metric and metric.targets else ""
    return Option(
        *words,
        "target",
        section=WISH,
        type=Number(),
        required=True,
        metavar="X",
        help=f"the {metric.title if metric else 'metric'} to reach{example}",
    )


def _datasets(description: Description) -> list[Option]:
    if not description.datasets:
        return []
    usual = description.datasets[0]
    known = OneOf(description.datasets)
    return [Option("--dataset", section=WHICH, type=known, default=usual, help="the data")]


def request_of(values: dict[str, Any]) -> ChooseRequest:
    """Return the request that the parsed options make."""
    axes = axis_values(values)
    return ChooseRequest(
        workload=values["workload"],
        target=values["target"],
        deadline_s=values["deadline"],
        budget_usd=values["budget"],
        axes={name: known for name, known in axes.items() if ALL not in known},
        dataset=values.get("dataset"),
        journals=values["journals"],
        out=Path(values["out"]),
        price=values["price"],
        as_json=values["as_json"],
    )


def execute(request: ChooseRequest, program: Program) -> int:
    """Print the machines by their chance; return 1 if no machine qualifies."""
    description = load_workload(request.workload).description
    _check_values(request, description)
    rules = read_rules(request.price) if request.price else ()
    runs = pricing.repriced_report(_runs(request, description), rules)
    report, found = _answer(request, runs, description)
    print(report)
    return 0 if found else 1


def _check_values(request: ChooseRequest, description: Description) -> None:
    """Raise RequestError if a value is not a choice of its axis, or the target is impossible."""
    metric = description.outline.scored
    if metric is not None and not metric.possible(request.target):
        share = request.target / 100
        is_percent = metric.most == 1 and metric.possible(share)
        meant = f"did you mean {share:g}? " if is_percent else ""
        raise RequestError(
            f"no {metric.title} is {request.target:g}",
            seen=f"{request.target:g}",
            next_step=f"{meant}give a value {_between(metric.least, metric.most)}",
        )
    for axis in description.axes:
        for value in request.axes.get(axis.name, ()):
            if axis.choices and value not in axis.choices:
                raise RequestError(
                    f"{value!r} is not a known {axis.title}",
                    seen=value,
                    next_step=near_miss(str(value), [str(known) for known in axis.choices]),
                )


def _between(least: float | None, most: float | None) -> str:
    if least is None or most is None:
        return f"of at most {most:g}" if least is None else f"of at least {least:g}"
    return f"from {least:g} to {most:g}"


def _runs(request: ChooseRequest, description: Description) -> list[Run]:
    """Return the runs of the journals that the request names; without any, of the whole folder.

    A journal of the folder that is unreadable or of another workload is left out, with a note.
    """
    if request.journals:
        return [run for path in _journals(request.journals) for run in read_runs(path)]
    found = runs_of(_journals((request.out,)), description.outline)
    for line in (*left_out_lines(found.left_out), *flaw_lines(found.runs)):
        print(line, file=sys.stderr)
    return list(found.runs)


def _journals(places: Sequence[Path]) -> list[Path]:
    """Return the journals at some places, each a file or a folder."""
    paths: list[Path] = []
    for path in places:
        found = journals_of(path) if os.path.isdir(path) else [path]
        if not found or not os.path.exists(found[0]):
            raise RequestError("there is no journal", seen=path, next_step=MEASURE_FIRST)
        paths += found
    return paths


def _answer(request: ChooseRequest, runs: list[Run], description: Description) -> tuple[str, bool]:
    """Return the answer as text, and whether a machine qualifies."""
    from bench.analysis.choose import Wish, choice_of  # imported here, so that --help is fast
    from bench.analysis.rent_or_buy import rent_or_buy
    from bench.report import data
    from bench.report.choice import choice_report
    from bench.report.markdown import render

    wish = Wish(
        request.target, request.deadline_s, request.budget_usd, request.axes, request.dataset
    )
    choice, outline = choice_of(runs, wish, description.outline, description.published)
    report = choice_report(choice, outline, rent_or_buy(choice))
    text = data.summary_json(report) if request.as_json else render(report)
    return text.rstrip("\n"), choice.best is not None
