"""Which cloud this machine is rented from: provider, instance type, region, spot or on demand.

The firmware's tables name the provider without any traffic. Only where they name one that has a
metadata service is that asked, at its link-local address, within METADATA_S in all; off the clouds
nothing is ever sent. (The library resource-tracker asks five services at once on every machine,
waits for all of them, and cannot tell spot from on demand: so this is written here.)
"""

from __future__ import annotations

import json
import threading
import time
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from bench.probe.fact import Absent, Fact
from bench.probe.virtual import dmi

TITLE = "Cloud"

#: Link-local address of the metadata service; the three providers share it.
METADATA = "http://169.254.169.254"

#: Seconds for all questions to the metadata service together.
METADATA_S = 1.0

#: Azure's mark in the chassis tag of its virtual machines, the same on all of them.
AZURE_TAG = "7783-7084-3265-9085-8269-3286-77"

OFF_CLOUD = "the firmware's tables name no cloud (or cannot be read), so no service was asked"

Facts = dict[str, str | None]
Ask = Callable[[str, Mapping[str, str], str], str]


def provider() -> str | None:
    """Return the provider that the firmware's tables name: aws, gcp, azure or another."""
    vendor, product = dmi("sys_vendor") or "", dmi("product_name") or ""
    if "Amazon EC2" in vendor or "amazon" in (dmi("bios_version") or "").lower():
        return "aws"
    if vendor == "Google" and "Compute Engine" in product:
        return "gcp"
    tag = dmi("chassis_asset_tag") or ""
    if tag == AZURE_TAG:
        return "azure"
    others = {"Hetzner": "hetzner", "DigitalOcean": "digitalocean", "Alibaba Cloud": "alibaba"}
    return others.get(vendor, "oracle" if tag == "OracleCloud.com" else None)


def _aws(ask: Ask) -> Facts:
    """Source: AWS, "Use the Instance Metadata Service (IMDSv2)"."""
    token = ask("/latest/api/token", {"X-aws-ec2-metadata-token-ttl-seconds": "60"}, "PUT")
    head = {"X-aws-ec2-metadata-token": token}
    base = "/latest/meta-data"
    return {
        "cloud_instance_type": ask(f"{base}/instance-type", head, "GET"),
        "cloud_region": ask(f"{base}/placement/region", head, "GET"),
        "cloud_lifecycle": _lifecycle(ask(f"{base}/instance-life-cycle", head, "GET") == "spot"),
    }


def _gcp(ask: Ask) -> Facts:
    """Source: Google Cloud, "About VM metadata"; zones read projects/N/zones/us-central1-a."""
    head = {"Metadata-Flavor": "Google"}
    base = "/computeMetadata/v1/instance"
    preemptible = ask(f"{base}/scheduling/preemptible", head, "GET").upper() == "TRUE"
    return {
        "cloud_instance_type": ask(f"{base}/machine-type", head, "GET").rpartition("/")[2],
        "cloud_region": ask(f"{base}/zone", head, "GET").rpartition("/")[2].rpartition("-")[0],
        "cloud_lifecycle": _lifecycle(preemptible),
    }


def _azure(ask: Ask) -> Facts:
    """Source: Azure, "Azure Instance Metadata Service"; `priority` is empty or Regular or Spot."""
    path = "/metadata/instance/compute?api-version=2021-02-01"
    compute = json.loads(ask(path, {"Metadata": "true"}, "GET"))
    return {
        "cloud_instance_type": compute.get("vmSize"),
        "cloud_region": compute.get("location"),
        "cloud_lifecycle": _lifecycle(compute.get("priority") == "Spot"),
    }


SERVICES: Mapping[str, Callable[[Ask], Facts]] = {"aws": _aws, "gcp": _gcp, "azure": _azure}


def ask_service(name: str, base: str = METADATA, limit_s: float = METADATA_S) -> Facts:
    """Return what the metadata service of the provider `name` says.

    Raises Absent where it says nothing within `limit_s`.
    """
    if name not in SERVICES:
        raise Absent(f"no metadata service of {name} is known here")
    deadline = time.monotonic() + limit_s
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))  # never by a proxy

    def ask(path: str, headers: Mapping[str, str], method: str) -> str:
        left_s = max(0.01, deadline - time.monotonic())
        request = urllib.request.Request(base + path, headers=dict(headers), method=method)
        with opener.open(request, timeout=left_s) as answer:
            return answer.read(65536).decode("utf-8", "replace").strip()

    try:
        return SERVICES[name](ask)
    except (OSError, ValueError) as error:
        raise Absent(
            f"the metadata service of {name} gave no answer within {limit_s:g} s: {error}"
        ) from error


def _lifecycle(is_spot: bool) -> str:
    return "spot" if is_spot else "on-demand"


@dataclass
class _Answer:
    """What the service said, asked at most once a process: each row takes its field."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    provider: str | None = None
    facts: Facts | None = None
    reason: str = ""

    def get(self, key: str) -> Any:
        with self.lock:
            name = provider()
            if name is None:
                raise Absent(OFF_CLOUD)
            if self.provider != name:
                self.provider, self.facts = name, None
                try:
                    self.facts = ask_service(name)
                except Absent as absent:
                    self.reason = str(absent)
        if self.facts is None:
            raise Absent(self.reason)
        return self.facts.get(key)


_ANSWER = _Answer()


def _row(key: str, how: str) -> Fact:
    return Fact(key, lambda: _ANSWER.get(key), how, limit_s=METADATA_S + 0.2)


FACTS = (
    Fact("cloud_provider", provider, "firmware tables", absent=OFF_CLOUD),
    _row("cloud_instance_type", "the provider's metadata service"),
    _row("cloud_region", "the provider's metadata service"),
    _row("cloud_lifecycle", "the provider's metadata service"),
)
