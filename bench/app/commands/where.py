"""Where a run measures: the options on clusters, and what is said of one before and after."""

from __future__ import annotations

import argparse
from pathlib import Path

from bench import units
from bench.app.plan import Plan
from bench.cluster.config import DEFAULT_FILES, read_cluster_file
from bench.cluster.down import down
from bench.cluster.find import Cluster, find_cluster
from bench.cluster.prices import costs, hourly, still_up, usd_per_hour
from bench.errors import DispatchError, RequestError
from bench.record.lines import SiteEntry


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options that say where a run measures."""
    where = parser.add_argument_group(
        "where: this machine, and the cluster of ./cluster.yaml if up"
    )
    where.add_argument("--cluster", type=Path, metavar="FILE", help="the cluster of this file")
    where.add_argument("--address", metavar="URL", help="the Jobs API of a cluster that runs")
    where.add_argument("--local-only", action="store_true", help="this machine alone")
    where.add_argument(
        "--down", action="store_true", help="take the cluster down at the end, all of it"
    )
    where.add_argument(
        "--max-usd", type=_amount, metavar="USD", help="stop when the cluster has cost so much"
    )
    where.add_argument(
        "--max-minutes", type=_amount, metavar="MIN", help="stop after so many minutes"
    )


def check(arguments: argparse.Namespace) -> None:
    """Raise RequestError where the options on the cluster contradict each other."""
    named = [f"--{name}" for name in ("cluster", "address") if getattr(arguments, name)]
    if arguments.local_only:
        named += ["--local-only"]
    if len(named) > 1:
        raise RequestError(f"{' and '.join(named)} exclude each other", next_step="give one")
    if arguments.down and (arguments.local_only or arguments.address):
        raise RequestError(
            "--down takes down the cluster of a file",
            seen=named[0],
            next_step="leave it out, or name the file with --cluster",
        )


def find(arguments: argparse.Namespace) -> tuple[Cluster | None, str | None]:
    """Return the cluster to measure and the line that says what was found."""
    if arguments.local_only:
        return None, None
    cluster, found = find_cluster(arguments.cluster, arguments.address)
    if cluster and cluster.file and arguments.max_usd is not None:
        unpriced = [
            node.name or "the hosts"
            for node in cluster.file.types
            if usd_per_hour(node, cluster.file) is None
        ]
        if unpriced:
            raise RequestError(
                "--max-usd needs the hour's price of every node type",
                seen=f"none for {', '.join(unpriced)}",
                next_step='add the label bench-usd-per-hour: "0.17" to it in the cluster file',
            )
    return cluster, found


def dry_lines(plan: Plan, arguments: argparse.Namespace) -> list[str]:
    """Return what the cluster of the file would do and cost, up or not; nothing is asked of it."""
    path = arguments.cluster or next((path for path in DEFAULT_FILES if path.exists()), None)
    if path is None or arguments.local_only or arguments.address:
        return []
    file = read_cluster_file(path)
    rows = costs(file, [*plan.jobs, *(skip.job for skip in plan.skipped)])
    lines = [f"the cluster of {path}, where it is up:"]
    for row in rows:
        price = f"price unknown ({row.price.reason})"
        if row.usd is not None:
            price = f"about {row.usd:.2f} USD ({hourly(row.price)})"
        what = f"{row.jobs} jobs" if row.jobs else "not measured"
        name = f"{row.type.name or 'hosts'} ({row.type.machine or 'on premises'})"
        took = units.duration(row.about_s)
        lines.append(f"  {row.type.count} x {name}: {what}, up about {took}, {price}")
    known = [row.usd for row in rows if row.usd is not None]
    short = "" if len(known) == len(rows) else " and what has no price"
    total = f"together about {sum(known):.2f} USD{short}" if known else "no price is known"
    lines.append(f"  {total}")
    return lines


def leave(cluster: Cluster | None, take_down: bool, *, goes_on: SiteEntry | None) -> int:
    """Take the cluster down, or say what of it still runs and costs; return 1 where that failed.

    A cluster whose part `goes_on` is left up.
    """
    if cluster is None or cluster.file is None:
        return 0
    if take_down and goes_on is None:
        try:
            down(cluster.file, print)
        except DispatchError as error:  # the run's own result stands
            print(f"WARNING: not all of the cluster is down: {error}")
            return 1
        return 0
    if take_down:
        print(f"not taken down: the part of {cluster.name} is not at its end")
    for line in still_up(cluster.file):
        print(line)
    return 0


def _amount(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0 < value < float("inf"):
        raise argparse.ArgumentTypeError(f"must be a number above 0: {text!r}")
    return value
