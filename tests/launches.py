"""Launches of the toy workload, and what tests need to watch their processes."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import psutil
import toy_workload

from bench.child.launch import LaunchSpec
from bench.dispatch.events import Event
from bench.dispatch.planner import AT_HOME, Planner
from bench.dispatch.scheduler import Scheduler
from bench.dispatch.supply import GridSupply
from bench.dispatch.transport import Transport
from bench.record.lines import JobRecord, MachineEntry
from bench.spec.job import JobSpec, make_job


def toy_job(model: str, **changes: Any) -> JobSpec:
    """Return a 2-epoch toy job."""
    fields = {"epochs": 2, "seed": 0, "dataset": "toy", **changes}
    return make_job(toy_workload.DESCRIPTION.axes, {"model": model}, **fields)


def a_launch(model: str, folder: Path, *, seed: int = 0, **changes: Any) -> LaunchSpec:
    """Return the launch of a 2-epoch toy job that notes what it sees in `folder`."""
    job = toy_job(model, seed=seed)
    fields: dict[str, Any] = {
        "run_id": "run-1",
        "workload": toy_workload.NAME,
        "job": job,
        "label": "lab",
        "data_path": str(folder),
        "data_digest": "digest of nothing",
        "threads": 2,
        "time_limit_s": 120,
    }
    return LaunchSpec.model_validate({**fields, **changes})


@contextlib.contextmanager
def a_parent(
    code: str, launch: LaunchSpec, temporary: Path
) -> Iterator[tuple[subprocess.Popen[str], tuple[int, int]]]:
    """Run `code` in a process that runs a job, and may be killed: (the process, pids).

    It reads the launch from its input and prints the job's events, a JSON object a line. The pids
    are those of the child, which is in the midst of its job, and of the process that it started.
    """
    with subprocess.Popen(
        [sys.executable, "-c", code],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "TMPDIR": str(temporary)},
    ) as parent:
        assert parent.stdin is not None and parent.stdout is not None
        parent.stdin.write(launch.model_dump_json() + "\n")
        parent.stdin.flush()
        told: dict[str, Any] = {}
        while "grandchild" not in told:
            told |= json.loads(parent.stdout.readline())
        try:
            yield parent, (told["pid"], told["grandchild"])
        finally:
            parent.kill()


class LaunchSupply(GridSupply):
    """Gives the jobs of planned launches, whatever the host says that it can run."""

    def __init__(self, launches: Sequence[LaunchSpec]) -> None:
        super().__init__()
        self._jobs = [launch.job for launch in launches]

    def begin(self, host: str, jobs: Sequence[JobSpec]) -> None:
        super().begin(host, self._jobs)


def scheduled(transport: Transport, launches: Sequence[LaunchSpec]) -> Iterator[Event]:
    """Run launches on this machine with the real scheduler; yield what happens to the jobs."""
    by_id = {launch.job.job_id: launch for launch in launches}
    planner = Planner(
        launch=lambda job, host, prepared, attempt: by_id[job.job_id].model_copy(
            update={"machine": prepared.facts, "attempt": attempt}
        ),
        entry=lambda host, prepared: MachineEntry(
            run_id="run-1", label="lab", own=True, machine=prepared.facts, jobs=tuple(by_id)
        ),
        unavailable=lambda name, reason: MachineEntry(run_id="run-1", label="lab", reason=reason),
    )
    for event in Scheduler(transport, LaunchSupply(launches), planner, patience=AT_HOME).run():
        if event.kind != "machine":
            yield event


def notes(folder: Path) -> list[dict[str, Any]]:
    """Return what the toy jobs noted in `folder`, in the order in which they ended."""
    return [json.loads(line) for line in (folder / "notes.jsonl").read_text().splitlines()]


def only_record(items: Iterable[Any]) -> JobRecord:
    """Return the one record among `items`."""
    (record,) = (item for item in items if isinstance(item, JobRecord))
    return record


def wait_for(what: Callable[[], Any], seconds: float = 60) -> Any:
    """Poll `what` until it gives something true; fail after `seconds`."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if found := what():
            return found
        time.sleep(0.05)
    raise AssertionError(f"not seen within {seconds} s")


def is_gone(pid: int) -> bool:
    """Say whether a process has ended; a zombie has, whoever is to collect it."""
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def still_below(seconds: float = 20) -> list[str]:
    """Wait for the processes below this one to end; return the names of those that did not.

    A process that was told to end takes a moment, and a zombie has ended.
    """
    deadline = time.monotonic() + seconds
    while True:
        below = psutil.Process().children(recursive=True)
        names = [process.name() for process in below if not is_gone(process.pid)]
        if not names or time.monotonic() > deadline:
            return names
        time.sleep(0.05)


def living_jobs() -> list[psutil.Process]:
    """Return the job children below this process."""
    found = []
    for process in psutil.Process().children(recursive=True):
        try:
            if "bench.child.entry" in process.cmdline():
                found.append(process)
        except psutil.Error:
            continue
    return found
