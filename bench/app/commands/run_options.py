"""The command `run` as the user types it: its options follow from the axes of the workload."""

from __future__ import annotations

import functools
from collections.abc import Callable
from pathlib import Path
from typing import Any, get_args

import click

from bench.app.amounts import Amount
from bench.app.commands.axis_options import axis_option, axis_values
from bench.app.commands.cluster_options import INSTEAD, cluster_options
from bench.app.commands.series_options import series_of, series_options
from bench.app.commands.workload_command import WorkloadCommand
from bench.app.lists import ListOption, ThreadCounts
from bench.app.options import (
    POSITIVE,
    ExitCodes,
    OneOf,
    Option,
    flag,
    out_option,
    price_option,
    workload_option,
)
from bench.app.report_options import form_of, form_options
from bench.errors import RequestError, WorkloadError
from bench.outside.documents import LEAST_WHOLE, MOST_WHOLE
from bench.spec import limits
from bench.spec.axes import Axis
from bench.spec.description import Description
from bench.spec.grid import GridChanges
from bench.spec.job import When
from bench.spec.limits import MOST_EPOCHS, MOST_SEED
from bench.spec.privacy import Privacy
from bench.spec.request import (
    DISPATCHES,
    MOST_RERUNS,
    ClusterChoice,
    MeasureLimits,
    Program,
    RunRequest,
)
from bench.spec.threads import MAX

#: The grid of a run that names none, if the workload has it; else the first one.
DEFAULT_GRID = "quick"

WHAT = "What to run (a list replaces the grid's own values)"
HOW = "How to run it"
ONLY_SHOW = "Only show"

#: Lists of whole numbers that every job has beside its axes.
EPOCHS = Axis("epoch", "int", least=1, plural="epochs", meaning="passes over the data in a job")
SEEDS = Axis("seed", "int", least=0, plural="seeds", meaning="each seed makes a job of its own")

#: The seed of the jobs' order.
ORDER = click.IntRange(LEAST_WHOLE, MOST_WHOLE)


EXIT_CODES = ExitCodes(
    "all jobs measured (with --minutes: all jobs for which there was time)",
    "some jobs failed or could not be placed, or the results could not be written",
    "interrupted (the same command goes on)",
)


def command(program: Program, about: str) -> click.Command:
    """Return the command."""

    def parsed(**values: Any) -> Callable[[], int]:
        from bench.app.commands import run  # --help need not wait for its imports

        return functools.partial(run.execute, request_of(values), program)

    return WorkloadCommand(
        "run",
        program,
        run_options,
        exit_codes=EXIT_CODES,
        instead={word: program.spoken(text) for word, text in INSTEAD.items()},
        help=about,
        callback=parsed,
    )


def run_options(description: Description, program: Program) -> list[click.Parameter]:
    """Return every option of `run` for the workload of `description`. Raises WorkloadError."""
    options = [
        *_what_to_run(description, program),
        *_how_to_run(),
        *cluster_options(),
        flag("--list", "print the jobs and end", ONLY_SHOW, expose_as="list_jobs"),
        flag(
            "--json",
            "with --list: print job descriptions for bench.child.entry",
            ONLY_SHOW,
            expose_as="as_json",
        ),
        flag("--dry-run", "print what would run, and how long it would take", ONLY_SHOW),
    ]
    words = [word for option in options for word in option.opts]
    double = sorted({word for word in words if words.count(word) > 1})
    if double:
        raise WorkloadError(
            "an axis has the name of another option",
            seen=", ".join(double),
            next_step="give the axis another plural",
        )
    return options


def _what_to_run(description: Description, program: Program) -> list[click.Parameter]:
    names = ", ".join(description.grids)
    usual = (
        DEFAULT_GRID if DEFAULT_GRID in description.grids else next(iter(description.grids), None)
    )
    options = [
        workload_option(program, WHAT),
        Option(
            "--grid",
            section=WHAT,
            **({"required": True} if usual is None else {"default": usual}),
            metavar="NAME|FILE",
            help=f"{names}, or a YAML file of your own" if names else "a YAML file of your own",
        ),
        *(axis_option(axis, WHAT) for axis in description.axes),
        axis_option(EPOCHS, WHAT, expose_as="epochs", most=MOST_EPOCHS),
        axis_option(SEEDS, WHAT, expose_as="seeds", most=MOST_SEED),
        ListOption(
            "--threads",
            section=WHAT,
            type=ThreadCounts(),
            help=f"threads of a job; {MAX} stands for the usable CPUs of each machine",
        ),
        Option(
            "--evaluate",
            section=WHAT,
            type=OneOf(get_args(When)),
            show_default=False,
            help="when jobs are evaluated: at their end (the default), or after every epoch with "
            "the clock stopped, which shows how the metrics develop",
        ),
        Option(
            "--repeats",
            section=WHAT,
            type=click.IntRange(1, limits.MOST_REPEATS),
            metavar="N",
            help="run every job this many times",
        ),
    ]
    if description.datasets:
        known = ("auto", *description.datasets)
        options += [
            Option("--dataset", section=WHAT, type=OneOf(known), default="auto", help="the data"),
            Option("--data", section=WHAT, metavar="FILE", help="the file that holds the data"),
        ]
    return list(options)


def _how(*words: str, **fields: Any) -> Option:
    return Option(*words, section=HOW, **fields)


def _how_to_run() -> list[Option]:
    return [
        _how("--label", metavar="NAME", help="this machine's name in the tables"),
        out_option("folder of the results", HOW),
        _how(
            "--dispatch",
            type=OneOf(DISPATCHES),
            default=DISPATCHES[0],
            help="what places jobs on this machine",
        ),
        _how("--order-seed", type=ORDER, default=0, metavar="N", help="seed of the jobs' order"),
        *_how_much(),
        price_option(section=HOW),
        *form_options(HOW),
        _how(
            "--wait-quiet",
            type=POSITIVE,
            metavar="S",
            help="wait up to S seconds for each machine to be quiet before its first job",
        ),
        *series_options(HOW),
        _serve_option(),
        flag("--show-hostnames", "record host names as they are, not hashed", HOW),
        flag("--fresh", "start anew instead of continuing a run that was cut off", HOW),
    ]


def _how_much() -> list[Option]:
    """Return the options for how much is measured: by time, by repeats, and beside the jobs."""
    return [
        _how(
            "--minutes",
            type=Amount(),
            metavar="MIN",
            help="aim at this time from start to report (of each sitting): one job of each kind, "
            "then the rest of the grid as far as it fits, then replicates. Jobs that do not fit "
            "are left out and are no failures; a job that was begun is not ended (that is "
            "--max-minutes, a limit)",
        ),
        _how(
            "--repeat-disturbed",
            type=click.IntRange(0, MOST_RERUNS),
            default=MOST_RERUNS,
            metavar="N",
            help="after the other jobs, run each job that was disturbed again, up to N times",
        ),
        flag(
            "--no-ceilings",
            "do not measure how fast each machine multiplies matrices and copies memory: this "
            "saves seconds for each backend and precision, and leaves open what limits a job",
            HOW,
        ),
        _how(
            "--job-timeout",
            "--timeout",
            type=POSITIVE,
            metavar="S",
            help="a job's time limit in seconds; without it, 20 times its estimate, at least 900",
        ),
    ]


def _serve_option() -> Option:
    return Option(
        "--serve",
        section=HOW,
        type=click.IntRange(0, 65535),
        is_flag=False,
        flag_value=0,
        metavar="[PORT]",
        help="show the run as a page while it goes on, on 127.0.0.1 alone (a free port unless "
        "PORT is given); the server ends with the run",
    )


def request_of(values: dict[str, Any]) -> RunRequest:
    """Return the request that the parsed options make. Raises RequestError."""
    if values["as_json"] and not values["list_jobs"]:
        raise RequestError("--json goes with --list", next_step="add --list")
    minutes: float | None = values["max_minutes"]
    return RunRequest(
        workload=values["workload"],
        grid=values["grid"],
        changes=_changes(values),
        dataset=values.get("dataset", "auto"),
        data=values.get("data"),
        label=values["label"],
        out=Path(values["out"]),
        dispatch=values["dispatch"],
        order_seed=values["order_seed"],
        repeat_disturbed=values["repeat_disturbed"],
        ceilings=not values["no_ceilings"],
        minutes=values["minutes"],
        time_limit_s=values["job_timeout"],
        price=values["price"],
        wait_quiet_s=values["wait_quiet"] or 0.0,
        privacy=Privacy(show_hostnames=values["show_hostnames"]),
        fresh=values["fresh"],
        cluster=ClusterChoice(
            values["cluster"], values["address"], values["local_only"], values["down"]
        ),
        limits=MeasureLimits(None if minutes is None else 60 * minutes, values["max_usd"]),
        series=series_of(values),
        form=form_of(values),
        serve=values["serve"],
        only_show=("launches" if values["as_json"] else "jobs")
        if values["list_jobs"]
        else ("plan" if values["dry_run"] else None),
    )


def _changes(values: dict[str, Any]) -> GridChanges:
    return GridChanges(
        axes=axis_values(values),
        epochs=values["epochs"] or (),
        seeds=values["seeds"] or (),
        threads=values["threads"] or (),
        evaluate=values["evaluate"],
        repeats=values["repeats"],
    )
