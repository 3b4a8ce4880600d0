"""A campaign: one run from its plan to a complete journal."""

from __future__ import annotations

import secrets
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from filelock import FileLock, Timeout

from bench.app.part import ClusterPart
from bench.app.plan import Limits, Plan, site_request
from bench.app.pricing import repriced
from bench.app.progress import Progress, make_progress
from bench.app.recorder import Recorder
from bench.clock import utc_now
from bench.cluster.find import Cluster
from bench.dispatch.events import Dispatcher
from bench.dispatch.head import DONE
from bench.dispatch.local import InlineDispatcher
from bench.dispatch.ray_local import RayLocalDispatcher
from bench.errors import OutputError, StoreError
from bench.record.conditions import LookRecord
from bench.record.facts import MachineFacts
from bench.record.journal import Journal, find_journals, read_run, unfinished, unwritable
from bench.record.lines import RunHeader, SiteEntry
from bench.record.run import Run
from mnist_bench.staging import stage_in_cache
from mnist_bench.workload import PACKAGES

#: Seconds after its limit that a cluster may take to say that it has stopped.
OVERTIME_S = 120.0

DISPATCHERS = {"ray": RayLocalDispatcher, "inline": InlineDispatcher}


class Campaign:
    """Runs a plan and keeps its journal; goes on with a run of the same plan that was cut off."""

    def __init__(
        self,
        plan: Plan,
        out: Path,
        *,
        fresh: bool = False,
        cluster: Cluster | None = None,
        found: str | None = None,
        limits: Limits | None = None,
    ) -> None:
        self.plan, self.out, self.fresh = plan, out, fresh
        self.cluster, self.found, self.limits = cluster, found, limits or Limits()
        self.path: Path | None = None
        self.look: LookRecord | None = None
        self.part: ClusterPart | None = None
        self._deadline_s = time.monotonic() + (self.limits.max_s or float("inf"))

    def run(self) -> bool:
        """Measure what is not measured yet; return whether it was interrupted.

        Raises OutputError where the results cannot be written, DispatchError where Ray fails.
        """
        prepare_folder(self.out)
        with _locked(self.out), make_progress(sys.stdout) as progress:
            taken_up = None if self.fresh else self._unfinished()
            if taken_up:
                self.path = taken_up.path
            progress.opening(self.plan, taken_up)
            if self.found:
                progress.say(self.found)
            if taken_up and repriced(taken_up, self.plan.prices) is not taken_up:
                progress.say(
                    "note: --price is not what this run's journal says: this report takes the new "
                    "figures, the journal keeps its own (mnist-bench report takes --price too)"
                )
            if not taken_up and not self.fresh and (other := self._other_unfinished()):
                progress.say(
                    f"note: {other} was cut off, but it is not the same request (other jobs, "
                    "settings or source code): this run starts anew"
                )
            try:
                with DISPATCHERS[self.plan.dispatch]() as dispatcher:
                    self._measure(dispatcher, taken_up, progress)
                self._await_part(progress)
            except KeyboardInterrupt:
                if self.path is None:  # nothing was begun: there is no run to report
                    raise
                return True
            finally:
                if self.part:
                    self.part.leave()
        return False

    def read(self) -> Run:
        """Return the run as its journal holds it now, at the prices that were given this time."""
        assert self.path is not None, "read() comes after run()"
        return repriced(read_run(self.path), self.plan.prices)

    @property
    def open_part(self) -> SiteEntry | None:
        """Return the cluster's part where it goes on; None where none was begun or it has ended."""
        return self.read().open_site if self.path and self.path.exists() else None

    def _unfinished(self) -> Run | None:
        run = unfinished(find_journals(self.out / "journals"), self.plan.request_digest)
        if run:
            Journal(run.path).mend()
        return run

    def _other_unfinished(self) -> str | None:
        """Return the name of the newest journal where it misses jobs, whatever was asked for."""
        newest = find_journals(self.out / "journals")[-1:]
        try:
            return next((run.path.name for run in map(read_run, newest) if not run.complete), None)
        except StoreError:
            return None

    def _measure(self, dispatcher: Dispatcher, taken_up: Run | None, progress: Progress) -> None:
        machine = dispatcher.machine(PACKAGES)
        header = taken_up.header if taken_up else self._header(machine)
        self.path = taken_up.path if taken_up else self._new_path(header)
        journal = Journal(self.path)
        if not taken_up:
            journal.create(header)
        recorder = Recorder(journal, header, progress)
        launches = list(
            self.plan.launches(
                dispatcher.name, run_id=header.run_id, machine=machine, taken_up=taken_up
            )
        )
        already = len(header.jobs) - len(launches)
        progress.begin([launch.job for launch in launches], already=already)
        self._begin_part(recorder, header, taken_up, progress)
        left = len(launches)
        for event in dispatcher.run(launches):
            if event.record is not None:
                recorder.take(event.record)
                left -= 1
            else:
                recorder.show(event)
            if left and time.monotonic() >= self._deadline_s:
                progress.say(f"the limit of {self.limits.max_s / 60:g} minutes is reached")
                return

    def _begin_part(
        self, recorder: Recorder, header: RunHeader, taken_up: Run | None, progress: Progress
    ) -> None:
        """Start the cluster's part, or take it up; leave it where it has ended already."""
        if taken_up and taken_up.open_site and self.cluster is None:
            progress.say(
                f"note: the part of {taken_up.open_site.site} is open and its cluster was not "
                "found (--fresh starts a run without it)"
            )
        if self.cluster is None or (taken_up and taken_up.sites and not taken_up.open_site):
            return
        request = site_request(self.plan, header, self.cluster, self.limits)
        self.part = ClusterPart(self.cluster, recorder, progress.say)
        self.part.begin(request, stage_in_cache(self.plan.dataset), taken_up)

    def _await_part(self, progress: Progress) -> None:
        """Wait for the cluster, once this machine has done its own jobs."""
        if self.part is None:
            return
        while not self.part.wait(0.5):
            if time.monotonic() >= self._deadline_s + OVERTIME_S:
                progress.say(
                    "the cluster's part has not said that it ended: it is left open, and the same "
                    "command follows it"
                )
                return
        if self.part.error:
            progress.say(f"the cluster's part is open: {self.part.error}")
        elif self.part.outcome != DONE:
            progress.say(f"the cluster's part ended early: {self.part.outcome}")

    def _new_path(self, header: RunHeader) -> Path:
        return self.out / "journals" / f"{header.run_id}.jsonl"

    def _header(self, machine: MachineFacts) -> RunHeader:
        plan, now = self.plan, datetime.now(UTC)
        return RunHeader(
            run_id=f"{now:%Y%m%dT%H%M%S}Z-{_slug(plan.grid)}-{secrets.token_hex(2)}",
            request_digest=plan.request_digest,
            command=plan.command,
            grid=plan.grid,
            label=plan.label,
            dataset=plan.dataset.name,
            dataset_source=plan.dataset.source,
            dataset_note=plan.dataset.note,
            data_digest=plan.data_digest,
            order_seed=plan.order_seed,
            started_at=utc_now(),
            machine=machine,
            jobs=plan.jobs,
            skipped=plan.skipped,
            prices=plan.prices,
            look=self.look,
        )


def prepare_folder(out: Path) -> None:
    """Make sure that `out` can be written before anything is measured. Raises OutputError."""
    missing: list[Path] = []
    try:
        missing = [folder for folder in (out, *out.parents) if not folder.exists()]
        out.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=out):
            pass
    except OSError as error:
        for folder in missing:
            if folder.is_dir():
                folder.rmdir()
        raise unwritable(out, error) from error


@contextmanager
def _locked(out: Path) -> Iterator[None]:
    """Hold the folder: two runs at once would disturb each other and mix their reports."""
    lock = FileLock(out / ".lock")
    try:
        lock.acquire(timeout=0)
    except Timeout as error:
        raise OutputError(
            f"another run is writing to {out}",
            next_step="wait for it: two runs on one machine spoil each other's figures",
        ) from error
    try:
        yield
    finally:
        lock.release()


def _slug(name: str) -> str:
    kept = "".join(c if c.isalnum() else "-" for c in name.lower()).strip("-")
    return kept[:40] or "grid"
