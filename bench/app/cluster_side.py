"""The cluster that measures beside this machine: its share of a run is begun, and waited for."""

from __future__ import annotations

from collections.abc import Callable

from bench import stops
from bench.app.announcer import Announcer
from bench.app.cluster_run import ClusterRun
from bench.app.cluster_share import cluster_request
from bench.app.live.viewer import Viewer
from bench.app.plan import Plan
from bench.cluster.find import Cluster
from bench.dispatch.budget import Budget
from bench.record.lines import RunHeader
from bench.record.run import Run
from bench.spec.request import MeasureLimits

#: Seconds after its limit that a cluster may take to say that it has stopped.
OVERTIME_S = 120.0


class ClusterSide:
    """The share of `cluster` in a run of `plan`; without a cluster, there is none to do."""

    def __init__(self, cluster: Cluster | None, plan: Plan, limits: MeasureLimits) -> None:
        self._cluster, self._plan, self._limits = cluster, plan, limits
        self._run: ClusterRun | None = None

    def begins_again(self, continued: Run | None) -> bool:
        """Return whether a cluster's share has ended, but jobs are due that can now be measured."""
        return self._cluster is not None and continued is not None and continued.is_cluster_due

    def begin(
        self,
        announcer: Announcer,
        header: RunHeader,
        continued: Run | None,
        left_s: float | None,
    ) -> None:
        """Start the share, or follow it again; do nothing if it has done all its jobs.

        `left_s` are the seconds in which jobs must have ended; None if all have the time they need.
        """
        ended = continued and continued.clusters and not continued.open_cluster
        if self._cluster is None or (ended and not self.begins_again(continued)):
            return
        plan = self._plan
        self._run = ClusterRun(
            self._cluster,
            cluster_request(plan, header, self._cluster, self._limits, left_s, continued),
            announcer,
            workload=plan.reference,
            data=plan.data_path,
        )
        self._run.begin(continued)

    def wait(
        self,
        viewer: Viewer,
        read: Callable[[], Run],
        say: Callable[[str], None],
        budget: Budget,
    ) -> None:
        """Wait for the end of the share, once this machine has done its own jobs."""
        followed = self._run
        if followed is None:
            return
        viewer.enter("cluster")
        while not followed.wait(0.5):
            stops.check()
            viewer.between_jobs(read)
            if budget.overtime_s >= OVERTIME_S:
                say(
                    "the cluster has not said that it ended: its share is left open, and the same "
                    "command follows it"
                )
                return
        if followed.error:
            say(f"the cluster's share is open: {followed.error}")
        elif followed.outcome and not followed.outcome.is_done:
            say(f"the cluster's share ended early: {followed.outcome.words}")

    def leave(self) -> None:
        """Stop following; the share goes on."""
        if self._run:
            self._run.leave()
