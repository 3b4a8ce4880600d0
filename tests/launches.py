"""Launches of the toy workload, and what tests need to watch their processes."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import psutil
import toy_workload

from bench.child.launch import LaunchSpec
from bench.record.lines import JobRecord
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
