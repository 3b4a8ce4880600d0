"""What a cluster file says that a run needs to know: its hosts, their kinds and their prices."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from bench.cluster.shape import ClusterShape
from bench.dispatch.cluster_request import WantedType
from bench.dispatch.labels import (
    KIND_LABEL,
    KINDS,
    MEASURE_LABEL,
    PRICE_LABEL,
    TYPE_LABEL,
    YES_OR_NO,
    dollars,
    kind_by,
    measured_by,
)
from bench.errors import OutsideError, RequestError
from bench.outside.documents import shaped
from bench.outside.yaml_files import read_yaml
from bench.record.facts import MachineKind
from bench.record.journal import unwritable

#: How the names of what is made in a cloud for a cluster begin.
PREFIX = "bench-"

#: The files in which a run looks for a cluster if none is named: the closed one first.
DEFAULT_FILES = (Path("cluster.prepared.yaml"), Path("cluster.yaml"))

#: The provider of hosts that are simply there, reached by SSH.
ON_PREMISES = "local"

#: Where Ray's token lies on every host of our clusters.
TOKEN_FILE = "~/.ray/auth_token"

#: Seconds that a run waits: for hosts that are on already, and for machines to be started.
WAIT_HERE_S, WAIT_CLOUD_S = 180.0, 900.0

#: The key of a node type's machine in each provider's own configuration.
MACHINE_KEYS = ("InstanceType", "machineType")


@dataclass(frozen=True)
class NodeType:
    """A kind of node as the file declares it; `usd_per_hour` is the user's figure, or None.

    `accelerated`: GPUs are added to its machine, at a price of their own. `spot`: the provider may
    take it away, for a lower price.
    """

    name: str
    machine: str | None
    kind: MachineKind
    measured: bool
    is_head: bool
    count: int
    usd_per_hour: float | None
    labels: Mapping[str, str]
    accelerated: bool = False
    spot: bool = False


@dataclass(frozen=True)
class ClusterFile:
    """A cluster file, as far as a run reads it."""

    path: Path
    name: str
    provider: str
    region: str | None
    document: Mapping[str, Any]
    types: tuple[NodeType, ...]
    idle_minutes: float | None

    @property
    def measured(self) -> tuple[NodeType, ...]:
        """The kinds of nodes that are measured."""
        return tuple(one for one in self.types if one.measured)

    @property
    def on_premises(self) -> bool:
        """Whether the hosts are there already and cost nothing by the hour that is known."""
        return self.provider == ON_PREMISES


def read_cluster_file(path: Path) -> ClusterFile:
    """Return what the file declares. Raises RequestError if it is not a cluster file."""
    try:
        document = read_yaml(path)
        shape = shaped(ClusterShape, document)
    except OutsideError as error:
        raise _wrong(path, error.what) from error
    for name, node in (shape.available_node_types or {}).items():
        document["available_node_types"][name]["node_config"] = node.node_config or {}
    kind = shape.provider.type
    types = _hosts(shape, path) if kind == ON_PREMISES else _node_types(shape, path)
    return ClusterFile(
        path=path,
        name=shape.cluster_name,
        provider=kind,
        region=shape.provider.region,
        document=document,
        types=tuple(types),
        idle_minutes=shape.idle_timeout_minutes,
    )


def wanted_types(file: ClusterFile) -> tuple[WantedType, ...]:
    """Return the hosts that a run counts on; a cloud is asked for machines that are not up."""
    counts: dict[str, int] = {}
    for node in file.measured:
        counts[node.name] = counts.get(node.name, 0) + node.count
    wait_s = WAIT_HERE_S if file.on_premises else WAIT_CLOUD_S
    heads = {node.name for node in file.types if node.is_head}
    return tuple(
        WantedType(
            name=name,
            count=count,
            wait_s=wait_s,
            ask=not file.on_premises and name not in heads,
        )
        for name, count in counts.items()
    )


def write_prepared(file: ClusterFile, document: Mapping[str, Any]) -> Path:
    """Write the closed form of a cluster file beside it and return its path."""
    path = file.path.with_name(f"{file.path.stem}.prepared.yaml")
    note = f"# Made from {file.path.name} by `cluster prepare`; the same cluster, closed.\n"
    try:
        path.write_text(note + yaml.safe_dump(dict(document), sort_keys=False), encoding="utf-8")
    except OSError as error:
        raise unwritable(path, error) from error
    return path


def require_types(file: ClusterFile) -> None:
    """Raise RequestError if the file leaves its node types to Ray, which declares its own."""
    if not file.types:
        raise _wrong(file.path, "it declares no available_node_types, so there is none to close")


def _wrong(path: Path, seen: str) -> RequestError:
    step = "give the file that `ray up` takes; cluster.yaml and clusters/ hold examples"
    return RequestError(f"{path} is not a cluster file", seen=seen, next_step=step)


def _node_types(shape: ClusterShape, path: Path) -> list[NodeType]:
    found = []
    for name, declared in (shape.available_node_types or {}).items():
        labels, node = declared.labels or {}, declared.node_config or {}
        is_head = name == shape.head_node_type
        machine = next((node[key] for key in MACHINE_KEYS if key in node), None)
        found.append(
            NodeType(
                name=labels.get(TYPE_LABEL, name),
                machine=None if machine is None else str(machine),
                is_head=is_head,
                count=max(1, declared.min_workers or 0),
                accelerated="guestAccelerators" in node,
                spot=_is_spot(node),
                **_labelled(labels, name, is_head, path),
            )
        )
    return found


def _is_spot(node: Mapping[str, Any]) -> bool:
    """Say whether a node's own configuration asks AWS or Google Cloud for a spot machine."""
    scheduling = node.get("scheduling") or ()
    options = scheduling if isinstance(scheduling, (list, tuple)) else (scheduling,)
    return "InstanceMarketOptions" in node or any(
        isinstance(one, Mapping)
        and (one.get("preemptible") is True or one.get("provisioningModel") == "SPOT")
        for one in options
    )


def _hosts(shape: ClusterShape, path: Path) -> list[NodeType]:
    """Return the head and the workers of an on-premises file; their labels stand in commands."""
    found = []
    sides = (
        ("head", shape.head_start_ray_commands, 1),
        ("worker", shape.worker_start_ray_commands, len(shape.provider.worker_ips or ())),
    )
    for side, commands, count in sides:
        labels = dict(re.findall(r"(bench-[a-z-]+)=([\w.$()-]+)", " ".join(commands or ())))
        found.append(
            NodeType(
                name=labels.get(TYPE_LABEL, ""),
                machine=None,
                is_head=side == "head",
                count=count,
                **_labelled(labels, side, side == "head", path),
            )
        )
    return [one for one in found if one.count]


def _labelled(labels: Mapping[str, str], name: str, is_head: bool, path: Path) -> dict[str, Any]:
    """Return what the labels of a node type say. Raises RequestError for a word with no meaning."""
    kind, measured = kind_by(labels), measured_by(labels, is_head)
    for label, meaning, known in ((KIND_LABEL, kind, KINDS), (MEASURE_LABEL, measured, YES_OR_NO)):
        if meaning is None:
            raise RequestError(
                f"{path}, node type {name}: the label {label} has an unknown value",
                seen=labels[label],
                next_step=f"use one of {', '.join(known)}",
            )
    price = _price(labels.get(PRICE_LABEL), name)
    return {"labels": labels, "kind": kind, "measured": measured, "usd_per_hour": price}


def _price(text: Any, name: str) -> float | None:
    if text is None:
        return None
    try:
        return dollars(text)
    except (TypeError, ValueError):
        raise RequestError(
            f"node type {name}: {PRICE_LABEL} is not a price",
            seen=text,
            next_step='give dollars an hour, as in bench-usd-per-hour: "0.17"',
        ) from None
