"""Who a machine is: its id, its type's id, and the hash under which its host is known.

Ids are digests of fixed facts alone: never of a measured speed, of free memory or of a clock
reading, nor of anything that a network answers.
"""

from __future__ import annotations

import hashlib
import math
import os
import platform
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import bench.probe.system as system
from bench.probe.fact import Absent, Fact
from bench.probe.virtual import container
from bench.spec import canonical_json

TITLE = "Identity"

#: Facts that make the type: fixed while the hardware is, alike for instances of one type.
TYPE = ("cpu_model", "cpu_architecture", "sockets", "physical_cores", "logical_cores")

#: All fields by which types are told apart.
TYPE_FIELDS = (*TYPE, "memory_total_bytes", "gpus")

#: Set (to anything) to show host names: `--show-hostnames` does, and children inherit it.
SHOW_VARIABLE = "MNIST_BENCH_SHOW_HOSTNAMES"

MACHINE_IDS = (Path("/etc/machine-id"), Path("/var/lib/dbus/machine-id"))

_SALT = b"mnist-bench machine "


def salted(text: str) -> str:
    """Return the salted digest under which a serial number, name or id may leave the machine."""
    return hashlib.sha256(_SALT + text.encode()).hexdigest()[:16]


def host_hash() -> str:
    """Return the digest of what tells this host from others of its make.

    The machine-id, on macOS the platform's UUID, else the host name. A container's host name is
    drawn anew for each container, so one without a machine-id is told by its hardware alone.
    Raises Absent there.
    """
    known = next(filter(None, map(system.first_line, MACHINE_IDS)), None) or _platform_uuid()
    if known and known != "uninitialized":
        return salted(known)
    if container() not in {"none", "WSL"}:
        raise Absent("a container without a machine-id: told apart by its hardware alone")
    return salted(platform.node())


def host_name() -> str | None:
    """Return the host's name where it was asked for. Raises Absent where it was not."""
    if not os.environ.get(SHOW_VARIABLE):
        raise Absent("host names are shown with --show-hostnames alone")
    return platform.node() or None


def machine_type(facts: Mapping[str, Any]) -> str:
    """Return the digest of the fixed facts: alike for instances of one type."""
    fixed = {name: facts.get(name) for name in TYPE}
    fixed["memory_gib"] = rounded_gib(facts.get("memory_total_bytes"))
    fixed["gpus"] = sorted(gpu.model or "" for gpu in facts.get("gpus") or ())
    return hashlib.sha256(canonical_json(fixed).encode()).hexdigest()[:16]


def machine_id(facts: Mapping[str, Any]) -> str:
    """Return the digest of the type and of the hashed host."""
    own = {"type": machine_type(facts), "host": facts.get("host_hash")}
    return hashlib.sha256(canonical_json(own).encode()).hexdigest()[:16]


def rounded_gib(total_bytes: int | None) -> int | None:
    """Return memory in whole GiB, upwards: a kernel's own share differs a little by version."""
    return None if total_bytes is None else math.ceil(total_bytes / 2**30)


def _platform_uuid() -> str | None:
    """Return macOS's hardware UUID, None elsewhere."""
    if not system.is_macos():
        return None
    text = system.output(["/usr/sbin/ioreg", "-rd1", "-c", "IOPlatformExpertDevice"])
    found = re.search(r'"IOPlatformUUID" = "([^"]+)"', text)
    return found[1] if found else None


FACTS = (
    Fact("host_hash", host_hash, "machine-id, macOS's platform UUID, or host name; salted digest"),
    Fact("host_name", host_name, "uname, where it was asked for"),
)
