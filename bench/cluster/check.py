"""What is missing or open in a cluster file and around it, in words, before money is spent."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path

from bench.cluster import aws, gcp
from bench.cluster.config import TOKEN_FILE, ClusterFile
from bench.cluster.finding import Finding
from bench.cluster.firewall import all_hosts, open_ports
from bench.cluster.prices import usd_per_hour
from bench.dispatch.labels import KIND_LABEL, KINDS, TYPE_LABEL
from bench.dispatch.tunnel import SshTarget, run_there
from bench.errors import DispatchError

#: Each cloud's name, and what finds something to say of a cluster on it.
CLOUDS = {"aws": ("AWS", aws.complaints), "gcp": ("Google Cloud", gcp.complaints)}


def findings(file: ClusterFile) -> Iterator[str]:
    """Yield one sentence for each thing that is missing or open."""
    yield from _missing(file)
    yield from _labels(file)
    yield from _token(file)
    yield from _prices(file)
    around: Iterator[Finding] = iter(())
    if file.on_premises:
        around = _hosts(file)
    elif file.provider in CLOUDS:
        around = _cloud(file, *CLOUDS[file.provider])
    yield from (finding.sentence for finding in around)


def _missing(file: ClusterFile) -> Iterator[str]:
    if find_spec("aiohttp") is None:
        yield "ray[default] is not installed: make setup EXTRAS=cluster (or aws)"
    for remote, local in (file.document.get("file_mounts") or {}).items():
        if not Path(local).expanduser().exists():
            yield f"file_mounts names {local} (for {remote}), which does not exist here"
    key = (file.document.get("auth") or {}).get("ssh_private_key")
    if key and not Path(key).expanduser().exists():
        yield f"the SSH key {key} does not exist here"


def _labels(file: ClusterFile) -> Iterator[str]:
    for name, declared in (file.document.get("available_node_types") or {}).items():
        labels = declared.get("labels") or {}
        if labels.get(TYPE_LABEL) != name:
            yield f"{name}: its labels lack {TYPE_LABEL}: {name}, so a run cannot ask for it"
        if labels.get(KIND_LABEL) not in KINDS:
            yield f"{name}: its label {KIND_LABEL} is not one of {', '.join(KINDS)}"


def _token(file: ClusterFile) -> Iterator[str]:
    commands = " ".join(
        str(command)
        for side in ("head", "worker")
        for command in file.document.get(f"{side}_start_ray_commands") or ()
    )
    if "ray-env.sh" not in commands and "RAY_AUTH_MODE=token" not in commands:
        yield "no token is required: anybody who reaches Ray's ports can run programs there"
    elif TOKEN_FILE not in (file.document.get("cluster_synced_files") or ()):
        yield f"cluster_synced_files lacks {TOKEN_FILE}: the workers will not get the head's token"


def _prices(file: ClusterFile) -> Iterator[str]:
    if file.on_premises:
        return
    for node in file.types:
        if usd_per_hour(node, file) is None:
            yield f"{node.name}: its price is unknown, so --dry-run and --max-usd cannot count it"


def _hosts(file: ClusterFile) -> Iterator[Finding]:
    auth = file.document.get("auth") or {}
    for host in all_hosts(file):
        target = SshTarget(host, auth.get("ssh_user", ""), auth.get("ssh_private_key"))
        try:
            run_there(target, "command -v python3 rsync make", 30)
        except DispatchError as error:
            yield Finding(f"{host}: no SSH, or no python3, rsync and make there: {error.seen}")
            continue
        ports = list(open_ports(host))
        if ports:
            numbers = ", ".join(map(str, ports))
            yield Finding(f"{host}: Ray's ports {numbers} answer from here", prepared=True)


def _cloud(
    file: ClusterFile, name: str, complaints: Callable[[ClusterFile], Iterator[Finding]]
) -> Iterator[Finding]:
    try:
        yield from complaints(file)
    except Exception as error:  # no library, no credentials, no network: each is a finding
        yield Finding(f"{name} cannot be asked: {error}")
