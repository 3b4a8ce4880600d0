"""What a cluster is asked to do: one object, from the laptop to the head and on to every node."""

from __future__ import annotations

from pydantic import Field

from bench.record.lines import RunHeader
from bench.record.price import Price
from bench.spec.frozen import Frozen
from bench.spec.job import JobSpec
from bench.spec.privacy import Privacy


class WantedType(Frozen):
    """A type of host that a run counts on: how many, how long to wait, and whether to ask.

    `ask` makes the head ask the cluster's autoscaler for hosts of the type.
    """

    name: str
    count: int = Field(default=1, ge=1)
    wait_s: float = 900.0
    ask: bool = False


class Before(Frozen):
    """What a machine did in earlier shares of the run: settled jobs, and attempts by job id."""

    done: tuple[str, ...] = Field(default=(), description="ids of the jobs that do not run again")
    attempts: dict[str, int] = Field(default_factory=dict)


class ClusterRequest(Frozen):
    """A cluster's share of a run: everything that the run is, except the hosts that it will find.

    The paths of files are relative to the folder that holds the request. `workload` is valid in
    the working directory of the nodes.
    """

    header: RunHeader
    cluster: str = Field(description="the cluster's name")
    workload: str = Field(description="module:attribute, or a Python file that is shipped")
    data_file: str | None = Field(default=None, description="None: the workload reads no data")
    workload_file: str | None = Field(default=None, description="None: the workload is a module")
    time_limit_s: float | None = Field(default=None, description="None: as estimated")
    types: tuple[WantedType, ...] = ()
    left_s: float | None = Field(
        default=None, description="in which jobs must have ended; None: the time that they need"
    )
    ceilings: bool = Field(default=True, description="whether hosts measure their ceilings")
    ceilings_s: float = Field(
        default=0.0, description="of left_s, kept for the jobs that only measure ceilings"
    )
    estimates_s: dict[str, float] = Field(
        default_factory=dict, description="about how long jobs take, by id"
    )
    before: dict[str, Before] = Field(
        default_factory=dict, description="by label, if the share is begun again"
    )
    max_s: float | None = None
    max_usd: float | None = None
    grace_s: float = Field(default=180.0, description="for a lost host to come back")
    privacy: Privacy = Field(default_factory=Privacy)
    wait_quiet_s: float = Field(default=0.0, description="for each host, before its first job")
    prices: dict[str, Price] = Field(
        default_factory=dict, description="by type of host; the label of a host itself goes first"
    )

    @property
    def jobs(self) -> tuple[JobSpec, ...]:
        """All jobs that were asked for, in the order of the run."""
        return self.header.jobs
