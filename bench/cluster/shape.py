"""The shape of a cluster file, as far as this program reads it; Ray checks the rest."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import (
    BaseModel,
    BeforeValidator,
    Field,
    StrictStr,
    model_validator,
)

from bench.dispatch.tunnel import SshHost, SshUser
from bench.text import LINE_LIMIT


def _as_text(value: Any) -> Any:
    """Return a label's value as the text that it is on a node: YAML makes `yes` true.

    What reads the label refuses a text without a meaning, and names the node type.
    """
    if isinstance(value, bool):
        return "yes" if value else "no"
    return None if value is None else str(value)[:LINE_LIMIT]


#: The providers whose machines are in a region.
WITH_REGION = ("aws", "gcp")

#: The value of a label.
Label = Annotated[StrictStr, BeforeValidator(_as_text)]


class NodeShape(BaseModel):
    """A node type of a cloud's file."""

    labels: dict[str, Label] | None = None
    node_config: dict[str, Any] | None = None
    resources: dict[str, Any] | None = None
    min_workers: int | None = Field(default=None, strict=True, ge=0, le=10_000)


class ProviderShape(BaseModel):
    """Where the hosts come from."""

    type: StrictStr
    region: StrictStr | None = None
    project_id: StrictStr | None = None
    head_ip: SshHost | None = None
    worker_ips: list[SshHost] | None = None


class AuthShape(BaseModel):
    """How ssh gets to the hosts."""

    ssh_user: SshUser | None = None
    ssh_private_key: StrictStr | None = None


class ClusterShape(BaseModel):
    """A whole cluster file."""

    cluster_name: StrictStr = Field(min_length=1)
    provider: ProviderShape
    auth: AuthShape | None = None
    head_node_type: StrictStr | None = None
    available_node_types: dict[str, NodeShape] | None = None
    idle_timeout_minutes: float | None = Field(default=None, strict=True, ge=0, le=1e6)
    file_mounts: dict[str, StrictStr] | None = None
    cluster_synced_files: list[StrictStr] | None = None
    head_start_ray_commands: list[StrictStr] | None = None
    worker_start_ray_commands: list[StrictStr] | None = None

    @model_validator(mode="after")
    def _head_is_a_type(self) -> ClusterShape:
        types = self.available_node_types
        if types and self.head_node_type not in types:
            raise ValueError(f"head_node_type {self.head_node_type!r} is not a declared node type")
        return self

    @model_validator(mode="after")
    def _cloud_has_a_region(self) -> ClusterShape:
        if self.provider.type in WITH_REGION and not self.provider.region:
            raise ValueError("provider.region is missing")
        return self

    @model_validator(mode="after")
    def _hosts_are_reachable(self) -> ClusterShape:
        if self.provider.type == "local":
            if self.provider.head_ip is None:
                raise ValueError("provider.head_ip is missing")
            if self.auth is None or self.auth.ssh_user is None:
                raise ValueError("auth.ssh_user is missing")
        return self
