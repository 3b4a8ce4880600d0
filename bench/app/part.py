"""The cluster's part of a campaign: a detached job on the head, followed and taken up again."""

from __future__ import annotations

import json
import shutil
import tempfile
import threading
from collections.abc import Callable
from importlib import import_module
from pathlib import Path

from bench.app.recorder import Recorder
from bench.clock import utc_now
from bench.cluster.find import Cluster
from bench.dispatch.head import CODE, MARK, SiteRequest, entry_of, event_of
from bench.dispatch.jobs_api import ENDED, JobsApi
from bench.errors import DispatchError
from bench.record.lines import JobRecord, MachineEntry, SiteEntry
from bench.record.run import Run

#: What is shipped: the packages that a job needs, by the kinds of their files.
SHIPPED = ("bench", "mnist_bench")
ENTRYPOINT = f"PYTHONPATH={CODE} python -m bench.dispatch.head request.json"

#: Seconds between tries where the head cannot be reached, and tries before the first contact.
AGAIN_S, FIRST_TRIES = 5.0, 6


class ClusterPart:
    """Follows the job on the head from a thread, and puts its lines where this run's lines go.

    Whatever happens to this process, the job goes on: its id is made of the run's, by which the
    same command finds it again.
    """

    def __init__(self, cluster: Cluster, recorder: Recorder, say: Callable[[str], None]) -> None:
        self._cluster, self._recorder, self._say = cluster, recorder, say
        self._leave = threading.Event()
        self._thread: threading.Thread | None = None
        self._request: SiteRequest | None = None
        self._data: Path | None = None
        self._seen = 0
        self._known: set[tuple[str, str]] = set()
        self._any_line = False
        self._end: str | None = None
        self.job = ""
        self.outcome: str | None = None
        self.error: Exception | None = None

    def begin(self, request: SiteRequest, data: Path, taken_up: Run | None) -> None:
        """Start the job, or follow the one that a run that was cut off had started."""
        self._request, self._data = request, data
        self.job = job_id_of(request.header.run_id)
        if taken_up is not None:
            self._known = {(r.label, r.job_id) for r in taken_up.records}
            self._known |= {(entry.label, "") for entry in taken_up.machines}
            self._any_line = bool(taken_up.machines)
        if taken_up is None or taken_up.open_site is None:
            self._recorder.append(self._entry(None))
        self._thread = threading.Thread(target=self._run, name="cluster part", daemon=True)
        self._thread.start()

    def wait(self, timeout_s: float) -> bool:
        """Return whether the part has ended, waiting for it at most `timeout_s`."""
        self._thread.join(timeout_s)
        return not self._thread.is_alive()

    def leave(self) -> None:
        """Follow no longer; the job goes on."""
        self._leave.set()
        self._thread.join(15)

    def _entry(self, outcome: str | None) -> SiteEntry:
        run_id, site = self._request.header.run_id, self._request.site
        return SiteEntry(run_id=run_id, site=site, job=self.job, at=utc_now(), outcome=outcome)

    def _run(self) -> None:
        tries = 0
        while not self._leave.is_set():
            try:
                with self._cluster.connected() as api:
                    if self._visit(api):
                        self._recorder.append(self._entry(self.outcome))
                        return
                tries = 0
            except DispatchError as error:
                tries += 1
                if not self._any_line and tries >= FIRST_TRIES:
                    self.error = error
                    return
                if tries == 1 and self._any_line:
                    self._say("note: the link to the cluster is down; its part goes on meanwhile")
            except Exception as error:  # this machine's disk, or words that are not understood
                self.error = error
                return
            self._leave.wait(AGAIN_S)

    def _visit(self, api: JobsApi) -> bool:
        """Follow the job while the connection holds; return whether it has ended."""
        state = api.state(self.job)
        if state is None:
            if self._any_line:
                self.outcome = "the cluster was taken down before the end"
                return True
            self._submit(api)
        place = 0
        for line in api.follow(self.job):
            if self._leave.is_set():
                return False
            if line.startswith(MARK):
                place += 1
                if place > self._seen:
                    self._take(json.loads(line.removeprefix(MARK)))
                    self._seen = place
        state = api.state(self.job)
        if state is None or state[0] not in ENDED:
            return False
        self.outcome = self._end or f"{state[0].lower()}: {state[1][-300:]}"
        return True

    def _take(self, told: dict) -> None:
        if "line" in told:
            self._any_line = True
            entry = entry_of(told["line"])
            key = (entry.label, entry.job_id if isinstance(entry, JobRecord) else "")
            if key not in self._known:
                self._known.add(key)
                self._recorder.take(entry)
            elif isinstance(entry, MachineEntry):
                done = {job_id for label, job_id in self._known if label == entry.label}
                self._recorder.introduce(entry, done)  # only the progress table lacks it
        elif "event" in told:
            event = event_of(told["event"])
            if (event.host, event.job_id) not in self._known:
                self._recorder.show(event)
        else:
            self._end = told["end"]

    def _submit(self, api: JobsApi) -> None:
        """Hand over the code, the data and the request in one package."""
        with tempfile.TemporaryDirectory(prefix="mnist-bench-ship-") as folder:
            root = Path(folder)
            for name in SHIPPED:
                source = Path(import_module(name).__file__).parent
                ignored = shutil.ignore_patterns("__pycache__")
                shutil.copytree(source, root / CODE / name, ignore=ignored)
            shutil.copyfile(self._data, root / self._request.data_file)
            (root / "request.json").write_text(self._request.model_dump_json())
            api.submit(self.job, root, ENTRYPOINT)


def job_id_of(run_id: str) -> str:
    """Return the id of the job that is a run's part on a cluster."""
    return f"mnist-bench-{run_id}"
