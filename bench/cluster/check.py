"""What is missing or open in a cluster file and around it, in words, before money is spent."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from importlib.util import find_spec

from bench.clock import utc_today
from bench.cluster import aws, gcp, keys
from bench.cluster.aws_client import LOG_IN
from bench.cluster.config import TOKEN_FILE, ClusterFile, NodeType
from bench.cluster.firewall import all_hosts, open_ports
from bench.cluster.issue import Issue
from bench.cluster.prices import hourly, price_of_node
from bench.dispatch.labels import KIND_LABEL, KINDS, PRICE_LABEL, TYPE_LABEL, kind_by
from bench.dispatch.tunnel import KEEP, UNKEPT, SshTarget, keeps_keys, run_there
from bench.errors import BenchError, DispatchError
from bench.record.price import listed_price
from bench.report.words.prices import is_old


@dataclass(frozen=True)
class Cloud:
    """A cloud: its name, what finds something to say of a cluster on it, and how to log in."""

    name: str
    issues: Callable[[ClusterFile], Iterator[Issue]]
    log_in: str


CLOUDS: Mapping[str, Cloud] = {
    "aws": Cloud("AWS", aws.issues, LOG_IN),
    "gcp": Cloud("Google Cloud", gcp.issues, "log in: gcloud auth application-default login"),
}

#: A price label and a list price that differ by a smaller part agree.
SAME_PRICE = 0.01


def issue_sentences(file: ClusterFile) -> Iterator[str]:
    """Yield one sentence for each thing that is missing or open."""
    for part in (written, keys.issues, around):
        yield from (issue.sentence for issue in part(file))


def written(file: ClusterFile) -> Iterator[Issue]:
    """Yield what the file itself lacks, and what it needs of this machine but a key."""
    yield from _missing(file)
    for part in (_labels, _token, _prices):
        yield from map(Issue, part(file))


def around(file: ClusterFile) -> Iterator[Issue]:
    """Yield what is missing or open on the hosts of the file, or in its cloud."""
    if file.on_premises:
        yield from _hosts(file)
    elif file.provider in CLOUDS:
        yield from _cloud(file, CLOUDS[file.provider])


def _missing(file: ClusterFile) -> Iterator[Issue]:
    if find_spec("aiohttp") is None:
        cure = "install it: make setup EXTRAS=cluster (or aws)"
        yield Issue("ray[default] is not installed", cure=cure, stops=True)
    if not keeps_keys():
        yield Issue(UNKEPT, cure=KEEP)
    for remote, local in (file.document.get("file_mounts") or {}).items():
        if not os.path.exists(os.path.expanduser(local)):
            what = f"file_mounts names {local} (for {remote}), which does not exist here"
            cure = "type the command in the project's folder, or change the file"
            yield Issue(what, cure=cure, stops=True)


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
        yield "no token is required: everyone who reaches Ray's ports can run programs there"
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


def _hosts(file: ClusterFile) -> Iterator[Issue]:
    auth = file.document.get("auth") or {}
    for host in all_hosts(file):
        target = SshTarget(host, auth.get("ssh_user", ""), auth.get("ssh_private_key"))
        try:
            run_there(target, "command -v python3 rsync make", 30)
        except DispatchError as error:
            what = f"{host}: no SSH, or no python3, rsync and make there: {error.seen}"
            yield Issue(what, cure=keys.cure(target, error.seen), stops=True)
            continue
        ports = open_ports(host)
        if ports:
            numbers = ", ".join(map(str, ports))
            yield Issue(f"{host}: Ray's ports {numbers} answer from here", prepared=True)


def _cloud(file: ClusterFile, cloud: Cloud) -> Iterator[Issue]:
    try:
        yield from cloud.issues(file)
    except BenchError as error:  # no library, or the cloud refused
        cure = error.next_step or cloud.log_in
        yield Issue(f"{cloud.name} cannot be asked: {error.problem}", cure=cure, stops=True)
    except Exception as error:  # no credentials, no network: each is an issue
        what = f"{cloud.name} cannot be asked: {error}"
        yield Issue(what, cure=cloud.log_in, stops=True)
