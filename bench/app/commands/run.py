"""The command `run`: from a typed request to a measured campaign and its report."""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from bench import stops
from bench.analysis.job_counts import JobCounts, counts_of
from bench.app import pricing
from bench.app.commands import (
    cluster_options,
    preview,
    run_cluster,
    run_live,
    run_precision,
    run_series,
)
from bench.app.commands.report import Written, make_report
from bench.app.commands.run_series import SittingEnd, Turn
from bench.app.exit_code import exit_code_of
from bench.app.folder_runs import flaw_lines, left_out_lines, with_run
from bench.app.out_folder import check_folder, journals_in
from bench.app.output import OUTPUTS
from bench.app.plan import Plan, make_plan
from bench.app.typed_command import shown_command
from bench.child.workload import load_workload
from bench.errors import DispatchError, OutputError
from bench.record.journal import find_journals
from bench.record.run import Run
from bench.spec.request import USUAL_FORM, Program, ReportForm, RunRequest
from bench.text import counted, printable

if TYPE_CHECKING:
    from bench.app.campaign import Campaign
    from bench.app.live.viewer import Viewer

#: Seconds that a run waits for the reader of its lines, such as a pager that shows the first ones.
UNREAD_S = 5.0

#: Signals that a report outlasts: a user who is in a hurry sends several.
SIGNALS_OF_A_REPORT = 3


def execute(request: RunRequest, program: Program) -> int:
    """Run the campaign that is asked for, once or in several sittings; return the exit code."""
    cluster_options.check_run(request)
    workload = load_workload(request.workload)
    typed = shown_command(program, request.privacy, workload)
    plan = make_plan(request, workload, typed)
    if request.only_show == "plan":
        check_folder(request.out)
    if request.only_show:
        for line in preview.SHOWN[request.only_show](plan, request):
            print(printable(line))
        return 0
    with run_live.viewer(request, plan.workload) as viewer:
        measure = functools.partial(_sitting, request, program, plan, viewer)
        if request.series is None:
            return measure(Turn(limits=request.limits)).code
        outline = plan.workload.description.outline
        rest = run_precision.second_stage(request, request.series, outline, program)
        return run_series.execute(
            request, request.series, plan.request_digest, measure, rest, viewer
        )


def _sitting(
    request: RunRequest, program: Program, plan: Plan, viewer: Viewer, turn: Turn
) -> SittingEnd:
    """Measure this machine and the cluster once, and write the report."""
    # what places jobs is not needed to list them
    from bench.app.campaign import Campaign
    from bench.app.early_look import EarlyLook

    viewer.enter("starting")
    cluster, note = run_cluster.find(request.cluster, request.limits)
    campaign = Campaign(
        plan,
        request.out,
        fresh=request.fresh,
        cluster=cluster,
        cluster_note=note and note + run_cluster.note_on_limit(request, cluster),
        limits=turn.limits,
        budget=turn.budget,
        series=turn.place,
        spoken=program.spoken,
        viewer=viewer,
        early_look=EarlyLook(plan),
    )
    try:
        code = measure_and_report(campaign, request.form)
    except BaseException:  # the cluster still costs money; another run may be measuring it
        run_cluster.leave(cluster, program, take_down=False)
        raise
    goes_on = campaign.open_cluster
    ends = turn.last or code == stops.INTERRUPTED or goes_on is not None
    left = run_cluster.leave(
        cluster, program, take_down=request.cluster.down and ends, goes_on=goes_on
    )
    return SittingEnd(max(code, left), goes_on is not None)


def measure_and_report(campaign: Campaign, form: ReportForm = USUAL_FORM) -> int:
    """Run a campaign and report it, also if it ends early; return the exit code."""
    OUTPUTS.wait_at_most(UNREAD_S)
    try:
        interrupted = campaign.run()
    except (DispatchError, OutputError):
        if campaign.path is not None:  # what was measured before has its report
            with contextlib.suppress(OutputError):
                _report_to_the_end(campaign, form)
        raise
    except KeyboardInterrupt:  # a signal that insists has cut off the way to the end of the run
        if campaign.path is None:
            raise
        interrupted = True
    return _report_to_the_end(campaign, form, interrupted)


def _report_to_the_end(campaign: Campaign, form: ReportForm, interrupted: bool = False) -> int:
    """Write the report, also if a signal arrives meanwhile; several of them end that too."""
    if campaign.path is not None:
        stops.from_now_on("what was measured is kept")
    with stops.deferred(SIGNALS_OF_A_REPORT):
        try:
            code = _report(campaign, form, interrupted)
        except KeyboardInterrupt:
            print(
                printable(
                    f"interrupted: the report in {campaign.out} is incomplete; `report` writes it"
                )
            )
            return stops.INTERRUPTED
        except OutputError as error:
            if not interrupted:
                raise
            print(printable(f"the report is not written: {error}"))
        if stops.arrived() and not interrupted:
            print("interrupted: the report is written all the same")
    return stops.INTERRUPTED if stops.arrived() or interrupted else code


def _report(campaign: Campaign, form: ReportForm, interrupted: bool = False) -> int:
    """Write the report and say what was measured; return 1 if anything is missing."""
    if campaign.path is None:
        print("nothing was measured")
        return 1
    campaign.viewer.enter("reporting")
    run, workload = campaign.read(), campaign.plan.workload
    journals = find_journals(journals_in(campaign.out))
    found = with_run(run, journals, workload.description.outline)
    runs = pricing.repriced_sittings(found.runs, run)
    written = make_report(runs, campaign.out, workload, left_out=found.left_out, form=form)
    campaign.viewer.reported(written)
    campaign.note_report()
    for line in (*left_out_lines(found.left_out), *flaw_lines(found.runs)):
        print(line)
    for line in _closing_lines(run, written.path, interrupted):
        print(line)
    if campaign.series is None or campaign.series.number == campaign.series.of:
        _say_what_more_would_buy(run, written)
    return exit_code_of([run])


def _say_what_more_would_buy(run: Run, written: Written) -> None:
    """Say what one more sitting would do to this machine's bracket, if it measured everything."""
    from bench.analysis.outlook import outlook  # not needed to start a run
    from bench.report.words.outlook import one_more

    found = outlook(written.results.contenders, run.header.label, run.header.run_id)
    if found is not None and run.complete:
        print(one_more(found))


def _closing_lines(run: Run, summary: Path, interrupted: bool) -> Iterator[str]:
    """Yield what a user should know at the end."""
    counts = counts_of([run])
    machines = f" on {len(run.shares)} machines" if len(run.shares) > 1 else ""
    rest = f"{counts.failed} failed" + (f", {counts.skipped} skipped" if counts.skipped else "")
    more = ""
    if counts.repeated:
        more += f", {counts.repeated} repeated because they were disturbed"
    if counts.added:
        more += f", {counts.added} more in the time that was left"
    yield f"\n{counts.measured} of {counts.planned} jobs measured{machines}, {rest}{more}"
    if counts.no_time:
        jobs = counted(counts.no_time, "job is", "jobs are")
        yield (
            f"{jobs} left out because of --minutes {run.header.minutes or 0:g}: there was no time"
        )
    if counts.disturbed:
        yield _disturbed_words(counts)
    for entry in run.unavailable:
        yield printable(f"unavailable: {entry.label}: {entry.reason}")
    yield printable(f"report:  {summary}")
    yield printable(f"journal: {run.path}")
    if interrupted and run.all_measured:
        yield "interrupted: every job was measured before"
    elif interrupted:
        yield "interrupted: the same command goes on where this run stopped"
        if run.open_cluster:
            yield f"{run.open_cluster.cluster} goes on meanwhile; the same command follows it"


def _disturbed_words(counts: JobCounts) -> str:
    """Return that some jobs were disturbed each time that they ran."""
    times = "also when they were repeated" if counts.repeated else "and were not repeated"
    return (
        f"{counts.disturbed} of {counts.measured} jobs were disturbed, {times}: the report names "
        "the causes (Conditions)"
    )
