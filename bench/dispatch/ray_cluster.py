"""Carries jobs to the nodes of a Ray cluster: one task at a time takes a whole node.

It runs in a driver on the cluster's head. A node is known by its label `bench-host`, because Ray's
own ids change when the node starts again.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Self

from bench import stops
from bench.child.launch import ON_CLUSTER, LaunchSpec
from bench.dispatch.cluster_request import ClusterRequest, WantedType
from bench.dispatch.labels import (
    HOST_LABEL,
    PRICE_LABEL,
    TYPE_LABEL,
    dollars,
    kind_by,
    measured_by,
)
from bench.dispatch.node import prepare, prepared_as_json, run_alone_as_json, sha256_of
from bench.dispatch.ray_tasks import RayTasks
from bench.dispatch.transport import Host, Message
from bench.errors import DispatchError
from bench.record.facts import MachineKind
from bench.record.price import Price
from bench.text import first_line

#: The resource that Ray gives to the head alone.
HEAD_RESOURCE = "node:__internal_head__"

#: Launches of a type that must fail until the type counts as unavailable.
REFUSALS = 3

#: Where Ray's autoscaler, which runs on the head as this driver does, writes what it is told.
MONITOR_LOG = Path("/tmp/ray/session_latest/logs/monitor.log")


class RayCluster:
    """The transport to a real Ray cluster.

    `folder` holds the files of the request. `code` is the folder whose packages the nodes run;
    None if the nodes have them already.
    """

    name = ON_CLUSTER

    def __init__(
        self,
        request: ClusterRequest,
        folder: Path,
        address: str = "auto",
        code: Path | None = None,
    ) -> None:
        self._request, self._folder = request, folder
        self._address, self._code = address, code
        self._request_json = request.model_dump_json()
        self._tasks = RayTasks()
        self._asked: dict[str, Any] = {}
        self._sizes: dict[str, Mapping[str, float]] = {}
        self._data: Any = None
        self._data_sha256 = ""

    def __enter__(self) -> Self:
        """Connect, and put the data into the object store. Raises DispatchError."""
        import numpy as np
        import ray

        runtime = {"working_dir": str(self._code)} if self._code else None
        try:
            ray.init(address=self._address, log_to_driver=False, runtime_env=runtime)
            stops.handle_again()  # Ray's own handler of SIGTERM would not leave in good order
        except Exception as error:  # Ray raises of many kinds while it connects
            raise DispatchError(
                "there is no Ray cluster to connect to",
                seen=f"{self._address}: {first_line(error)}",
                next_step="check that the cluster is up: ray status",
            ) from error
        if self._request.data_file:
            content = (self._folder / self._request.data_file).read_bytes()
            self._data_sha256 = sha256_of(content)
            self._data = ray.put(np.frombuffer(content, dtype=np.uint8))  # workers read it in place
        return self

    def __exit__(self, *exception: object) -> None:
        import ray

        self._tasks.cancel_all()
        for name in list(self._asked):
            self.withdraw(WantedType(name=name))
        ray.shutdown()

    def hosts(self) -> Sequence[Host]:
        """Return the nodes that Ray calls alive."""
        import ray

        alive = [node for node in ray.nodes() if node["Alive"]]
        self._sizes = {node["NodeID"]: node["Resources"] for node in alive}
        return [host_of(node, self._request.prices) for node in alive]

    def ask_for(self, wanted: WantedType) -> None:
        """Leave a task waiting for each node of the type, which makes the autoscaler act."""
        import ray

        task = ray.remote(num_cpus=1, max_retries=0)(_nothing)
        task = task.options(label_selector={TYPE_LABEL: wanted.name})
        self._asked[wanted.name] = [task.remote() for _ in range(wanted.count)]

    def withdraw(self, wanted: WantedType) -> None:
        """Cancel the waiting tasks, so that nothing is started after the run."""
        import ray

        for reference in self._asked.pop(wanted.name, ()):
            with contextlib.suppress(ray.exceptions.RayError):
                ray.cancel(reference, force=True)

    def why_not(self, wanted: WantedType) -> str | None:
        """Return why the provider starts no host of the type, after REFUSALS refusals."""
        import ray

        try:
            from ray.autoscaler.v2.sdk import get_cluster_status

            status = get_cluster_status(ray.get_runtime_context().gcs_address)
        except Exception:  # no autoscaler, or the older one: nothing is known, and time decides
            return None
        failed = [one for one in status.failed_launches if one.ray_node_type_name == wanted.name]
        if len(failed) < REFUSALS:
            return None
        # Ray 2.60 leaves `details` empty: only its log holds the words
        words = failed[-1].details or _refusal_in(MONITOR_LOG, wanted.name)
        return words or f"it was refused {len(failed)} times (the head's {MONITOR_LOG} says why)"

    def prepare(self, host: Host) -> int:
        """Send the data and the request to a node, and ask what the node is."""
        task = self._task(_prepare, host)
        arguments = (self._data, host.name, self._request_json, host.kind, self._data_sha256)
        return self._tasks.follow(task.remote(*arguments))

    def start(self, host: Host, launch: LaunchSpec) -> int:
        """Start a job on a node; its task takes every CPU and GPU of the node."""
        task = self._task(run_alone_as_json, host)
        return self._tasks.follow(task.remote(launch.model_dump_json(), host.name), launch)

    def cancel(self, ticket: int) -> None:
        """End the worker of a task; the child of its job ends with it."""
        self._tasks.cancel(ticket)

    def poll(self, timeout_s: float) -> Sequence[Message]:
        """Return what the tasks have yielded."""
        return self._tasks.poll(timeout_s)

    def _task(self, function: Any, host: Host) -> Any:
        import ray
        from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

        size = self._sizes.get(host.incarnation, {})
        return ray.remote(
            num_cpus=size.get("CPU", 0),
            num_gpus=size.get("GPU", 0),
            max_retries=0,
            num_returns="streaming",
            scheduling_strategy=NodeAffinitySchedulingStrategy(host.incarnation, soft=False),
        )(function)


def host_of(node: Mapping[str, Any], prices: Mapping[str, Price]) -> Host:
    """Return a node, as Ray describes it, as a host; `prices` are by the type of node."""
    labels: Mapping[str, str] = node.get("Labels") or {}
    is_head = HEAD_RESOURCE in node["Resources"]
    kind = labels.get(TYPE_LABEL, "")
    own = labels.get(PRICE_LABEL)
    measured = measured_by(labels, is_head)
    return Host(
        name=labels.get(HOST_LABEL) or node["NodeManagerHostname"],
        incarnation=node["NodeID"],
        type=kind,
        kind=kind_by(labels) or "cloud",
        measured=not is_head if measured is None else measured,
        price=_stated(own) if own else prices.get(kind),
    )


def _stated(label: str) -> Price:
    try:
        return Price(dollars(label))
    except ValueError:
        return Price(None, reason=f"its label {PRICE_LABEL} is not a price: {label}")


def _refusal_in(log: Path, name: str) -> str | None:
    """Return the provider's last words on a launch of the type `name`; None if there are none."""
    try:
        text = log.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    found = re.findall(rf"Failed to launch \d+ nodes of type {re.escape(name)}: (.+)", text)
    return found[-1].strip()[:300] if found else None


def _prepare(
    data: Any, host: str, request_json: str, kind: MachineKind, data_sha256: str
) -> Iterator[str]:
    yield prepared_as_json(prepare(data, host, request_json, kind, data_sha256))


def _nothing() -> None:
    """A task that only waits for its node."""
