"""Who a machine is: its id, the id of its type, and the hashes of its host and of its boot.

Ids are digests of fixed facts only. They never depend on a measured speed, on free memory, on a
clock reading or on an answer from the network. If one of the facts could not be read in time, the
machine has no type, and its id begins with UNREAD.
"""

from __future__ import annotations

import hashlib
import math
import re
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

import bench.probe.system as system
from bench.probe.fact import Absent, Fact, was_given_up
from bench.probe.root import HOST, Root
from bench.probe.virtual import container, dmi
from bench.record.facts import UNREAD
from bench.spec.frozen import canonical_json
from bench.spec.privacy import salted

TITLE = "Identity"

#: Facts that define the type: fixed for the hardware, and the same for instances of one type.
TYPE = ("cpu_model", "cpu_architecture", "sockets", "physical_cores", "logical_cores")

#: All fields that distinguish types.
TYPE_FIELDS = (*TYPE, "memory_total_bytes", "gpus", "firmware_instance_type")

#: All fields that distinguish machines.
ID_FIELDS = (*TYPE_FIELDS, "host_hash")

MACHINE_IDS = ("/etc/machine-id", "/var/lib/dbus/machine-id")

#: The kernel's id of the running boot.
BOOT_ID = "/proc/sys/kernel/random/boot_id"

#: Placeholders that firmware holds if its maker wrote no serial number.
NO_SERIALS = frozenset(
    {
        *("none", "n/a", "default string", "not specified", "not applicable", "unknown"),
        *("system serial number", "base board serial number", "to be filled by o.e.m."),
        *("123456789", "0123456789", "03000200-0400-0500-0006-000700080009"),
    }
)

NOTHING: Mapping[str, str] = MappingProxyType({})


def host_hash(root: Root = HOST) -> str:
    """Return the digest of what distinguishes this host from others of its make.

    This is the machine-id, on macOS the platform's UUID, else the host name. Inside a container the
    machine-id comes with the image, so the firmware's serial number is preferred if it is readable.
    The host name is ignored there, because each container draws a new one. Raises Absent if no
    source is left.
    """
    contained = container(root) not in {"none", "WSL"}
    known = next(filter(None, map(root.line, MACHINE_IDS)), None) or _platform_uuid(root)
    if known == "uninitialized":
        known = None
    if contained:
        known = _firmware_serial(root) or known
    if known:
        return salted(known)
    if contained:
        raise Absent("a container without a machine-id: only its hardware distinguishes it")
    name = system.node(root)
    if not name:
        raise Absent("neither a machine-id nor a host name")
    return salted(name)


def host_name(root: Root = HOST) -> str | None:
    """Return the host's name. `probe` leaves it out unless the user asked for it."""
    return system.node(root)


def boot_hash(root: Root = HOST) -> str | None:
    """Return the digest of what distinguishes this boot from all others; None if nothing does.

    In a container it is the boot of the host.
    """
    stated = root.line(BOOT_ID) or _macos_boot(root)
    return salted(stated) if stated else None


def machine_type(facts: Mapping[str, Any], unknown: Mapping[str, str] = NOTHING) -> str | None:
    """Return the digest of the fixed facts, which is the same for instances of one type.

    Returns None if a fact was not read in time. `unknown` holds the reasons by fact.
    """
    return None if _given_up(unknown, TYPE_FIELDS) else _type_digest(facts)


def machine_id(facts: Mapping[str, Any], unknown: Mapping[str, str] = NOTHING) -> str:
    """Return the digest of type and hashed host; it begins with UNREAD if a fact is missing."""
    own = {"type": _type_digest(facts), "host": facts.get("host_hash")}
    missing = _given_up(unknown, ID_FIELDS)
    if not missing:
        return _digest(own)
    return UNREAD + _digest({**own, "not read": list(missing)})


def why_unsure(unknown: Mapping[str, str]) -> dict[str, str]:
    """Return the reasons, by the ids' names, why ids lack facts that were not read in time."""
    reasons = {}
    for name, fields in (("machine_type", TYPE_FIELDS), ("machine_id", ID_FIELDS)):
        missing = _given_up(unknown, fields)
        if missing:
            reasons[name] = f"unknown: {', '.join(missing)} gave no answer in time"
    return reasons


def memory_gib(total_bytes: int | None) -> int | None:
    """Return memory in GiB as it is sold, rounded up to a multiple of a step.

    The step is the largest power of two up to an eighth of the memory (at least 1 GiB). Rounding
    hides what a kernel keeps for itself (1% to 6%), which differs by version and memory size.
    """
    if total_bytes is None:
        return None
    step = 1 << max(0, math.floor(math.log2(max(1, total_bytes / 2**30 / 8))))
    return step * math.ceil(total_bytes / 2**30 / step)


def _given_up(unknown: Mapping[str, str], names: Sequence[str]) -> tuple[str, ...]:
    """Return the facts among `names` whose sources were too slow, according to `unknown`."""
    return tuple(name for name in names if was_given_up(unknown.get(name)))


def _type_digest(facts: Mapping[str, Any]) -> str:
    fixed = {name: facts.get(name) for name in TYPE}
    fixed["memory_gib"] = memory_gib(facts.get("memory_total_bytes"))
    fixed["gpus"] = sorted(gpu.model or "" for gpu in facts.get("gpus") or ())
    if facts.get("firmware_instance_type"):
        fixed["instance_type"] = facts["firmware_instance_type"]
    return _digest(fixed)


def _digest(value: Mapping[str, Any]) -> str:
    return hashlib.sha256(canonical_json(value).encode()).hexdigest()[:16]


def _firmware_serial(root: Root) -> str | None:
    """Return the serial number of the system or its board; None if only root may read it."""
    for name in ("product_uuid", "board_serial"):
        text = (dmi(name, root) or "").strip()
        if text.lower() not in NO_SERIALS and len(set(text) - {"-", " ", "."}) > 1:
            return text
    return None


def _platform_uuid(root: Root) -> str | None:
    """Return macOS's hardware UUID; None on other systems."""
    if not root.is_macos or not root.is_host:
        return None
    text = system.output(["/usr/sbin/ioreg", "-rd1", "-c", "IOPlatformExpertDevice"])
    match = re.search(r'"IOPlatformUUID" = "([^"]+)"', text)
    return match[1] if match else None


def _macos_boot(root: Root) -> str | None:
    """Return macOS's id of the running boot, else the second in which it began; None elsewhere."""
    if not root.is_macos:
        return None
    stated = system.sysctl(root)
    if stated.get("kern.bootsessionuuid"):
        return stated["kern.bootsessionuuid"]
    match = re.search(r"\bsec = (\d+)", stated.get("kern.boottime", ""))
    return match[1] if match else None


FACTS = (
    Fact(
        "host_hash",
        host_hash,
        "salted digest of the machine-id, macOS's platform UUID or the host name; in a container, "
        "the firmware's serial number comes first",
        limit_s=1.2,  # ioreg may take COMMAND_S
    ),
    Fact("host_name", host_name, "uname, if the user asked for it"),
    Fact(
        "boot_hash",
        boot_hash,
        "salted digest of the kernel's boot_id, or of macOS's id or time of its boot",
        absent="this system states no id of its boot",
        limit_s=1.2,  # sysctl may take COMMAND_S
    ),
)
