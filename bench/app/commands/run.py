"""The command `run`: from a typed request to a measured campaign and its report."""

from __future__ import annotations

import contextlib
import shlex
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from bench.app.commands import cluster_options, preview, run_cluster
from bench.app.commands.report import write_report
from bench.app.options import INTERRUPTED
from bench.app.plan import make_plan
from bench.child.workload import load_workload
from bench.record.run import Run
from bench.spec.request import Program, RunRequest
from bench.watch.look import wait_until_quiet

if TYPE_CHECKING:
    from bench.app.campaign import Campaign

#: Signals that end a run; each is answered like Ctrl-C.
INTERRUPTS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def execute(request: RunRequest, program: Program) -> int:
    """Run the campaign that is asked for; return the exit code."""
    cluster_options.check(request.cluster)
    typed = request.privacy.redacted(shlex.join(program.typed))
    plan = make_plan(request, load_workload(request.workload), typed)
    if request.only_show:
        for line in preview.SHOWN[request.only_show](plan, request):
            print(line)
        return 0
    from bench.app.campaign import Campaign  # what places jobs is not needed to list them

    cluster, note = run_cluster.find(request.cluster, request.limits)
    campaign = Campaign(
        plan,
        request.out,
        fresh=request.fresh,
        cluster=cluster,
        cluster_note=None if note is None else program.spoken(note),
        limits=request.limits,
    )
    try:
        code = _measure(campaign)
    except BaseException:  # the cluster still costs money; another run may be measuring it
        run_cluster.leave(cluster, False, goes_on=None)
        raise
    left = run_cluster.leave(cluster, request.cluster.down, goes_on=campaign.open_cluster)
    return code or left


def _measure(campaign: Campaign) -> int:
    with one_interrupt():
        plan = campaign.plan
        on_gpu = plan.workload.may_use_gpu()
        # before Ray starts, as its start would count as a disturbance
        campaign.look = wait_until_quiet(
            plan.threads, plan.wait_quiet_s, print, on_gpu=on_gpu
        ).record()
        interrupted = campaign.run()
        try:
            run, summary = _reported(campaign)
        except KeyboardInterrupt:  # only the first one arrives
            run, summary = _reported(campaign)
    for line in _closing_lines(run, summary, interrupted):
        print(line)
    if interrupted:
        return INTERRUPTED
    planned = sum(len(share.jobs) for share in run.shares)
    return 0 if run.complete and len(run.measured) == planned and not run.unavailable else 1


def _closing_lines(run: Run, summary: Path, interrupted: bool) -> Iterator[str]:
    """Yield what a user should know at the end."""
    failed = len(run.records) - len(run.measured)
    planned = sum(len(share.jobs) for share in run.shares)
    skipped = sum(len(share.skipped) for share in run.shares)
    machines = f" on {len(run.shares)} machines" if len(run.shares) > 1 else ""
    rest = f"{failed} failed" + (f", {skipped} skipped" if skipped else "")
    yield f"\n{len(run.measured)} of {planned} jobs measured{machines}, {rest}"
    for entry in run.unavailable:
        yield f"unavailable: {entry.label}: {entry.reason}"
    yield f"report:  {summary}"
    yield f"journal: {run.path}"
    if interrupted:
        yield "interrupted: the same command goes on where this run stopped"
        if run.open_cluster:
            yield f"{run.open_cluster.cluster} goes on meanwhile; the same command follows it"


def _reported(campaign: Campaign) -> tuple[Run, Path]:
    """Write the report; return the run that it is of, and its path."""
    run = campaign.read()
    return run, write_report([run], campaign.out, campaign.plan.workload)


@contextlib.contextmanager
def one_interrupt() -> Iterator[None]:
    """Let SIGTERM (a scheduler) and SIGHUP (a lost ssh) end a run as cleanly as Ctrl-C does.

    The first of them counts. Further ones are ignored until all is ended and the report is written.
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
