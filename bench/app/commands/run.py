"""`mnist-bench run`: from the command line's words to a campaign."""

from __future__ import annotations

import argparse
import contextlib
import os
import shlex
import signal
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from bench import units
from bench.app import pricing as prices
from bench.app.campaign import Campaign
from bench.app.commands import where
from bench.app.commands.report import write_report
from bench.app.plan import Limits, Plan, make_plan
from bench.app.progress import opening_lines
from bench.errors import RequestError
from bench.probe.identity import SHOW_VARIABLE, redacted
from bench.record.run import Run
from bench.spec.grid import AXES, GridSpec, check_choices, override
from bench.watch.quiet import wait_quiet
from mnist_bench.eligibility import may_use_gpu
from mnist_bench.estimate import job_seconds
from mnist_bench.grids import NAMES, load_grid
from mnist_bench.workload import CHOICES

INTERRUPTED = 130

#: Signals that end a run; each is answered like Ctrl-C.
INTERRUPTS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

#: Axes whose values are whole numbers; the others take names.
NUMERIC = frozenset({"epochs", "batch_sizes", "seeds"})


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add this command's arguments."""
    what = parser.add_argument_group("what to run")
    what.add_argument(
        "--grid",
        default="quick",
        help=f"{', '.join(NAMES)}, or a YAML file of your own (default: quick)",
    )
    for plural, _ in AXES:
        known = ", ".join(CHOICES.get(plural, ()))
        what.add_argument(
            f"--{plural.replace('_', '-')}",
            dest=plural,
            type=lambda text, axis=plural: _values(axis, text),
            metavar="A,B",
            help=f"in place of the grid's own ({known})" if known else "in place of the grid's own",
        )
    what.add_argument("--repeats", type=_positive, help="run every job this many times")
    what.add_argument(
        "--as-published",
        action="store_true",
        help="divide the MLP's test images by 225, the slip of the 2020 script",
    )
    what.add_argument("--dataset", default="auto", help="auto, mnist or synthetic (default: auto)")
    what.add_argument("--data", metavar="FILE", help="mnist.npz (default: $MNIST_BENCH_DATA)")
    how = parser.add_argument_group("how to run it")
    how.add_argument("--label", help="this machine's name in the tables")
    how.add_argument("--out", type=Path, default=Path("reports"), help="(default: reports)")
    how.add_argument("--threads", type=_positive, help="threads a job (default: the usable CPUs)")
    how.add_argument(
        "--dispatch", choices=("ray", "inline"), default="ray", help="what places jobs (ray)"
    )
    how.add_argument("--order-seed", type=int, default=0, help="seed of the jobs' order (0)")
    how.add_argument(
        "--job-timeout", type=_positive, default=3600, metavar="S", help="a job's limit (3600)"
    )
    how.add_argument("--price", metavar=prices.METAVAR, help=prices.HELP)
    how.add_argument(
        "--wait-quiet",
        type=_positive,
        metavar="S",
        help="wait up to S seconds for each machine to be quiet before its first job",
    )
    how.add_argument(
        "--show-hostnames", action="store_true", help="record host names as they are, not hashed"
    )
    how.add_argument("--fresh", action="store_true", help="start anew, do not go on with a cut run")
    where.add_arguments(parser)
    show = parser.add_argument_group("only show")
    show.add_argument("--list", action="store_true", help="print the jobs and end")
    show.add_argument(
        "--json", action="store_true", help="with --list: job descriptions for bench.child.entry"
    )
    show.add_argument("--dry-run", action="store_true", help="print what would run, and how long")


def execute(arguments: argparse.Namespace) -> int:
    """Run the campaign that the arguments ask for; return the exit code."""
    if arguments.json and not arguments.list:
        raise RequestError("--json goes with --list", next_step="add --list")
    if arguments.show_hostnames:
        os.environ[SHOW_VARIABLE] = "1"  # what probes, here and in children, looks there
    where.check(arguments)
    plan = make_plan(_grid(arguments), arguments, command=_command())
    if arguments.list:
        return _print_launches(plan) if arguments.json else _print_list(plan)
    if arguments.dry_run:
        return _print_dry_run(plan, arguments)
    cluster, found = where.find(arguments)
    max_s = None if arguments.max_minutes is None else 60 * arguments.max_minutes
    campaign = Campaign(
        plan,
        arguments.out,
        fresh=arguments.fresh,
        cluster=cluster,
        found=found,
        limits=Limits(max_s, arguments.max_usd),
    )
    try:
        code = _measure(campaign)
    except BaseException:  # what is up costs all the same; it may be measured by another run
        where.leave(cluster, False, goes_on=None)
        raise
    left = where.leave(cluster, arguments.down, goes_on=campaign.open_part)
    return code or left


def _grid(arguments: argparse.Namespace) -> GridSpec:
    axes = {plural: getattr(arguments, plural) for plural, _ in AXES}
    check_choices(axes, CHOICES, "command line")
    grid = load_grid(arguments.grid)
    return override(grid, {k: v for k, v in axes.items() if v}, arguments.repeats)


def _measure(campaign: Campaign) -> int:
    with _one_interrupt():
        # before Ray is there, whose start would be taken for a disturbance
        plan = campaign.plan
        found = wait_quiet(plan.threads, plan.wait_quiet_s, print, on_gpu=may_use_gpu())
        campaign.look = found.record()
        interrupted = campaign.run()
        try:
            run, summary = _reported(campaign)
        except KeyboardInterrupt:  # the first one; no second comes through
            run, summary = _reported(campaign)
    failed = len(run.records) - len(run.measured)
    planned = sum(len(part.header.jobs) for part in run.parts)
    skipped = sum(len(part.header.skipped) for part in run.parts)
    machines = f" on {len(run.parts)} machines" if len(run.parts) > 1 else ""
    aside = f", {skipped} skipped" if skipped else ""
    print(f"\n{len(run.measured)} of {planned} jobs measured{machines}, {failed} failed{aside}")
    for entry in run.refused:
        print(f"not had: {entry.label}: {entry.reason}")
    print(f"report:  {summary}")
    print(f"journal: {run.path}")
    if interrupted:
        print("interrupted: the same command goes on where this run stopped")
        if run.open_site:
            site = run.open_site.site
            print(f"the part of {site} goes on meanwhile; the same command follows it")
        return INTERRUPTED
    return 0 if run.complete and len(run.measured) == planned and not run.refused else 1


def _reported(campaign: Campaign) -> tuple[Run, Path]:
    """Write the report; return the run that it is of, and where it lies."""
    run = campaign.read()
    return run, write_report([run], campaign.out)


def _print_list(plan: Plan) -> int:
    for job in plan.jobs:
        read_off = f" (also read off after {', '.join(map(str, job.read_off))})"
        print(job.job_id + (read_off if job.read_off else ""))
    return 0


def _print_launches(plan: Plan) -> int:
    for launch in plan.launches("bare"):
        print(launch.model_dump_json(exclude_none=True))
    return 0


def _print_dry_run(plan: Plan, arguments: argparse.Namespace) -> int:
    total_s = sum(job_seconds(job) for job in plan.jobs)
    for line in opening_lines(plan, None):
        print(line)
    print(f"jobs are placed by {plan.dispatch}, in this order:")
    for job in plan.jobs:
        print(f"  {job.job_id}  about {units.duration(job_seconds(job))}")
    for line in where.dry_lines(plan, arguments):
        print(line)
    print(
        f"{len(plan.jobs)} jobs, about {units.duration(total_s)} on 2 cores; "
        f"results would go to {arguments.out}. Nothing was run."
    )
    return 0


@contextlib.contextmanager
def _one_interrupt() -> Iterator[None]:
    """Let SIGTERM (a scheduler) and SIGHUP (a lost ssh) end a run as cleanly as Ctrl-C does.

    The first of them counts; further ones are ignored until all is ended and the report written.
    """

    def interrupt(number: int, frame: object) -> None:
        for each in INTERRUPTS:
            signal.signal(each, signal.SIG_IGN)
        print("\nending: the running job is dropped, what was measured is kept", flush=True)
        raise KeyboardInterrupt

    previous = {each: signal.signal(each, interrupt) for each in INTERRUPTS}
    try:
        yield
    finally:
        for each, handler in previous.items():
            signal.signal(each, handler)


def _values(axis: str, text: str) -> Sequence[str | int]:
    words = [word.strip() for word in text.split(",") if word.strip()]
    if not words:
        raise argparse.ArgumentTypeError(f"no value in {text!r}: give a list like A,B")
    least = 0 if axis == "seeds" else 1
    return [_positive(word, least) for word in words] if axis in NUMERIC else words


def _positive(text: str, least: int = 1) -> int:
    try:
        value = int(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"not a whole number: {text!r}") from None
    if value < least:
        raise argparse.ArgumentTypeError(f"must be {least} or more: {text!r}")
    return value


def _command() -> str:
    """Return the command as it can be typed again, the home folder as `~`."""
    words = ["mnist-bench", *sys.argv[1:]] if _is_console() else _module_form()
    return redacted(shlex.join(words))


def _is_console() -> bool:
    return Path(sys.argv[0]).name == "mnist-bench"


def _module_form() -> list[str]:
    stem = Path(sys.argv[0]).stem
    module = "mnist_bench" if stem == "__main__" else f"mnist_bench.{stem}"
    return ["python", "-m", module, *sys.argv[1:]]
