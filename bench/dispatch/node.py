"""What Ray calls on a node: preparing it, and running one job. Everything goes as JSON text.

The functions know nothing of Ray, and no record depends on a pickle.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from bench.child.launch import LaunchSpec
from bench.child.process import run_child
from bench.child.workload import load_workload, probe_for
from bench.dispatch.ceiling_jobs import ceiling_jobs
from bench.dispatch.cluster_request import ClusterRequest
from bench.dispatch.eligible import eligible, most_threads
from bench.dispatch.transport import Prepared
from bench.errors import DispatchError
from bench.outside.documents import parse_model
from bench.paths import replace_file
from bench.record.facts import MachineKind
from bench.record.lines import JobRecord
from bench.watch.look import wait_until_quiet

#: Seconds that a job waits for another one on its host, as a rule an attempt that was given up.
HOST_LOCK_S = 60.0


def run_as_json(launch_json: str, scratch: str | None = None) -> Iterator[str]:
    """Run the child; yield its events and last its record, as JSON text.

    The child's files lie in `scratch`: a worker that is killed leaves them behind, and they are
    deleted with that folder.
    """
    for item in run_child(parse_model(LaunchSpec, launch_json), scratch):
        if isinstance(item, JobRecord):
            yield json.dumps({"record": item.model_dump(mode="json")})
        else:
            yield json.dumps(dict(item))


def run_alone_as_json(launch_json: str, host: str) -> Iterator[str]:
    """Run a job as `run_as_json` does, with no other job of this program on the host meanwhile.

    Raises DispatchError if another job does not end.
    """
    with _alone(host):
        yield from run_as_json(launch_json)


def prepared_as_json(prepared: Prepared) -> str:
    """Return what a host told, as the text that a preparing task yields."""
    return json.dumps({"prepared": prepared.model_dump(mode="json")})


def prepare(
    data: Any, host: str, request_json: str, kind: MachineKind, data_sha256: str = ""
) -> Prepared:
    """Keep the data on this node, and tell what the node is and which jobs it can run.

    `data` is the content of the data file (bytes or an array of bytes), which must have the digest
    `data_sha256`; None if the workload reads no data. At the end, the node is watched until it is
    quiet, as long as the request allows. Raises DispatchError if the data arrive changed.
    """
    request = parse_model(ClusterRequest, request_json)
    path: Path | None = None
    if data is not None:
        with _alone(host):
            path = _keep(data, Path(request.data_file or "data").name, data_sha256)
    workload = load_workload(request.workload)
    facts = probe_for(workload, request.privacy, kind)
    able, skipped = eligible(workload, request.jobs, facts)
    look = wait_until_quiet(
        most_threads(able, facts),
        request.wait_quiet_s,
        lambda words: None,
        on_gpu=kind == "gpu",
    )
    return Prepared(
        facts=facts,
        data_path=None if path is None else str(path),
        able=able,
        ceiling_jobs=(
            ceiling_jobs(workload, able, facts, request.header.minutes) if request.ceilings else ()
        ),
        skipped=skipped,
        look=look.record(),
    )


def _keep(data: Any, name: str, sha256: str) -> Path:
    """Write the data to this user's temporary folder, unless they are there already."""
    folder = Path(tempfile.gettempdir()) / f"bench-{os.getuid()}"
    folder.mkdir(mode=0o700, exist_ok=True)
    path = folder / f"{sha256[:16]}-{name}"
    if path.exists() and sha256_of(path.read_bytes()) == sha256:
        return path
    content = memoryview(data)
    arrived = sha256_of(content)
    if arrived != sha256:
        raise DispatchError(
            "the data that reached this node differ from the data that were sent",
            seen=f"{arrived[:12]}, not {sha256[:12]}",
            next_step="run again",
        )
    return replace_file(path, content)


def sha256_of(content: Any) -> str:
    """Return the digest, in hexadecimal, of bytes or of an array of bytes."""
    return hashlib.sha256(content).hexdigest()


@contextlib.contextmanager
def _alone(host: str) -> Iterator[None]:
    """Hold the host for this user: no two jobs run at once, whoever sent them."""
    name = f"bench-{os.getuid()}-{sha256_of(host.encode())[:12]}.lock"
    lock = FileLock(Path(tempfile.gettempdir()) / name)
    try:
        held = lock.acquire(timeout=HOST_LOCK_S)
    except Timeout as error:
        raise DispatchError(
            f"another job held this host for more than {HOST_LOCK_S:g} s",
            seen=name,
            next_step="wait until the other run on this cluster is done",
        ) from error
    with held:
        yield
