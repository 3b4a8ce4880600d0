"""Closing a Google Cloud cluster tighter than Ray does: its own network, one address for SSH.

Ray puts every machine on the project's default network, whose rules let SSH in from everywhere.
Source of the calls: the reference of Google's Compute Engine API, version 1.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from bench.cluster.config import PREFIX, ClusterFile, require_types, write_prepared
from bench.cluster.gcp_account import head_account
from bench.cluster.issue import Issue
from bench.errors import DispatchError
from bench.text import first_line

#: The addresses of the cluster's own network; its hosts reach each other on all ports.
INSIDE = "10.90.0.0/20"

#: The service that holds who may do what in a project.
MANAGER = "cloudresourcemanager"

#: The quota of a whole project, beside the region's of each kind.
ALL_GPUS = "GPUS_ALL_REGIONS"

#: Where Google Cloud is asked for a larger quota.
ASK_FOR_MORE = "ask for more in the console: IAM & Admin, Quotas"

#: The whole internet, as a firewall rule writes it.
WORLD = ("0.0.0.0/0", "::/0")

#: What the cluster file of the project calls a project that nobody has.
PLACEHOLDER = "your-project"

#: A public address for each machine, which Ray gives by default: set-up downloads packages.
OUTSIDE = {"name": "External NAT", "type": "ONE_TO_ONE_NAT"}

#: Ray's own libraries for this provider, by the module that is imported.
NEEDED = ("googleapiclient", "google.auth", "cryptography")


def prepare(file: ClusterFile, source: str, say: Callable[[str], None]) -> Path:
    """Make the network and its rules, and write the closed file; return its path."""
    require_types(file)
    name = f"{PREFIX}{file.name}"
    place = _Place(file)
    network = place.network(name)
    subnet = place.subnet(name, network)
    ssh = {"allowed": [{"IPProtocol": "tcp", "ports": ["22"]}], "sourceRanges": [source]}
    inside = {"allowed": [{"IPProtocol": "all"}], "sourceRanges": [INSIDE]}
    place.rule(f"{name}-ssh", network, ssh)
    place.rule(f"{name}-inside", network, inside)
    say(f"network {name}: SSH only from {source}, everything within the cluster")
    account = head_account(client("iam"), client(MANAGER), _asked, _project(file), file.name)
    say(f"service account {account['email']}: the head may only start, label and end machines")
    document = copy.deepcopy(dict(file.document))
    for declared in document["available_node_types"].values():
        interface = {"subnetwork": subnet, "accessConfigs": [dict(OUTSIDE)]}
        declared["node_config"]["networkInterfaces"] = [interface]
    head = document["available_node_types"][document["head_node_type"]]
    head["node_config"]["serviceAccounts"] = [account]
    return write_prepared(file, document)


def issues(file: ClusterFile) -> Iterator[Issue]:
    """Yield what is missing or looser than it need be. Raises DispatchError if Google fails."""
    require_types(file)
    if missing := [name for name in NEEDED if not _is_there(name)]:
        what = f"{', '.join(missing)} is not installed"
        yield Issue(what, cure="install it: make setup EXTRAS=gcp", stops=True)
        return
    if _project(file) == PLACEHOLDER:
        what = f"provider.project_id is still {PLACEHOLDER}"
        yield Issue(what, cure="put in your own: gcloud config get project", stops=True)
        return
    place = _Place(file)
    rules = place.rules()
    for name, declared in file.document["available_node_types"].items():
        networks = place.networks_of(declared["node_config"])
        for rule in rules:
            if rule["network"].rsplit("/", 1)[-1] in networks and not rule.get("disabled"):
                for what in _open_to_world(rule):
                    yield Issue(f"{name}: {what}", prepared=True)
    head = file.document["available_node_types"][file.document["head_node_type"]]
    if "serviceAccounts" not in head["node_config"]:
        what = "the head will have full rights on Compute Engine and Storage (Ray's own account)"
        yield Issue(what, prepared=True)
    for name, declared in file.document["available_node_types"].items():
        for what in place.short_of(declared):
            yield Issue(f"{name}: {what}", cure=ASK_FOR_MORE, stops=True)


class _Place:
    """The project and region of a file, and the questions that are asked of it."""

    def __init__(self, file: ClusterFile) -> None:
        self._project, self._region = _project(file), file.region
        self._api = client("compute")
        self._quotas: dict[str, float] | None = None

    def network(self, name: str) -> str:
        """Return the link to the network, created or reused."""
        api, project = self._api.networks(), self._project
        found = _asked("look for a network", api.get(project=project, network=name), missing=None)
        if found is None:
            body = {"name": name, "autoCreateSubnetworks": False}
            self._done("make a network", api.insert(project=project, body=body))
            found = _asked("look for a network", api.get(project=project, network=name))
        return str(found["selfLink"])

    def subnet(self, name: str, network: str) -> str:
        """Return the link to the network's part in the region, created or reused."""
        api = self._api.subnetworks()
        scope = {"project": self._project, "region": self._region}
        look = api.get(**scope, subnetwork=name)
        found = _asked("look for a subnetwork", look, missing=None)
        if found is None:
            body = {"name": name, "network": network, "ipCidrRange": INSIDE}
            self._done("make a subnetwork", api.insert(**scope, body=body))
            found = _asked("look for a subnetwork", api.get(**scope, subnetwork=name))
        return str(found["selfLink"])

    def rule(self, name: str, network: str, body: dict[str, Any]) -> None:
        """Lay a firewall rule, or change it to what is wanted now."""
        api, project = self._api.firewalls(), self._project
        body = {"name": name, "network": network, "direction": "INGRESS", **body}
        look = api.get(project=project, firewall=name)
        if _asked("look for a firewall rule", look, missing=None) is None:
            self._done("make a firewall rule", api.insert(project=project, body=body))
        else:
            change = api.update(project=project, firewall=name, body=body)
            self._done("change a firewall rule", change)

    def rules(self) -> list[dict[str, Any]]:
        """Return every firewall rule of the project."""
        found, api = [], self._api.firewalls()
        request = api.list(project=self._project)
        while request is not None:
            page = _asked("list the firewall rules", request)
            found += page.get("items", ())
            request = api.list_next(request, page)
        return found

    def networks_of(self, node: dict[str, Any]) -> set[str]:
        """Return the names of the networks that a node type lies on."""
        names = set()
        for interface in node.get("networkInterfaces") or ({"network": "default"},):
            if "network" in interface:
                names.add(interface["network"].rsplit("/", 1)[-1])
            else:
                subnet = interface["subnetwork"].rsplit("/", 1)[-1]
                scope = {"project": self._project, "region": self._region, "subnetwork": subnet}
                found = _asked("look for a subnetwork", self._api.subnetworks().get(**scope))
                names.add(found["network"].rsplit("/", 1)[-1])
        return names

    def short_of(self, declared: dict[str, Any]) -> Iterator[str]:
        """Yield the quotas of accelerators that a node type goes beyond."""
        for wanted in declared["node_config"].get("guestAccelerators") or ():
            kind = wanted["acceleratorType"].rsplit("/", 1)[-1]
            metric = kind.upper().removeprefix("NVIDIA-TESLA-").removeprefix("NVIDIA-")
            metric = f"NVIDIA_{metric.replace('-', '_')}_GPUS"
            needs = wanted["acceleratorCount"] * max(1, declared.get("max_workers") or 0)
            for quota in (metric, ALL_GPUS):
                free = self._free().get(quota)
                if free is not None and free < needs:
                    yield f"the quota {quota} leaves {free:g} of {needs}"

    def _free(self) -> dict[str, float]:
        if self._quotas is None:
            api, project = self._api, self._project
            region = api.regions().get(project=project, region=self._region)
            quotas = []
            for request in (region, api.projects().get(project=project)):
                quotas += _asked("read the quotas", request).get("quotas", ())
            self._quotas = {one["metric"]: one["limit"] - one.get("usage", 0) for one in quotas}
        return self._quotas

    def _done(self, what: str, request: Any) -> None:
        """Send a request that changes something, and wait until it is done."""
        operation = _asked(what, request)
        scope = {"project": self._project, "operation": operation["name"]}
        while operation.get("status") != "DONE":  # each wait lasts two minutes at most
            if "region" in operation:
                wait = self._api.regionOperations().wait(region=self._region, **scope)
            else:
                wait = self._api.globalOperations().wait(**scope)
            operation = _asked(what, wait)
        if errors := (operation.get("error") or {}).get("errors"):
            raise _refused(what, errors[0].get("message", errors[0]))


def client(service: str) -> Any:
    """Return Google's client of a service, with the credentials that gcloud left here."""
    try:
        import google.auth
        from google.auth.exceptions import GoogleAuthError
        from googleapiclient import discovery
    except ImportError as error:
        raise DispatchError(
            "google-api-python-client is not installed",
            next_step="install it: make setup EXTRAS=gcp",
        ) from error
    try:
        credentials, _ = google.auth.default()
        return discovery.build(service, "v1", credentials=credentials, cache_discovery=False)
    except (GoogleAuthError, OSError, ValueError) as error:
        raise DispatchError(
            "there are no credentials for Google Cloud here",
            seen=first_line(error),
            next_step="type: gcloud auth application-default login",
        ) from error


_RAISE: Any = object()


def _asked(what: str, request: Any, missing: Any = _RAISE) -> Any:
    """Return the answer; `missing` if there is no such thing. Raises DispatchError."""
    from google.auth.exceptions import GoogleAuthError
    from googleapiclient.errors import HttpError
    from httplib2 import HttpLib2Error

    try:
        return request.execute()
    except HttpError as error:
        if error.resp.status == 404 and missing is not _RAISE:
            return missing
        raise _refused(what, error.reason) from error
    except (OSError, GoogleAuthError, HttpLib2Error) as error:
        raise _refused(what, error) from error


def _refused(what: str, seen: Any) -> DispatchError:
    return DispatchError(
        f"Google Cloud refused to {what}",
        seen=str(seen)[:300],
        next_step="check provider.project_id, the credentials and their rights",
    )


def _open_to_world(rule: dict[str, Any]) -> Iterator[str]:
    if rule.get("direction") != "INGRESS":
        return
    for source in rule.get("sourceRanges", ()):
        if source in WORLD:
            opened = [
                " ".join([one["IPProtocol"], *one.get("ports", ())])
                for one in rule.get("allowed", ())
            ]
            if opened and opened != ["icmp"]:
                yield f"the rule {rule['name']} opens {', '.join(opened)} to the whole internet"


def _project(file: ClusterFile) -> str:
    return str(file.document["provider"].get("project_id", PLACEHOLDER))


def _is_there(name: str) -> bool:
    try:
        return find_spec(name) is not None
    except ModuleNotFoundError:  # its parent is not there
        return False
