"""A campaign: one run from its plan to a complete journal."""

from __future__ import annotations

import contextlib
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from bench import stops
from bench.app.announcer import Announcer
from bench.app.cluster_side import ClusterSide
from bench.app.continuing import mended, notes_of, why_anew
from bench.app.early_look import EarlyLook, looked_at
from bench.app.ending import Ending
from bench.app.folder_lock import held
from bench.app.live.viewer import Viewer
from bench.app.out_folder import journals_in, prepare_folder
from bench.app.own_machine import OwnMachine, own_transport
from bench.app.plan import Plan
from bench.app.pricing import repriced
from bench.app.progress import Progress, make_progress
from bench.app.progress_words import ceilings_left_out
from bench.app.run_header import new_header
from bench.clock import utc_now
from bench.cluster.find import Cluster
from bench.dispatch.budget import Budget
from bench.dispatch.planner import AT_HOME
from bench.dispatch.scheduler import Scheduler
from bench.dispatch.supply import Known, Supply
from bench.dispatch.timed_supply import supply_of
from bench.dispatch.transport import THIS_MACHINE
from bench.errors import DispatchError, OutputError
from bench.record.journal import SUFFIX, Journal, find_journals, read_run
from bench.record.lines import (
    ClusterEntry,
    MachineEntry,
    OutOfTime,
    ReportEntry,
    RunHeader,
    SeriesPlace,
)
from bench.record.run import Run
from bench.record.share import Share
from bench.spec.request import MeasureLimits

#: Seconds of a run with `--minutes` that are kept for its end and its report.
CLOSING_S = 7.0


class Campaign:
    """Runs a plan and keeps its journal; continues a run of the same plan that was cut off.

    `cluster` measures beside this machine, and `cluster_note` says what was found of it.
    `early_look` looks at this machine before its first job; None: nothing looks. `path` is the
    journal, or None until it is there. The limit of time counts from the call of `run`. `spoken`
    returns a text as the user reads it, with the name of the program in it. The minutes of the
    plan count from here. `viewer` sees the run while it goes on.
    """

    def __init__(
        self,
        plan: Plan,
        out: Path,
        *,
        fresh: bool = False,
        cluster: Cluster | None = None,
        cluster_note: str | None = None,
        limits: MeasureLimits | None = None,
        budget: Budget | None = None,
        series: SeriesPlace | None = None,
        spoken: Callable[[str], str] = str,
        viewer: Viewer | None = None,
        early_look: EarlyLook | None = None,
    ) -> None:
        self.plan, self.out, self.fresh = plan, out, fresh
        self.series, self._budget = series, budget
        self.cluster, self.cluster_note = cluster, cluster_note
        self.limits, self._spoken = limits or MeasureLimits(), spoken
        self.viewer = viewer or Viewer()
        self.path: Path | None = None
        self._run_id: str | None = None
        self._early_look = early_look
        self._announcer: Announcer | None = None
        self._cluster_side = ClusterSide(cluster, plan, self.limits)
        minutes = plan.minutes
        self._ends_s = None if minutes is None else time.monotonic() + 60 * minutes - CLOSING_S
        self._introduced = False  # whether this machine has its line in the journal

    def run(self) -> bool:
        """Measure what is not measured yet; return whether it was interrupted.

        Raises OutputError if the results cannot be written, DispatchError if Ray fails.
        """
        budget = self._budget or Budget(self.limits.max_s)
        ending = Ending(budget)
        prepare_folder(self.out)
        with (
            held(self.out),
            make_progress(
                sys.stdout,
                self.plan.workload,
                self._spoken,
                self.plan.repeat_disturbed,
                self._left_s,
                self.plan.estimate_s,
            ) as progress,
        ):
            continued = None if self.fresh else self._unfinished(progress)
            self.path = continued.path if continued else None
            self._run_id = continued.header.run_id if continued else None
            progress.opening(self.plan, continued)
            for note in self._notes(continued):
                progress.say(note)
            if (
                continued
                and continued.all_measured
                and not self._cluster_side.begins_again(continued)
            ):
                # only the report is missing
                self.viewer.begin(continued.header, continued)
                return False
            try:
                self._measure(continued, progress, ending)
                self._cluster_side.wait(self.viewer, self.read, progress.say, budget)
            except (KeyboardInterrupt, DispatchError, OutputError) as error:
                ended = isinstance(error, KeyboardInterrupt) or stops.arrived()
                if self.path is None or not ended:  # nothing was begun: there is nothing to report
                    raise
                ending.say(progress.say)
                return True
            finally:
                with stops.deferred():
                    if self._announcer:
                        self._announcer.end()
                    self._cluster_side.leave()
        return False

    def read(self) -> Run:
        """Return the run as its journal holds it now, at the prices that were given this time."""
        assert self.path is not None, "read() comes after run()"
        return repriced(read_run(self.path, run_id=self._run_id), self.plan.prices)

    @property
    def open_cluster(self) -> ClusterEntry | None:
        """The cluster's share if it goes on; None if none was begun or it has ended."""
        return self.read().open_cluster if self.path and self.path.exists() else None

    def note_report(self) -> None:
        """Take note in the journal that the report of all its lines was written.

        If that is impossible (a full disk), the same command writes the report once more.
        """
        if self.path is not None and self._run_id is not None:
            with contextlib.suppress(OutputError):
                Journal(self.path).append(ReportEntry(run_id=self._run_id, at=utc_now()))

    def _unfinished(self, progress: Progress) -> Run | None:
        journals = find_journals(journals_in(self.out))
        digest, with_cluster = self.plan.request_digest, self.cluster is not None
        run, torn = mended(journals, digest, self.series, with_cluster=with_cluster)
        if torn is not None:
            progress.say(
                f"note: the last line of the journal was cut off; it is now in {torn.name}"
            )
        return run

    def _notes(self, continued: Run | None) -> Iterator[str]:
        """Yield what a user should know of the cluster and of an earlier run."""
        if self.cluster_note:
            yield self.cluster_note
        if continued:
            yield from notes_of(continued, self.plan, with_cluster=self.cluster is not None)
        elif not self.fresh:
            yield from why_anew(find_journals(journals_in(self.out)), self.plan, self.series)

    def _measure(self, continued: Run | None, progress: Progress, ending: Ending) -> None:
        """Run this machine's jobs; the cluster's share begins once this machine has its line.

        That line is written also if the limit of time is reached before, so that there is a report.
        """
        header = continued.header if continued else self._new_header()
        own, path = continued.own if continued else None, self._path_of(header)
        journal = Journal(continued.path, header) if continued else Journal(path)
        announcer = Announcer(journal, header, progress, self.viewer, ending.may_wait)
        self._announcer = announcer
        announcer.look_at_space()
        self.viewer.begin(header, continued)
        starting = own_transport(self.plan)
        with (
            looked_at(starting, self._early_look, progress.say) as (transport, look),
            stops.deferred(),
        ):
            machine = OwnMachine(self.plan, header.run_id, transport.name, own, look)
            scheduler = Scheduler(
                transport,
                supply := self._supply(header, machine, own),
                machine.planner(self._ends_s),
                patience=AT_HOME,
                limit=lambda hosts: ending.why_stop(hosts, announcer.say, self._introduced),
            )
            for event in scheduler.run():
                if stops.arrived() and event.failed:
                    continue  # whoever ends a service or a batch job signals its children too
                if event.machine is not None:
                    if continued is None:
                        journal.create(header)
                        self.path, self._run_id = journal.path, header.run_id
                    self._introduce(event.machine, announcer, continued)
                    self._cluster_side.begin(announcer, header, continued, self._left_s())
                elif event.record is not None:
                    announcer.take(event.record)
                    self.viewer.between_jobs(self.read)
                else:
                    announcer.show(event)
        stops.check()
        late = tuple(job.job_id for job in supply.out_of_time(THIS_MACHINE))
        if scheduler.left_out:
            announcer.say(ceilings_left_out(scheduler.left_out))
        if scheduler.stopped:
            announcer.say(scheduler.stopped)
        elif late and self.path is not None:
            with stops.deferred():
                announcer.take(OutOfTime(run_id=header.run_id, label=self.plan.label, jobs=late))

    def _introduce(self, entry: MachineEntry, announcer: Announcer, continued: Run | None) -> None:
        """Write this machine's line, or compare it with the line of the run that is continued."""
        own = continued.own if continued else None
        if continued is None or own is None:
            announcer.take(entry)
        else:
            announcer.introduce_again(own, entry, is_lost=own.label in continued.rebuilt)
        self._introduced = True

    def _supply(self, header: RunHeader, machine: OwnMachine, continued: Share | None) -> Supply:
        """Return what gives this machine its jobs; `continued` is its share of a continued run."""
        return supply_of(
            header,
            lambda host, jobs: machine.jobs,
            ends_s=machine.jobs_end_s(self._ends_s),
            clock=time.monotonic,
            estimate_s=self.plan.estimate_s,
            known=Known(
                {THIS_MACHINE: continued.records if continued else ()},
                {THIS_MACHINE: machine.done},
            ),
        )

    def _left_s(self) -> float | None:
        """Return the seconds in which jobs must have ended; None if all have the time they need."""
        return None if self._ends_s is None else max(0.0, self._ends_s - time.monotonic())

    def _path_of(self, header: RunHeader) -> Path:
        return journals_in(self.out) / f"{header.run_id}{SUFFIX}"

    def _new_header(self) -> RunHeader:
        return new_header(self.plan, find_journals(journals_in(self.out)), self.series)
