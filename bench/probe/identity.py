"""Who a machine is: its id, its type's id, and the hash under which its host is known.

Ids are digests of fixed facts alone: never of a measured speed, of free memory or of a clock
reading, nor of anything that a network answers. Where one of those facts did not answer in time
the machine has no type, and an id that says so.
"""

from __future__ import annotations

import hashlib
import math
import platform
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any

import bench.probe.system as system
from bench.probe.fact import Absent, Fact, was_given_up
from bench.probe.virtual import container, dmi
from bench.spec.frozen import canonical_json
from bench.spec.privacy import salted

TITLE = "Identity"

#: Facts that make the type: fixed while the hardware is, alike for instances of one type.
TYPE = ("cpu_model", "cpu_architecture", "sockets", "physical_cores", "logical_cores")

#: All fields by which types are told apart.
TYPE_FIELDS = (*TYPE, "memory_total_bytes", "gpus", "firmware_instance_type")

#: All fields by which machines are told apart.
ID_FIELDS = (*TYPE_FIELDS, "host_hash")

#: Before the digest in the id of a machine of which not all was read: `unknown-3fa9c1...`.
UNREAD = "unknown-"

MACHINE_IDS = (Path("/etc/machine-id"), Path("/var/lib/dbus/machine-id"))

#: Serial numbers that firmware holds where its maker wrote none.
NO_SERIALS = frozenset(
    {
        *("none", "n/a", "default string", "not specified", "not applicable", "unknown"),
        *("system serial number", "base board serial number", "to be filled by o.e.m."),
        *("123456789", "0123456789", "03000200-0400-0500-0006-000700080009"),
    }
)

NOTHING: Mapping[str, str] = MappingProxyType({})


def host_hash() -> str:
    """Return the digest of what tells this host from others of its make.

    The machine-id, on macOS the platform's UUID, else the host name. Inside a container the
    machine-id comes with the image: there the firmware's serial goes before, where it can be read,
    and the host name, drawn anew for each container, counts for nothing. Raises Absent where
    neither is left.
    """
    contained = container() not in {"none", "WSL"}
    known = next(filter(None, map(system.first_line, MACHINE_IDS)), None) or _platform_uuid()
    if known == "uninitialized":
        known = None
    if contained:
        known = _firmware_serial() or known
    if known:
        return salted(known)
    if contained:
        raise Absent("a container without a machine-id: told apart by its hardware alone")
    return salted(platform.node())


def host_name() -> str | None:
    """Return the host's name. `probe` leaves it out unless it was asked for."""
    return platform.node() or None


def machine_type(facts: Mapping[str, Any], unknown: Mapping[str, str] = NOTHING) -> str | None:
    """Return the digest of the fixed facts, alike for instances of one type.

    None where one of them was not read in time, which is no finding. `unknown` holds reasons.
    """
    return None if _given_up(unknown, TYPE_FIELDS) else _type_digest(facts)


def machine_id(facts: Mapping[str, Any], unknown: Mapping[str, str] = NOTHING) -> str:
    """Return the digest of the type and of the hashed host; with UNREAD where one is not read."""
    own = {"type": _type_digest(facts), "host": facts.get("host_hash")}
    missing = _given_up(unknown, ID_FIELDS)
    if not missing:
        return _digest(own)
    return UNREAD + _digest({**own, "not read": list(missing)})


def why_unsure(unknown: Mapping[str, str]) -> dict[str, str]:
    """Return, by the ids' names, which facts they lack that were not read in time."""
    found = {}
    for name, fields in (("machine_type", TYPE_FIELDS), ("machine_id", ID_FIELDS)):
        missing = _given_up(unknown, fields)
        if missing:
            found[name] = f"not told: {', '.join(missing)} gave no answer in time"
    return found


def memory_gib(total_bytes: int | None) -> int | None:
    """Return memory in GiB as it is sold: upwards, to a power of two below an eighth of it.

    What a kernel keeps for itself (1% to 6%) differs by its version and grows with the memory.
    """
    if total_bytes is None:
        return None
    step = 1 << max(0, math.floor(math.log2(max(1, total_bytes / 2**30 / 8))))
    return step * math.ceil(total_bytes / 2**30 / step)


def _given_up(unknown: Mapping[str, str], names: Sequence[str]) -> tuple[str, ...]:
    """Return those of the facts `names` whose sources were given up, by their reasons."""
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


def _firmware_serial() -> str | None:
    """Return the serial of the system or its board, None where root alone may read it."""
    for name in ("product_uuid", "board_serial"):
        text = (dmi(name) or "").strip()
        if text.lower() not in NO_SERIALS and len(set(text) - {"-", " ", "."}) > 1:
            return text
    return None


def _platform_uuid() -> str | None:
    """Return macOS's hardware UUID, None elsewhere."""
    if not system.is_macos():
        return None
    text = system.output(["/usr/sbin/ioreg", "-rd1", "-c", "IOPlatformExpertDevice"])
    found = re.search(r'"IOPlatformUUID" = "([^"]+)"', text)
    return found[1] if found else None


FACTS = (
    Fact(
        "host_hash",
        host_hash,
        "machine-id, macOS's platform UUID, or host name; in a container firmware's serial first; "
        "salted digest",
        limit_s=1.2,  # ioreg alone may take COMMAND_S
    ),
    Fact("host_name", host_name, "uname, where it was asked for"),
)
