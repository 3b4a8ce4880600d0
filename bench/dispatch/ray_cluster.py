"""Carries jobs to the nodes of a Ray cluster: one task takes a whole node, and comes back as text.

Runs on the cluster's head, as a driver. Ray never retries a task here: the scheduler does, so
that no job runs twice without being counted. Nodes are known by their label `bench-host`, as
Ray's own ids change when it starts again.
"""

from __future__ import annotations

import contextlib
import hashlib
import itertools
import json
import re
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bench.child.launch import ON_CLUSTER, LaunchSpec
from bench.child.process import failed_record
from bench.clock import utc_now
from bench.dispatch.node import prepare_as_json, prepared_of, run_alone_as_json
from bench.dispatch.transport import Host, HostType, Message
from bench.errors import DispatchError
from bench.record.facts import MachineKind
from bench.record.failure import Failure
from bench.record.lines import JobRecord
from bench.record.price import Price
from bench.spec.job import JobSpec

#: Labels of a node that this program reads. All but the first are the same for a whole type.
HOST_LABEL = "bench-host"
TYPE_LABEL = "bench-type"
KIND_LABEL = "bench-kind"
MEASURE_LABEL = "bench-measure"
PRICE_LABEL = "bench-usd-per-hour"

#: What `bench-kind` may say, and the kind of machine that it stands for.
KINDS: Mapping[str, MachineKind] = {"cpu": "cloud", "gpu": "gpu"}

#: The resource that Ray gives to the head alone.
HEAD_RESOURCE = "node:__internal_head__"

#: Launches of one type that must fail until it counts as one that cannot be had.
REFUSALS = 3

#: Where Ray's autoscaler, which runs on the head as this driver does, writes what it is told.
MONITOR_LOG = Path("/tmp/ray/session_latest/logs/monitor.log")

#: Seconds that a result, which is ready, may take from its node to this driver.
FETCH_S = 60


@dataclass(frozen=True)
class Shipment:
    """What every node is prepared with, what to ask there, and what an hour of each type costs."""

    data: Path
    packages: Sequence[str]
    jobs: Sequence[JobSpec]
    divide: str
    show_hostnames: bool = False
    prices: Mapping[str, Price] = field(default_factory=dict)
    threads: int | None = None
    wait_quiet_s: float = 0.0


@dataclass
class _Flight:
    """A task on its way."""

    stream: Any
    launch: LaunchSpec | None
    started_at: str


class RayCluster:
    """The transport of the scheduler on a real Ray cluster; a context manager."""

    name = ON_CLUSTER

    def __init__(self, shipment: Shipment, address: str = "auto", code: Path | None = None) -> None:
        self._shipment, self._address, self._code = shipment, address, code
        self._tickets = itertools.count(1)
        self._flights: dict[int, _Flight] = {}
        self._asked: dict[str, Any] = {}
        self._sizes: dict[str, Mapping[str, float]] = {}
        self._data: Any = None
        self._request: dict[str, Any] = {}

    def __enter__(self) -> RayCluster:
        """Connect, and put the data into the object store. Raises DispatchError."""
        import numpy as np
        import ray

        content = self._shipment.data.read_bytes()
        self._request = {
            "file": self._shipment.data.name,
            "sha256": hashlib.sha256(content).hexdigest(),
            "packages": list(self._shipment.packages),
            "jobs": [job.model_dump(mode="json") for job in self._shipment.jobs],
            "divide": self._shipment.divide,
            "show_hostnames": self._shipment.show_hostnames,
            "threads": self._shipment.threads,
            "wait_quiet_s": self._shipment.wait_quiet_s,
        }
        runtime = {"working_dir": str(self._code)} if self._code else None
        try:
            ray.init(address=self._address, log_to_driver=False, runtime_env=runtime)
        except Exception as error:  # Ray raises of many kinds while it connects
            raise DispatchError(
                "there is no Ray cluster to connect to",
                seen=f"{self._address}: {_first_line(error)[:300]}",
                next_step="check that the cluster is up: ray status",
            ) from error
        self._data = ray.put(np.frombuffer(content, dtype=np.uint8))  # workers read it in place
        return self

    def __exit__(self, *exception: object) -> None:
        import ray

        for ticket in list(self._flights):
            self.cancel(ticket)
        for name in list(self._asked):
            self.withdraw(HostType(name))
        ray.shutdown()

    def hosts(self) -> Sequence[Host]:
        """Return the nodes that Ray calls alive."""
        import ray

        alive = [node for node in ray.nodes() if node["Alive"]]
        self._sizes = {node["NodeID"]: node["Resources"] for node in alive}
        return [_host(node, self._shipment.prices) for node in alive]

    def ask_for(self, wanted: HostType) -> None:
        """Leave a task waiting for each node of the type: it is what makes an autoscaler act."""
        import ray

        task = ray.remote(num_cpus=1, max_retries=0)(_nothing)
        task = task.options(label_selector={TYPE_LABEL: wanted.name})
        self._asked[wanted.name] = [task.remote() for _ in range(wanted.count)]

    def withdraw(self, wanted: HostType) -> None:
        """Cancel the waiting tasks, so that nothing is started after the run."""
        import ray

        for reference in self._asked.pop(wanted.name, ()):
            with contextlib.suppress(ray.exceptions.RayError):
                ray.cancel(reference, force=True)

    def why_not(self, wanted: HostType) -> str | None:
        """Return why the provider starts no host of the type, once it has refused some times."""
        import ray

        try:
            from ray.autoscaler.v2.sdk import get_cluster_status

            status = get_cluster_status(ray.get_runtime_context().gcs_address)
        except Exception:  # no autoscaler, or the older one: nothing is known, and time decides
            return None
        failed = [one for one in status.failed_launches if one.ray_node_type_name == wanted.name]
        if len(failed) < REFUSALS:
            return None
        # Ray 2.60 leaves `details` empty: the words stand in its log alone
        words = failed[-1].details or _refusal_in(MONITOR_LOG, wanted.name)
        return words or f"it was refused {len(failed)} times (the head's {MONITOR_LOG} says why)"

    def prepare(self, host: Host) -> int:
        """Send the data to a node and ask what it is."""
        request = json.dumps({**self._request, "kind": host.kind})
        task = self._task(_prepare, host)
        return self._fly(task.remote(self._data, host.name, request), None)

    def start(self, host: Host, launch: LaunchSpec) -> int:
        """Start a job on a node, of which the task takes every CPU and GPU."""
        task = self._task(run_alone_as_json, host)
        return self._fly(task.remote(launch.model_dump_json(), host.name), launch)

    def cancel(self, ticket: int) -> None:
        """End a task's worker; its child ends with it."""
        import ray

        flight = self._flights.pop(ticket, None)
        if flight is not None:
            with contextlib.suppress(ray.exceptions.RayError):  # it may be gone already
                ray.cancel(flight.stream, force=True)

    def poll(self, timeout_s: float) -> Sequence[Message]:
        """Return what the tasks have yielded."""
        import ray

        if not self._flights:
            time.sleep(timeout_s)
            return []
        streams = {flight.stream: ticket for ticket, flight in self._flights.items()}
        ready, _ = ray.wait(list(streams), num_returns=1, timeout=timeout_s)
        if ready:  # and whatever else is there by now
            ready, _ = ray.wait(list(streams), num_returns=len(streams), timeout=0)
        return [self._news(streams[stream]) for stream in ready]

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

    def _fly(self, stream: Any, launch: LaunchSpec | None) -> int:
        ticket = next(self._tickets)
        self._flights[ticket] = _Flight(stream, launch, utc_now())
        return ticket

    def _news(self, ticket: int) -> Message:
        """Return the next thing that a ready task has to say."""
        import ray

        flight = self._flights[ticket]
        try:
            item = json.loads(ray.get(next(flight.stream), timeout=FETCH_S))
        except ray.exceptions.TaskUnschedulableError as error:
            message = Message(ticket, "away", reason=_words(error), host_died=True)
        except (ray.exceptions.NodeDiedError, ray.exceptions.LocalRayletDiedError) as error:
            message = Message(ticket, "lost", reason=_words(error), host_died=True)
        except ray.exceptions.RayTaskError as error:  # raised there: the next try would be alike
            message = self._refused(ticket, flight, error)
        except (ray.exceptions.RayError, StopIteration) as error:
            message = Message(ticket, "lost", reason=_words(error))
        else:
            message = _message(ticket, item)
        if message.kind != "progress":
            del self._flights[ticket]
        return message

    def _refused(self, ticket: int, flight: _Flight, error: Exception) -> Message:
        cause = getattr(error, "cause", None) or error
        if flight.launch is None:
            return Message(ticket, "failed", reason=f"could not be prepared: {_words(cause)}")
        name = type(cause).__name__
        failure = Failure(reason="dispatch", message=_words(cause), exception=name)
        record = failed_record(flight.launch, failure, flight.started_at)
        return Message(ticket, "record", record=record)


def _host(node: Mapping[str, Any], prices: Mapping[str, Price]) -> Host:
    labels: Mapping[str, str] = node.get("Labels") or {}
    is_head = HEAD_RESOURCE in node["Resources"]
    kind = labels.get(TYPE_LABEL, "")
    own = labels.get(PRICE_LABEL)
    return Host(
        name=labels.get(HOST_LABEL) or node["NodeManagerHostname"],
        incarnation=node["NodeID"],
        type=kind,
        kind=KINDS.get(labels.get(KIND_LABEL, ""), "cloud"),
        measured=labels.get(MEASURE_LABEL, "no" if is_head else "yes") == "yes",
        price=Price(float(own)) if own else prices.get(kind),
    )


def _message(ticket: int, item: Mapping[str, Any]) -> Message:
    if "record" in item:
        return Message(ticket, "record", record=JobRecord.model_validate(item["record"]))
    if "facts" in item:
        return Message(ticket, "prepared", prepared=prepared_of(item))
    return Message(ticket, "progress", detail=dict(item))


def _refusal_in(log: Path, name: str) -> str | None:
    """Return the provider's last words on a launch of the type `name`; None: there are none."""
    try:
        text = log.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    found = re.findall(rf"Failed to launch \d+ nodes of type {re.escape(name)}: (.+)", text)
    return found[-1].strip()[:300] if found else None


def _prepare(data: Any, host: str, request_json: str) -> Iterator[str]:
    yield prepare_as_json(data, host, request_json)


def _nothing() -> None:
    """A task that only waits for its node."""


def _words(error: BaseException) -> str:
    return f"{type(error).__name__}: {_first_line(error)}"[:400]


def _first_line(error: BaseException) -> str:
    return next(iter(str(error).splitlines()), "")
