"""Which cloud this machine is rented from: provider, instance type, region, spot or on demand.

The firmware's tables name the provider without network traffic. If that provider has a metadata
service, we ask it at its link-local address, for at most METADATA_S in total. On a machine outside
the clouds, nothing is ever sent. (We do not use the library resource-tracker: it asks five services
at once on every machine, waits for all of them, and cannot tell spot from on demand.)
"""

from __future__ import annotations

import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from bench.outside.documents import parse_object
from bench.probe.fact import NOT_IN_FILES, Absent, Fact, Readings, in_time, was_given_up
from bench.probe.root import HOST, Root
from bench.probe.virtual import dmi, firmware_instance_type
from bench.record.facts import NEITHER_LIFECYCLE

TITLE = "Cloud"

#: Link-local address of the metadata service, the same for the three providers.
METADATA = "http://169.254.169.254"

#: Seconds for all requests to the metadata service together.
METADATA_S = 1.0

#: The chassis tag of all Azure virtual machines.
AZURE_TAG = "7783-7084-3265-9085-8269-3286-77"

#: The facts that a metadata service gives.
KEYS = ("cloud_instance_type", "cloud_region", "cloud_lifecycle")

#: Words of the services (AWS; Google; Azure) that mean spot or on demand. Azure's low priority is
#: what it called spot before.
LIFECYCLES: Mapping[str, str] = {
    "spot": "spot",
    "on-demand": "on-demand",
    "preemptible true": "spot",
    "preemptible false": "on-demand",
    "priority": "on-demand",
    "priority regular": "on-demand",
    "priority spot": "spot",
    "priority low": "spot",
}

#: Beginning of the reason if the firmware is not a cloud's.
UNKNOWN_CLOUD = "the firmware's maker is no cloud that is known here"

#: Beginning of the reason if a service does not answer.
SILENT = "gave no answer within"

OFF_CLOUD = "the firmware tables are missing or unreadable, so no cloud's service was asked"

#: Vendors and products in the firmware's tables, and the clouds that write them. Only those in
#: SERVICES are asked. Source: cloud-init's ds-identify.
VENDORS: Mapping[str, str] = {
    "Hetzner": "hetzner",
    "DigitalOcean": "digitalocean",
    "Alibaba Cloud": "alibaba",
    "Vultr": "vultr",
    "Linode": "linode",
    "Akamai": "linode",
    "UpCloud": "upcloud",
    "Exoscale": "exoscale",
    "Scaleway": "scaleway",
    "Tencent Cloud": "tencent",
    "CloudSigma": "cloudsigma",
    "NWCS": "nwcs",
    "e24cloud": "e24cloud",
}

#: Tags of the chassis that clouds write.
TAGS: Mapping[str, str] = {
    AZURE_TAG: "azure",
    "OracleCloud.com": "oracle",
    "HUAWEICLOUD": "huawei",
    "OpenTelekomCloud": "open telekom",
}

Ask = Callable[[str, Mapping[str, str], str], str]
Reads = Mapping[str, Callable[[], Any]]


def provider(root: Root = HOST) -> str | None:
    """Return the provider that the firmware's tables name: aws, gcp, azure or another one.

    Raises Absent with what they name if that is no cloud that is known here. Returns None if they
    name nothing.
    """
    vendor, product = dmi("sys_vendor", root) or "", dmi("product_name", root) or ""
    if "Amazon EC2" in vendor or "amazon" in (dmi("bios_version", root) or "").lower():
        return "aws"
    if vendor == "Google" and "Compute Engine" in product:
        return "gcp"
    known = TAGS.get(dmi("chassis_asset_tag", root) or "")
    known = known or VENDORS.get(vendor) or VENDORS.get(product)
    if known:
        return known
    named = " ".join(dict.fromkeys(filter(None, (vendor, product))))
    if named:
        raise Absent(f"{UNKNOWN_CLOUD}: {named}; no service was asked")
    return None


def _aws(ask: Ask) -> Reads:
    """Source: AWS, "Use the Instance Metadata Service (IMDSv2)"."""
    token = ask("/latest/api/token", {"X-aws-ec2-metadata-token-ttl-seconds": "60"}, "PUT")
    head = {"X-aws-ec2-metadata-token": token}
    base = "/latest/meta-data"
    return {
        "cloud_instance_type": lambda: ask(f"{base}/instance-type", head, "GET"),
        "cloud_region": lambda: ask(f"{base}/placement/region", head, "GET"),
        "cloud_lifecycle": lambda: lifecycle_of(ask(f"{base}/instance-life-cycle", head, "GET")),
    }


def _gcp(ask: Ask) -> Reads:
    """Source: Google Cloud, "About VM metadata"; a zone is projects/N/zones/us-central1-a."""

    def last(name: str) -> str:
        path = f"/computeMetadata/v1/instance/{name}"
        return ask(path, {"Metadata-Flavor": "Google"}, "GET").rpartition("/")[2]

    return {
        "cloud_instance_type": lambda: last("machine-type"),
        "cloud_region": lambda: last("zone").rpartition("-")[0],
        "cloud_lifecycle": lambda: lifecycle_of(f"preemptible {last('scheduling/preemptible')}"),
    }


def _azure(ask: Ask) -> Reads:
    """Source: Azure, "Azure Instance Metadata Service"; `priority` is empty, Regular or Spot."""
    path = "/metadata/instance/compute?api-version=2021-02-01"
    compute = parse_object(ask(path, {"Metadata": "true"}, "GET"))
    return {
        "cloud_instance_type": lambda: compute["vmSize"],
        "cloud_region": lambda: compute["location"],
        "cloud_lifecycle": lambda: lifecycle_of(f"priority {compute['priority']}"),
    }


SERVICES: Mapping[str, Callable[[Ask], Reads]] = {"aws": _aws, "gcp": _gcp, "azure": _azure}


def ask_service(name: str, base: str = METADATA, limit_s: float = METADATA_S) -> Readings:
    """Return what the metadata service of the provider `name` says, and reasons for what it omits.

    This takes at most `limit_s`, however slow the service is.
    """
    readings = Readings()
    if name not in SERVICES:
        readings.unknown = dict.fromkeys(KEYS, f"this program knows no metadata service of {name}")
        return readings
    deadline = time.monotonic() + limit_s
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))  # never through a proxy

    def left_s() -> float:
        return max(0.01, deadline - time.monotonic())

    def ask(path: str, headers: Mapping[str, str], method: str) -> str:
        request = urllib.request.Request(base + path, headers=dict(headers), method=method)

        def read() -> str:
            try:
                with opener.open(request, timeout=left_s()) as answer:
                    return str(answer.read(65536), "utf-8", "replace").strip()
            except urllib.error.HTTPError as error:
                raise Absent(f"refused: HTTP {error.code}") from error
            except OSError as error:
                raise Absent(f"{SILENT} {limit_s:g} s: {error}") from error

        text, reason = in_time(read, left_s())  # a socket's timeout starts anew with each byte
        if text is None:
            raise Absent(f"{SILENT} {limit_s:g} s" if was_given_up(reason) else str(reason))
        return str(text)

    reads, reason = _answer_of(lambda: SERVICES[name](ask))
    for key in KEYS:
        value = None
        if reads is not None:
            value, reason = _answer_of(reads[key])
        if value is None:
            readings.unknown[key] = f"the metadata service of {name} {reason}"
        else:
            readings.values[key] = value
    return readings


def _answer_of(read: Callable[[], Any]) -> tuple[Any, str]:
    """Return (the result of `read`, ""), or (None, the reason why it failed)."""
    try:
        return read(), ""
    except Absent as absent:
        return None, str(absent)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        return None, f"gave an answer that is not understood: {type(error).__name__}: {error}"[:200]


def lifecycle_of(word: str) -> str:
    """Return `spot` or `on-demand`. Raises Absent if a service's word means neither of them.

    Capacity blocks and other reserved instances have prices of their own.
    """
    known = LIFECYCLES.get(" ".join(word.lower().split()))
    if known is None:
        raise Absent(f"says {word[:100]!r}, which {NEITHER_LIFECYCLE}")
    return known


@dataclass
class _Answer:
    """The answer of the service, which is asked once per process; each row reads its own field."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    provider: str | None = None
    readings: Readings = field(default_factory=Readings)

    def get(self, key: str, root: Root = HOST) -> Any:
        if not root.is_host:
            return _of_faked(key, root)
        with self.lock:
            name = provider(root)
            if name is None:
                raise Absent(OFF_CLOUD)
            if self.provider != name:
                self.readings = ask_service(name)
                self.provider = name
        if key in self.readings.values:
            return self.readings.values[key]
        raise Absent(self.readings.unknown[key])


_ANSWER = _Answer()


def _of_faked(key: str, root: Root) -> Any:
    """Return what a faked root's answers say of the service, which is never asked for it."""
    known = root.answers.facts.get(key) if root.answers else None
    if known is None:
        raise Absent(OFF_CLOUD if provider(root) is None else NOT_IN_FILES)
    return known


def instance_type(root: Root = HOST) -> str:
    """Return the instance type from the service, or else from AWS's firmware."""
    try:
        return str(_ANSWER.get("cloud_instance_type", root))
    except Absent:
        stated = firmware_instance_type(root)
        if stated is None:
            raise
        return stated


#: Seconds for a row; the first row asks the service.
ROW_S = METADATA_S + 0.2

SERVICE = "the provider's metadata service"

FACTS = (
    Fact("cloud_provider", provider, "firmware tables", absent=OFF_CLOUD),
    Fact(
        "cloud_instance_type",
        instance_type,
        f"{SERVICE}, or else AWS's firmware",
        limit_s=ROW_S,
    ),
    Fact("cloud_region", lambda root: _ANSWER.get("cloud_region", root), SERVICE, limit_s=ROW_S),
    Fact(
        "cloud_lifecycle", lambda root: _ANSWER.get("cloud_lifecycle", root), SERVICE, limit_s=ROW_S
    ),
)
