"""`mnist-bench cluster`: close a cluster before it is up, and say what is missing or open."""

from __future__ import annotations

import argparse
from pathlib import Path

from bench.cluster import aws, firewall, gcp
from bench.cluster.address import my_address, network_of
from bench.cluster.check import findings
from bench.cluster.config import DEFAULT_FILES, ClusterFile, read_cluster_file
from bench.errors import RequestError

#: What closes a cluster on each cloud.
PROVIDERS = {"aws": aws.prepare, "gcp": gcp.prepare}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add this command's arguments."""
    parser.add_argument(
        "action",
        choices=("prepare", "check"),
        help="prepare: close what Ray leaves open; check: say what is missing or open",
    )
    parser.add_argument("file", nargs="?", type=Path, help="the cluster file (cluster.yaml)")
    parser.add_argument(
        "--from",
        dest="source",
        type=network_of,
        metavar="ADDRESS",
        help="AWS, Google Cloud: the one address that SSH is opened to (default: this machine's)",
    )


def execute(arguments: argparse.Namespace) -> int:
    """Prepare or check; exit code 1 where a check finds something."""
    action = _prepare if arguments.action == "prepare" else _check
    return action(_file(arguments), arguments)


def _file(arguments: argparse.Namespace) -> ClusterFile:
    if arguments.file:
        return read_cluster_file(arguments.file)
    known = DEFAULT_FILES[-1:] if arguments.action == "prepare" else DEFAULT_FILES
    path = next((path for path in known if path.exists()), None)
    if path is None:
        raise RequestError("there is no cluster.yaml here", next_step="name a cluster file")
    return read_cluster_file(path)


def _prepare(file: ClusterFile, arguments: argparse.Namespace) -> int:
    if file.on_premises:
        firewall.close(file)
        hosts = ", ".join(firewall.all_hosts(file))
        print(f"Ray's ports on {hosts} now answer these hosts alone (until they are restarted)")
        print(f"next: ray up {file.path}")
        return 0
    close = PROVIDERS.get(file.provider)
    if close is None:
        raise RequestError(
            "nothing can be prepared for this provider",
            seen=file.provider,
            next_step="docs/cluster.md says how to close it by hand",
        )
    path = close(file, arguments.source or my_address(), print)
    print(f"wrote {path}; next: ray up {path}")
    return 0


def _check(file: ClusterFile, arguments: argparse.Namespace) -> int:
    found = list(findings(file))
    for sentence in found:
        print(f"- {sentence}")
    print(f"{file.path}: {len(found)} findings" if found else f"{file.path}: nothing to say")
    return 1 if found else 0
