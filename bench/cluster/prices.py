"""What an hour of a cluster costs, and what a run on it may cost."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from bench.clock import utc_today
from bench.cluster.config import ClusterFile, NodeType
from bench.dispatch.labels import PRICE_LABEL
from bench.record.price import Price, listed_price
from bench.report.words.prices import dated
from bench.spec.job import JobSpec

#: Seconds from asking for a cloud machine until its first job: start, packages, data.
START_S = 420.0


@dataclass(frozen=True)
class TypeCost:
    """About what one kind of node takes: seconds until its last job, and what an hour costs.

    `about_s` is None if the workload gives no estimate.
    """

    type: NodeType
    jobs: int
    about_s: float | None
    price: Price

    @property
    def usd(self) -> float | None:
        """Dollars for all nodes of the kind; None if the price or the time is unknown."""
        if self.price.usd_per_hour is None or self.about_s is None:
            return None
        return self.price.usd_per_hour * self.type.count * self.about_s / 3600


def price_of_node(node: NodeType, cluster: ClusterFile) -> Price:
    """Return the hour's price of a node: the user's figure (its label), else the list price.

    The label's date is today, because the file says so now.
    """
    if node.usd_per_hour is not None:
        source = f"{PRICE_LABEL} of {cluster.path.name}"
        return Price(node.usd_per_hour, source, utc_today())
    if node.accelerated:
        return Price(None, reason="its list price leaves out its GPU")
    if node.machine is None:
        return Price(None, reason=f"{cluster.path.name} gives it no {PRICE_LABEL}")
    named = (cluster.provider, node.machine, cluster.region)
    spot = listed_price(*named, spot=True) if node.spot else None
    if spot is not None:
        return spot
    listed = listed_price(*named)
    if listed is None:
        return Price(None, reason=f"{node.machine} is not in the price table")
    return replace(listed, source=f"{listed.source}; spot costs less") if node.spot else listed


def usd_per_hour(node: NodeType, cluster: ClusterFile) -> float | None:
    """Return what an hour of a node costs; None if that is unknown."""
    return price_of_node(node, cluster).usd_per_hour


def hourly(price: Price) -> str:
    """Return a known price in words, with its source, its date and its age."""
    return f"{price.usd_per_hour:.3g} USD an hour: {price.source}, {dated(price, utc_today())}"


def prices_by_type(cluster: ClusterFile) -> dict[str, Price]:
    """Return what an hour of each kind of node costs, if that is known."""
    prices = {node.name: price_of_node(node, cluster) for node in cluster.types}
    return {name: price for name, price in prices.items() if price.usd_per_hour is not None}


def costs(
    cluster: ClusterFile,
    jobs: Sequence[JobSpec],
    estimate_s: Callable[[JobSpec], float | None],
    ceilings_s: float = 0.0,
) -> list[TypeCost]:
    """Return about what each kind of node takes; the head is up as long as the longest of them.

    `estimate_s` returns about how many seconds a job takes. `ceilings_s` are the seconds of the
    jobs that only measure ceilings, after all others.
    """
    estimates = [estimate_s(job) for job in jobs]
    known = [seconds for seconds in estimates if seconds is not None]
    jobs_s = sum(known) + ceilings_s if len(known) == len(estimates) else None
    start_s = 0.0 if cluster.on_premises else START_S
    idle_s = 0.0 if cluster.on_premises else 60.0 * (cluster.idle_minutes or 0.0)
    rows = []
    for node in cluster.types:
        price = price_of_node(node, cluster)
        around_s = start_s + (0.0 if node.is_head else idle_s)
        about_s = None if jobs_s is None else around_s + jobs_s
        rows.append(TypeCost(node, len(jobs) if node.measured else 0, about_s, price))
    return rows


def still_up(cluster: ClusterFile) -> list[str]:
    """Return what is still running after a run, what it costs, and how to end it."""
    head = next((node for node in cluster.types if node.is_head), None)
    price = price_of_node(head, cluster) if head else Price(None)
    hour = "its price is unknown" if price.usd_per_hour is None else hourly(price)
    if cluster.on_premises:
        what = "Ray still runs on its hosts"
    else:
        what = f"its head still runs ({hour})"
        if cluster.idle_minutes is not None:
            what += f", and idle workers end by themselves after {cluster.idle_minutes:g} min"
    return [
        f"cluster {cluster.name}: {what}",
        f"to end it: the same command with --down, or: ray down {cluster.path}",
    ]
