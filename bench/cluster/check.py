"""What is missing or open in a cluster file and around it, in words, before money is spent."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Iterator
from importlib.util import find_spec

from bench.clock import utc_today
from bench.cluster import aws, gcp
from bench.cluster.config import TOKEN_FILE, ClusterFile, NodeType
from bench.cluster.finding import Finding
from bench.cluster.firewall import all_hosts, open_ports
from bench.cluster.prices import hourly, price_of_node
from bench.dispatch.labels import KIND_LABEL, KINDS, PRICE_LABEL, TYPE_LABEL, kind_by
from bench.dispatch.tunnel import UNKEPT, SshTarget, keeps_keys, run_there
from bench.errors import DispatchError
from bench.record.price import listed_price
from bench.report.words.prices import is_old

#: Each cloud's name, and what finds something to say of a cluster on it.
CLOUDS = {"aws": ("AWS", aws.complaints), "gcp": ("Google Cloud", gcp.complaints)}

#: A price label and a list price that differ by a smaller part agree.
SAME_PRICE = 0.01


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
    if not keeps_keys():
        yield UNKEPT
    for remote, local in (file.document.get("file_mounts") or {}).items():
        if not os.path.exists(os.path.expanduser(local)):
            yield f"file_mounts names {local} (for {remote}), which does not exist here"
    key = (file.document.get("auth") or {}).get("ssh_private_key")
    if key and not os.path.exists(os.path.expanduser(key)):
        yield f"the SSH key {key} does not exist here"


def _labels(file: ClusterFile) -> Iterator[str]:
    for name, declared in (file.document.get("available_node_types") or {}).items():
        labels = {key: str(value) for key, value in (declared.get("labels") or {}).items()}
        if labels.get(TYPE_LABEL) != name:
            yield f"{name}: its labels lack {TYPE_LABEL}: {name}, so a run cannot ask for it"
        if KIND_LABEL not in labels or kind_by(labels) is None:
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
        price = price_of_node(node, file)
        if price.usd_per_hour is None:
            yield f"{node.name}: its price is unknown, so --dry-run and --max-usd cannot count it"
        elif is_old(price.date, utc_today()):
            yield f"{node.name}: its price is older than a year: {hourly(price)}"
        yield from _beside_the_list(node, file)


def _beside_the_list(node: NodeType, file: ClusterFile) -> Iterator[str]:
    """Yield that a price label differs from the list price."""
    stated, listed = node.usd_per_hour, listed_price(file.provider, node.machine, file.region)
    if stated is None or listed is None or listed.usd_per_hour is None or node.accelerated:
        return
    if not (node.spot or math.isclose(stated, listed.usd_per_hour, rel_tol=SAME_PRICE)):
        yield f"{node.name}: {PRICE_LABEL} says {stated:g}, but the list price is {hourly(listed)}"


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
