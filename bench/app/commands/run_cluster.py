"""The cluster of a run: found or previewed before it, left up or taken down after it."""

from __future__ import annotations

import os

from bench import stops, units
from bench.app.commands.saying import say
from bench.app.plan import Plan
from bench.cluster.config import DEFAULT_FILES, read_cluster_file
from bench.cluster.down import down
from bench.cluster.find import Cluster, find_cluster, skipped
from bench.cluster.prices import TypeCost, costs, hourly, still_up, usd_per_hour
from bench.errors import DispatchError, RequestError
from bench.record.lines import ClusterEntry
from bench.spec.request import ClusterChoice, MeasureLimits, Program, RunRequest
from bench.text import counted


def find(choice: ClusterChoice, limits: MeasureLimits) -> tuple[Cluster | None, str | None]:
    """Return the cluster to measure, and a line that says which cluster there is."""
    if choice.local_only:
        return None, None
    cluster, note = find_cluster(choice.file, choice.address)
    if cluster and cluster.file and limits.max_usd is not None:
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
    return cluster, note


def note_on_limit(request: RunRequest, cluster: Cluster | None) -> str:
    """Return that `--max-usd` limits nothing; empty if a cluster or the plan of a series counts."""
    series = request.series
    planned = series is not None and series.precision is not None
    if request.limits.max_usd is None or cluster is not None or planned:
        return ""
    return "; --max-usd limits nothing, because no cluster is measured"


def preview(plan: Plan, choice: ClusterChoice, sittings: int = 1) -> list[str]:
    """Return what the cluster of the file would do and cost; the cluster itself is not asked.

    The machines and their dollars are of one sitting, and the last line is of all `sittings`. The
    nodes are taken to have the libraries of this machine, which they may measure the ceilings of.
    """
    path = choice.file or next(filter(os.path.isfile, DEFAULT_FILES), None)
    if path is None or choice.local_only or choice.address:
        return []
    try:
        file = read_cluster_file(path)
    except RequestError as error:
        if choice.file is not None:
            raise
        return [skipped(path, error)]
    rows = costs(file, plan.asked, plan.workload.estimate_s, plan.ceilings_s)
    known = [row.usd for row in rows if row.usd is not None]
    short = "" if len(known) == len(rows) else " and what has no price"
    of = "" if sittings == 1 else f" for {sittings} sittings"
    total = f"together about {sittings * sum(known):.2f} USD{short}{of}"
    total = total if known else "no cost is known"
    return [
        f"the cluster of {path}, if it is up:",
        *(f"  {_cost_line(row)}" for row in rows),
        f"  {total}",
    ]


def _cost_line(row: TypeCost) -> str:
    """Return what the nodes of one type would do, and what that costs."""
    if row.price.usd_per_hour is None:
        price = f"price unknown ({row.price.reason})"
    elif row.usd is None:
        price = f"cost unknown ({hourly(row.price)})"
    else:
        price = f"about {row.usd:.2f} USD ({hourly(row.price)})"
    jobs = counted(row.jobs, "job") if row.jobs else "not measured"
    name = f"{row.type.name or 'hosts'} ({row.type.machine or 'on premises'})"
    return f"{row.type.count} x {name}: {jobs}, up about {units.duration(row.about_s)}, {price}"


def leave(
    cluster: Cluster | None,
    program: Program,
    *,
    take_down: bool,
    goes_on: ClusterEntry | None = None,
) -> int:
    """Take the cluster down, or say what still runs and costs; return 1 if that failed.

    If a signal cuts that off, return stops.INTERRUPTED. A cluster whose share `goes_on` is left up.
    """
    if cluster is None or cluster.file is None:
        return 0
    if take_down and goes_on is None:
        try:
            down(cluster.file, say)
        except DispatchError as error:  # the run's own result stands
            say(f"WARNING: not all of the cluster is down: {program.spoken(str(error))}")
            return 1
        except KeyboardInterrupt:
            with stops.deferred():
                say(f"WARNING: interrupted while {cluster.name} was taken down: it may still be up")
                say(still_up(cluster.file)[-1])
            return stops.INTERRUPTED
        return 0
    if take_down:
        say(f"not taken down: {cluster.name} is still measuring")
    for line in still_up(cluster.file):
        say(line)
    return 0
