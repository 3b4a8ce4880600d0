"""What runs on a node of a cluster: preparing it, and one job at a time; all as JSON text.

The functions are what Ray calls there; they know nothing of Ray.
"""

from __future__ import annotations

import contextlib
import hashlib
import importlib
import json
import os
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from bench.child.launch import LaunchSpec
from bench.child.process import run_child
from bench.dispatch.transport import Prepared
from bench.errors import DispatchError
from bench.probe.identity import SHOW_VARIABLE
from bench.probe.limits import threads
from bench.probe.machine import probe
from bench.record.conditions import LookRecord
from bench.record.facts import MachineFacts
from bench.record.lines import JobRecord, Skip
from bench.spec.job import JobSpec
from bench.watch.quiet import wait_quiet

#: Seconds that a job waits for what still runs on its host: as a rule an attempt that was given up.
HOST_LOCK_S = 60.0


def run_as_json(launch_json: str, scratch: str | None = None) -> Iterator[str]:
    """Run the child, yield its events and last its record, as JSON text.

    The child's files lie in `scratch`: a worker that is killed leaves them behind, and they go
    when that folder goes.
    """
    launch = LaunchSpec.model_validate_json(launch_json)
    if launch.show_hostnames:
        os.environ[SHOW_VARIABLE] = "1"
    for item in run_child(launch, scratch):
        if isinstance(item, JobRecord):
            yield json.dumps({"record": item.model_dump(mode="json")})
        else:
            yield json.dumps(dict(item))


def run_alone_as_json(launch_json: str, host: str) -> Iterator[str]:
    """Run a job as `run_as_json` does, with no other job of this program on the host meanwhile.

    Raises DispatchError where another one does not end.
    """
    with _alone(host):
        yield from run_as_json(launch_json)


def prepare_as_json(data: Any, host: str, request_json: str) -> str:
    """Keep the data on this node, checked by digest, and tell what it is and what it can run.

    `data` is bytes or an array of them. The request holds `file`, `sha256`, `kind`, `packages`,
    `jobs`, `show_hostnames`, `threads`, `wait_quiet_s`, and `divide`, the `module:function` that
    tells the jobs that this node can run. Last it looks whether the node is quiet, and waits for it
    as long as it may.
    Raises DispatchError where the data are not what they should be.
    """
    request = json.loads(request_json)
    with _alone(host):
        path = _keep(data, request["file"], request["sha256"])
    if request["show_hostnames"]:
        os.environ[SHOW_VARIABLE] = "1"
    facts = probe(request["packages"], kind=request["kind"])
    jobs = [JobSpec.model_validate(job) for job in request["jobs"]]
    able, skipped = _divide(request["divide"], jobs, facts)
    look = wait_quiet(
        request["threads"] or threads(),
        request["wait_quiet_s"],
        lambda words: None,
        on_gpu=request["kind"] == "gpu",
    )
    answer = {
        "facts": facts.model_dump(mode="json"),
        "data_path": str(path),
        "able": [job.model_dump(mode="json") for job in able],
        "look": look.record().model_dump(mode="json"),
        "skipped": [skip.model_dump(mode="json") for skip in skipped],
    }
    return json.dumps(answer)


def prepared_of(answer: Mapping[str, Any]) -> Prepared:
    """Return what `prepare_as_json` told, read again by whoever asked."""
    return Prepared(
        facts=MachineFacts.model_validate(answer["facts"]),
        data_path=answer["data_path"],
        able=tuple(JobSpec.model_validate(job) for job in answer["able"]),
        skipped=tuple(Skip.model_validate(skip) for skip in answer["skipped"]),
        look=LookRecord.model_validate(answer["look"]),
    )


def _divide(
    name: str, jobs: Sequence[JobSpec], facts: MachineFacts
) -> tuple[Sequence[JobSpec], Sequence[Skip]]:
    module, _, attribute = name.partition(":")
    return getattr(importlib.import_module(module), attribute)(jobs, facts)


def _keep(data: Any, file: str, sha256: str) -> Path:
    """Write the data to this user's temporary folder, unless they are there already."""
    folder = Path(tempfile.gettempdir()) / f"mnist-bench-{os.getuid()}"
    folder.mkdir(mode=0o700, exist_ok=True)
    path = folder / f"{sha256[:16]}-{Path(file).name}"
    if path.exists() and _sha256(path.read_bytes()) == sha256:
        return path
    content = memoryview(data)
    found = _sha256(content)
    if found != sha256:
        raise DispatchError(
            "the data that reached this node are not those that were sent",
            seen=f"{found[:12]}, not {sha256[:12]}",
            next_step="run again",
        )
    temporary = path.with_suffix(f".{os.getpid()}")
    temporary.write_bytes(content)
    temporary.replace(path)
    return path


def _sha256(content: Any) -> str:
    return hashlib.sha256(content).hexdigest()


@contextlib.contextmanager
def _alone(host: str) -> Iterator[None]:
    """Hold the host for this user: no two jobs at once, whoever sent them."""
    name = f"mnist-bench-{os.getuid()}-{_sha256(host.encode())[:12]}.lock"
    lock = FileLock(Path(tempfile.gettempdir()) / name)
    try:
        lock.acquire(timeout=HOST_LOCK_S)
    except Timeout as error:
        raise DispatchError(
            f"another job held this host for more than {HOST_LOCK_S:g} s",
            seen=name,
            next_step="wait until the other run on this cluster is done",
        ) from error
    try:
        yield
    finally:
        lock.release()
