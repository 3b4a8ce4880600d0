"""A cluster's share of a run: a detached job on the head, which this process follows."""

from __future__ import annotations

import tempfile
import threading
from collections import Counter
from pathlib import Path

from bench.app.announcer import Announcer
from bench.app.cluster_share import ENTRYPOINT, job_id_of, ship
from bench.clock import utc_now
from bench.cluster.find import Cluster
from bench.dispatch.cluster_request import ClusterRequest
from bench.dispatch.events import Event
from bench.dispatch.head import HEAD_JOURNALS
from bench.dispatch.head_lines import MARK, HeadLine, read_told
from bench.dispatch.jobs_api import ENDED, JobsApi
from bench.dispatch.outcome import Ending, Outcome
from bench.errors import DispatchError, OutsideError
from bench.record.lines import (
    ClusterEntry,
    JobRecord,
    MachineEntry,
    OutOfTime,
)
from bench.record.run import Run

#: What tells a line of a head's journal from the others: label, job and attempt.
LineKey = tuple[str, str, int]

#: Why a share ended whose job the cluster no longer knows.
TAKEN_DOWN = "the cluster was taken down before the end"

#: Seconds between tries if the head cannot be reached, and tries before the first contact.
AGAIN_S, FIRST_TRIES = 5.0, 6


class _Unreadable(DispatchError):
    """A head tells what is no line of its journal, no event and no end."""


class ClusterRun:
    """Follows the job on the head from a thread, and puts its lines into this run's journal.

    The job goes on whatever happens to this process. Its id is made of the run's id and the share's
    number, so that the same command finds it again. `workload` is the reference by which this
    machine finds the workload, and `data` the staged dataset. `outcome` says how the share ended,
    `error` why it can be followed no longer.
    """

    def __init__(
        self,
        cluster: Cluster,
        request: ClusterRequest,
        announcer: Announcer,
        *,
        workload: str,
        data: Path | None = None,
    ) -> None:
        self._cluster, self._request, self._announcer = cluster, request, announcer
        self._workload, self._data = workload, data
        self._leave = threading.Event()
        self._thread = threading.Thread(target=self._run, name="cluster run", daemon=True)
        self._seen = 0  # lines of the head that were taken in this process
        self._known: set[LineKey] = set()  # lines of the journal
        self._to_repeat: Counter[tuple[str, str]] = Counter()  # records that the head tells again
        self._any_line = False
        self._end: Outcome | None = None
        self.job = job_id_of(request.header.run_id)
        self.outcome: Outcome | None = None
        self.error: Exception | None = None

    def begin(self, continued: Run | None) -> None:
        """Start the job, or follow the one that a run that was cut off had started."""
        if continued is not None:
            self._go_on_with(continued)
        if continued is None or continued.open_cluster is None:
            self._announcer.append(self._entry(None))
        self._thread.start()

    def _go_on_with(self, continued: Run) -> None:
        """Take note of the lines of the journal; a share that is begun tells none of them."""
        number, is_open = continued.cluster_share, continued.open_cluster is not None
        self.job = job_id_of(continued.header.run_id, number)
        others = [entry for entry in continued.machines if not entry.own]
        if not is_open:  # a machine that was unavailable may be there now
            others = [entry for entry in others if entry.machine is not None]
        records = (*continued.records, *continued.ceiling_records)
        self._known = {*map(_key, records), *map(_key, others)}
        self._any_line = is_open and bool(others)
        if is_open:
            self._known.update(map(_key, continued.ends))
        if number == 1:
            self._to_repeat.update((one.label, one.job_id) for one in records)

    def wait(self, timeout_s: float) -> bool:
        """Return whether the share has ended; wait for its end at most `timeout_s`."""
        self._thread.join(timeout_s)
        return not self._thread.is_alive()

    def leave(self) -> None:
        """Stop following; the job goes on."""
        self._leave.set()
        self._thread.join(15)

    def _entry(self, outcome: Outcome | None) -> ClusterEntry:
        run_id, name = self._request.header.run_id, self._request.cluster
        return ClusterEntry(
            run_id=run_id,
            cluster=name,
            job=self.job,
            at=utc_now(),
            outcome=outcome.words if outcome else None,
        )

    def _run(self) -> None:
        tries = 0
        while not self._leave.is_set():
            try:
                with self._cluster.connected() as api:
                    if self._visit(api):
                        self._announcer.append(self._entry(self.outcome))
                        return
                tries = 0
            except _Unreadable as error:  # the next try would read the same
                self.error = error
                return
            except DispatchError as error:
                tries += 1
                if not self._any_line and tries >= FIRST_TRIES:
                    self.error = error
                    return
                if tries == 1 and self._any_line:
                    self._announcer.say(
                        "note: the link to the cluster is down; its jobs go on meanwhile"
                    )
            except Exception as error:  # such as this machine's disk
                self.error = error
                return
            self._leave.wait(AGAIN_S)

    def _visit(self, api: JobsApi) -> bool:
        """Follow the job while the connection holds; return whether it has ended."""
        state = api.state(self.job)
        if state is None:
            if self._any_line:
                self.outcome = Outcome(ending=Ending.GONE, reason=TAKEN_DOWN)
                return True
            self._submit(api)
        place = 0
        for line in api.follow(self.job):
            if self._leave.is_set():
                return False
            if line.startswith(MARK):
                place += 1
                if place > self._seen:
                    self._take(line.removeprefix(MARK), place)
                    self._seen = place
        state = api.state(self.job)
        if state is None or state[0] not in ENDED:
            return False
        self.outcome = self._end or _ended_by_ray(*state)
        return True

    def _take(self, text: str, place: int) -> None:
        """Take what the head's line `place` tells. Raises _Unreadable."""
        try:
            told = read_told(text, self._request.header.run_id)
        except OutsideError as error:
            raise _Unreadable(
                f"what the head of the cluster {self._cluster.name} tells is not understood",
                seen=f"line {place}: {error.what}",
                next_step="give the same command with the version that began the run; the head "
                f"keeps what it measured in {HEAD_JOURNALS}",
            ) from error
        if isinstance(told, Outcome):
            self._end = told
        elif not isinstance(told, Event):
            self._any_line = True
            self._take_line(told)
        elif self._to_repeat[told.host, told.job_id] <= 0:
            self._announcer.show(told)

    def _take_line(self, line: HeadLine) -> None:
        """Write and show a line of the head's journal, unless this journal holds it already."""
        if (key := _key(line)) not in self._known:
            self._known.add(key)
            self._announcer.take(line, line.label)
        elif isinstance(line, MachineEntry):  # only the progress does not know it yet
            before = self._request.before.get(line.label)
            known = {job_id for label, job_id, _ in self._known if label == line.label}
            self._announcer.introduce(line, before.done if before else known)
        elif isinstance(line, JobRecord):
            self._to_repeat[line.label, line.job_id] -= 1

    def _submit(self, api: JobsApi) -> None:
        """Hand over the code, the data and the request in one package."""
        with tempfile.TemporaryDirectory(prefix="bench-ship-") as folder:
            root = Path(folder)
            ship(self._request, self._workload, self._data, root)
            api.submit(self.job, root, ENTRYPOINT)


def _key(line: JobRecord | MachineEntry | OutOfTime) -> LineKey:
    if isinstance(line, JobRecord):
        return line.label, line.job_id, line.attempt
    if isinstance(line, OutOfTime):
        return line.label, line.entry, 0
    return line.label, "", 0


def _ended_by_ray(state: str, message: str) -> Outcome:
    """Return the outcome of a driver that said no last word, from Ray's words on it."""
    ending = Ending.STOPPED if state == "STOPPED" else Ending.FAILED
    words = message[-300:] or "the driver on the head ended without a last word"
    return Outcome(ending=ending, reason=words)
