"""The service account of a prepared Google Cloud cluster's head: no more rights than it needs.

Ray gives the head an account of its own with all of Compute Engine and Storage; a head whose
machine names another account runs as that. Source of the calls and permissions: the references of
IAM, Resource Manager (version 1) and Compute Engine's `instances.insert` and `delete`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from bench.cluster.config import PREFIX

#: Sends a request, as `(what it is, the request, what to return if there is no such thing)`.
Asked = Callable[..., Any]

#: What the head does: look, start and label machines on the cluster's network, and end them.
PERMISSIONS = (
    *(f"compute.instances.{verb}" for verb in ("create", "delete", "get", "list")),
    *(f"compute.instances.set{what}" for what in ("Labels", "Metadata", "Tags")),
    *("compute.instances.start", "compute.instances.stop"),
    *("compute.disks.create", "compute.images.useReadOnly"),
    *("compute.subnetworks.use", "compute.subnetworks.useExternalIp"),
    *("compute.machineTypes.get", "compute.projects.get", "compute.zones.get"),
    *("compute.zoneOperations.get", "compute.zoneOperations.list"),
)

#: What may be asked for with the account's keys; the role decides what of it is allowed.
SCOPES = ("https://www.googleapis.com/auth/cloud-platform",)


def head_account(iam: Any, crm: Any, asked: Asked, project: str, cluster: str) -> dict[str, Any]:
    """Return the head's entry `serviceAccounts`: the account is created or reused.

    `iam` and `crm` are Google's clients of IAM and of Resource Manager.
    """
    account = f"{PREFIX}{cluster}"[:30].rstrip("-")
    email = f"{account}@{project}.iam.gserviceaccount.com"
    role = _role(iam, asked, project, account.replace("-", "_"))
    accounts = iam.projects().serviceAccounts()
    look = accounts.get(name=f"projects/{project}/serviceAccounts/{email}")
    if asked("look for a service account", look, missing=None) is None:
        body = {"accountId": account, "serviceAccount": {"displayName": f"head of {cluster}"}}
        make = accounts.create(name=f"projects/{project}", body=body)
        asked("make a service account", make)
    _bind(crm, asked, project, role, f"serviceAccount:{email}")
    return {"email": email, "scopes": list(SCOPES)}


def _role(iam: Any, asked: Asked, project: str, name: str) -> str:
    roles, full = iam.projects().roles(), f"projects/{project}/roles/{name}"
    body = {"title": "benchmark head", "includedPermissions": list(PERMISSIONS), "stage": "GA"}
    if asked("look for a role", roles.get(name=full), missing=None) is None:
        make = roles.create(parent=f"projects/{project}", body={"roleId": name, "role": body})
        asked("make a role", make)
    else:
        asked("change a role", roles.patch(name=full, body=body))
    return full


def _bind(crm: Any, asked: Asked, project: str, role: str, member: str) -> None:
    """Give the role to the member, and leave every other binding as it is."""
    read = crm.projects().getIamPolicy(resource=project, body={})
    policy = asked("read the project's policy", read)
    bindings = policy.setdefault("bindings", [])
    if any(one["role"] == role and member in one["members"] for one in bindings):
        return
    bindings.append({"role": role, "members": [member]})
    change = crm.projects().setIamPolicy(resource=project, body={"policy": policy})
    asked("change the project's policy", change)
