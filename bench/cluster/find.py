"""Finds the cluster of a run: a named one, or the cluster of ./cluster.yaml if it is up."""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from bench.cluster import aws, aws_client
from bench.cluster.config import (
    DEFAULT_FILES,
    TOKEN_FILE,
    ClusterFile,
    read_cluster_file,
    wanted_types,
)
from bench.cluster.firewall import open_ports
from bench.dispatch.cluster_request import WantedType
from bench.dispatch.jobs_api import JobsApi
from bench.dispatch.launcher import ask_head
from bench.dispatch.tunnel import UNKEPT, SshTarget, Tunnel, keeps_keys, run_there
from bench.errors import BenchError, DispatchError, OutsideError, RequestError
from bench.outside.files import read_text
from bench.text import counted

#: Why a cluster is open, as far as its file tells.
UNPREPARED = "it was started from a file that was not prepared"

#: What holds of a cluster that was found by its file.
WITH_FILE = "a cluster of a file is reached through its head"

#: How the line of the token begins: what the login prints may come before and after it.
MARK = "bench-token:"

#: What prints that line on the head; it ends with MARK if there is no token.
ASK_TOKEN = f'echo "{MARK}$(cat {TOKEN_FILE} 2>/dev/null)"'

#: The form of any token, and the form of a token that this program or Ray made at random.
TOKEN = re.compile(r"[\w.~+/=-]{8,}", re.ASCII)
RANDOM = re.compile(r"[0-9a-f]{16,}")

#: Where Ray's control store listens on the head.
CONTROL_PORT = 6379


@dataclass(frozen=True)
class Cluster:
    """A cluster that is up: reached by its file and SSH, or by the address of its Jobs API."""

    name: str
    file: ClusterFile | None = None
    target: SshTarget | None = None
    address: str | None = None
    token: str | None = field(default=None, repr=False)

    @contextlib.contextmanager
    def connected(self) -> Iterator[JobsApi]:
        """Yield its Jobs API, through a tunnel if it has a file. Raises DispatchError."""
        if self.target is None:
            assert self.address is not None, "a cluster without a head to log in to has an address"
            yield JobsApi(self.address, self.token)
            return
        with Tunnel(self.target) as tunnel:
            yield JobsApi(tunnel.address, self.token)


def find_cluster(file: Path | None, address: str | None) -> tuple[Cluster | None, str]:
    """Return the cluster, or None, and a line that says which cluster there is.

    Raises RequestError or DispatchError if a named cluster is unreachable. A cluster file that
    merely lies in this folder is skipped with a note.
    """
    if address is not None:
        return _at(address), f"cluster: the one at {address}"
    if file is not None:
        cluster = up(read_cluster_file(file))
        if cluster is None:
            raise RequestError(
                f"the cluster of {file} is not up", next_step=f"bring it up: ray up {file}"
            )
        return cluster, _description(cluster)
    path = next(filter(os.path.isfile, DEFAULT_FILES), None)
    if path is None:
        return None, "cluster: none (no cluster.yaml here)"
    try:
        declared = read_cluster_file(path)
        why = aws_client.why_not() if declared.provider == "aws" else None
        cluster = None if why else up(declared)
    except BenchError as error:
        return None, skipped(path, error)
    if cluster is None:
        return None, f"cluster: the cluster of {path} is not up{f' ({why})' if why else ''}"
    return cluster, _description(cluster)


def skipped(path: Path, error: BenchError) -> str:
    """Return the note on a cluster file that merely lies in this folder and cannot be used."""
    return f"cluster: {path} is skipped: {error}"


def up(file: ClusterFile) -> Cluster | None:
    """Return the cluster of a file if its head answers; None if the cluster is not up.

    Raises DispatchError if the provider cannot be asked, or if a head that is up is unreachable.
    """
    head = ask_head(file.path)
    if head["head"] is None:
        return None
    target = SshTarget(head["head"], head["user"], head["key"])
    token = token_in(run_there(target, ASK_TOKEN))
    return Cluster(file.name, file, target, token=token)


def token_in(said: str) -> str | None:
    """Return the token that a head printed, whatever its login prints; None if it has none.

    If the line with MARK is missing, because the login runs another command than ours, only a last
    line of the form of a random token counts.
    """
    lines = said.splitlines()
    marked = [line.removeprefix(MARK).strip() for line in lines if line.startswith(MARK)]
    if marked:
        return marked[0] if TOKEN.fullmatch(marked[0]) else None
    last = lines[-1].strip() if lines else ""
    return last if RANDOM.fullmatch(last) else None


def _description(cluster: Cluster) -> str:
    """Return what a user should know about a cluster that is up."""
    assert cluster.target is not None, WITH_FILE
    hosts = ", ".join(map(_hosts_of, wanted(cluster)))
    open_ways = list(looseness(cluster))
    warning = f"; WARNING: {'; '.join(open_ways)} (docs/cluster.md)" if open_ways else ""
    head = cluster.target.host
    return f"cluster: {cluster.name} is up, head {head}; the run measures {hosts}{warning}"


def _hosts_of(kind: WantedType) -> str:
    """Return in words how many hosts of a type a run counts on."""
    hosts = counted(kind.count, "host")
    return f"{hosts} of type {kind.name}" if kind.name else hosts


def looseness(cluster: Cluster) -> Iterator[str]:
    """Yield in what way a cluster that is up is more open than it need be."""
    assert cluster.file is not None and cluster.target is not None, WITH_FILE
    if cluster.token is None:
        yield "it asks for no token"
    if not keeps_keys():
        yield UNKEPT
    if open_ports(cluster.target.host, (CONTROL_PORT,)):
        yield f"Ray's port {CONTROL_PORT} on its head answers from here"
    if cluster.file.provider == "aws":
        yield from _open_on_aws(cluster.file)
    elif cluster.file.provider == "gcp" and not _all_have(cluster.file, "networkInterfaces"):
        yield f"SSH is open to the whole internet: {UNPREPARED}"


def _open_on_aws(file: ClusterFile) -> Iterator[str]:
    """Yield what the running machines leave open; if AWS does not tell, what the file does."""
    try:
        yield from aws.open_ways(file)
    except BenchError:
        if not _all_have(file, "SecurityGroupIds"):
            yield f"SSH is open to the whole internet: {UNPREPARED}"


def _all_have(file: ClusterFile, key: str) -> bool:
    declared = (file.document.get("available_node_types") or {}).values()
    return bool(declared) and all(one["node_config"].get(key) for one in declared)


def wanted(cluster: Cluster) -> tuple[WantedType, ...]:
    """Return the hosts that a run on the cluster counts on; none if the cluster has no file."""
    return wanted_types(cluster.file) if cluster.file else ()


def _at(address: str) -> Cluster:
    if not address.startswith(("http://", "https://")):
        raise RequestError(
            "--address takes the address of a cluster's Jobs API",
            seen=address,
            next_step="give it as http://HOST:8265 (docs/cluster.md says how to reach it)",
        )
    return Cluster(address, address=address, token=_local_token())


def _local_token() -> str | None:
    """Return the token that Ray's own variables name."""
    path = os.environ.get("RAY_AUTH_TOKEN_PATH")
    if path:
        try:
            return read_text(Path(os.path.expanduser(path))).strip() or None
        except OutsideError as error:
            raise DispatchError(
                "RAY_AUTH_TOKEN_PATH cannot be read", seen=path, next_step="name the token's file"
            ) from error
    return os.environ.get("RAY_AUTH_TOKEN")
