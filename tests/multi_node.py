"""A real Ray of several nodes with the driver of a cluster's head; a test runs it as a script.

Ray reads its environment once a process, so this script has a process of its own. It is given a
folder with `request.json`. It prints one JSON object: what the driver said and why it stopped; the
journal lies in the folder.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from pathlib import Path

import psutil

TUNING = {
    "RAY_worker_niceness": "0",
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0",
    "RAY_health_check_period_ms": "1000",
    "RAY_health_check_failure_threshold": "3",
}

NODES = {
    "plain": {"bench-host": "plain", "bench-type": "cpu"},
    "flaky": {"bench-host": "flaky", "bench-type": "cpu", "bench-usd-per-hour": "0.5"},
    "killed": {"bench-host": "killed", "bench-type": "cpu"},
    "spot": {"bench-host": "spot", "bench-type": "cpu"},
    "declared": {"bench-host": "declared", "bench-type": "gpu", "bench-kind": "gpu"},
}


def main(folder: Path) -> None:
    os.environ.update(TUNING)
    from ray.cluster_utils import Cluster

    from bench.dispatch.cluster_request import ClusterRequest
    from bench.dispatch.head import HeadDriver
    from bench.dispatch.head_lines import MARK
    from bench.dispatch.ray_cluster import RayCluster
    from bench.spec.privacy import name_hash

    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 1})
    options = {"num_cpus": 2, "object_store_memory": 100 * 2**20}
    nodes = {
        name: cluster.add_node(labels=labels, num_gpus=int(name == "declared"), **options)
        for name, labels in NODES.items()
    }
    names = {name_hash(name): name for name in NODES}
    said: list[dict] = []
    gone: list[str] = []

    def tell(line: str) -> None:
        said.append({"at": time.monotonic(), **json.loads(line.removeprefix(MARK))})
        event = said[-1].get("event", {})
        pid = event.get("detail", {}).get("pid")
        name = names.get(event.get("host", "").removeprefix("cpu "))
        if pid and name in harm:
            harm.pop(name)(nodes[name], pid)
        if gone and not harm:  # the driver waits while a node starts, so the others go first
            cluster.add_node(labels=NODES[gone.pop()], **options)

    def replace(node, pid: int) -> None:
        """End the raylet in mid-job; the host comes back later, under another id of Ray's."""
        cluster.remove_node(node, allow_graceful=False)
        gone.append("flaky")

    def kill_worker(node, pid: int) -> None:
        """End the Ray worker that holds the job, as the kernel does where memory is short."""
        os.kill(psutil.Process(pid).ppid(), signal.SIGKILL)

    def take_away(node, pid: int) -> None:
        """End the host in mid-job, as a spot instance ends: it never comes back."""
        cluster.remove_node(node, allow_graceful=False)

    harm = {"flaky": replace, "killed": kill_worker, "spot": take_away}

    request = ClusterRequest.model_validate_json((folder / "request.json").read_text())
    transport = RayCluster(request, folder, cluster.address)
    stopped = HeadDriver(request, tell).run(transport, folder)
    print(json.dumps({"said": said, "stopped": stopped.reason or None}))
    cluster.shutdown()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
