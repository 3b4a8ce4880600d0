"""The commands `cluster prepare` and `cluster check`: close a cluster, and say what is open."""

from __future__ import annotations

import functools
import os
from pathlib import Path

import click

from bench.app.commands.saying import say
from bench.app.options import PATH, Command, CommandGroup, ExitCodes, Option
from bench.cluster import aws, firewall, gcp
from bench.cluster.address import my_address, network_of
from bench.cluster.check import issue_sentences
from bench.cluster.config import DEFAULT_FILES, ClusterFile, read_cluster_file
from bench.errors import RequestError
from bench.spec.request import ClusterCheckRequest, ClusterPrepareRequest, Program
from bench.text import counted

#: What closes a cluster on each cloud.
PROVIDERS = {"aws": aws.prepare, "gcp": gcp.prepare}

PREPARE = """Close what Ray leaves open in a cluster, before it is up.

FILE is the cluster file; without it, cluster.yaml in this folder is read.
"""

CHECK = """Say what is missing or open in a cluster.

FILE is the cluster file; without it, cluster.prepared.yaml or cluster.yaml in this folder is read.
"""


def command(program: Program, about: str) -> click.Command:
    """Return the command with its two subcommands."""
    preparing = Command(
        "prepare",
        exit_codes=ExitCodes("the cluster is closed", "the cloud or a host refused something"),
        help=PREPARE,
        callback=lambda **values: functools.partial(prepare, ClusterPrepareRequest(**values)),
        params=[
            click.Argument(["file"], required=False, type=PATH),
            Option(
                "--from",
                "source",
                metavar="ADDRESS",
                help="AWS, Google Cloud: the one address that SSH is opened to "
                "(default: this machine's)",
            ),
        ],
    )
    checking = Command(
        "check",
        exit_codes=ExitCodes("nothing is missing or open", "something is missing or open"),
        help=CHECK,
        callback=lambda **values: functools.partial(check, ClusterCheckRequest(**values), program),
        params=[click.Argument(["file"], required=False, type=PATH)],
    )
    return CommandGroup(
        "cluster",
        commands=[preparing, checking],
        help=about,
    )


def prepare(request: ClusterPrepareRequest) -> int:
    """Close the cluster of a file."""
    source = None if request.source is None else network_of(request.source)
    file = _cluster_file(request.file, DEFAULT_FILES[-1:])
    if file.on_premises:
        firewall.close(file)
        hosts = ", ".join(firewall.all_hosts(file))
        say(f"Ray's ports on {hosts} now answer only these hosts (until they are restarted)")
        say(f"next: ray up {file.path}")
        return 0
    close = PROVIDERS.get(file.provider)
    if close is None:
        raise RequestError(
            "nothing can be prepared for this provider",
            seen=file.provider,
            next_step="docs/cluster.md says how to close it by hand",
        )
    path = close(file, source or my_address(), say)
    say(f"wrote {path}; next: ray up {path}")
    return 0


def check(request: ClusterCheckRequest, program: Program) -> int:
    """Print what is missing or open; return 1 if there is anything."""
    file = _cluster_file(request.file, DEFAULT_FILES)
    found = list(issue_sentences(file))
    for sentence in found:
        say(f"- {program.spoken(sentence)}")
    total = counted(len(found), "finding") if found else "nothing is missing or open"
    say(f"{file.path}: {total}")
    return 1 if found else 0


def _cluster_file(given: Path | None, usual: tuple[Path, ...]) -> ClusterFile:
    path = given or next(filter(os.path.isfile, usual), None)
    if path is None:
        raise RequestError("there is no cluster.yaml here", next_step="name a cluster file")
    return read_cluster_file(path)
