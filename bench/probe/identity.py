"""Who a machine is: its id, the id of its type, and the hashes of its host and of its boot.

Ids are digests of fixed facts only. They never depend on a measured speed, on free memory, on a
clock reading or on an answer from the network. If one of the facts could not be read in time, the
machine has no type, and its id begins with UNREAD.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

import bench.probe.system as system
from bench.probe.container import container
from bench.probe.fact import Absent, Fact, was_given_up
from bench.probe.root import HOST, Root
from bench.probe.virtual import dmi
from bench.record.facts import UNREAD, UNREAD_GPUS, WRONG_VALUE
from bench.spec.frozen import digest_of
from bench.spec.privacy import salted

TITLE = "Identity"

#: The version of the rules that make the ids; ids of two versions are never alike.
#: 1: model, architecture, sockets, cores, memory, GPUs, AWS's instance type; one serial of a host
#: 2: also the CPU's design, instruction sets and caches; all serials of a host
VERSION = 2

#: Facts that define the type: fixed for the hardware, and the same for instances of one type. Two
#: unlike CPUs may share a general name such as `AMD EPYC`.
TYPE = (
    *("cpu_model", "cpu_architecture", "microarchitecture", "cpu_signature", "instruction_sets"),
    *("caches_bytes", "sockets", "physical_cores", "logical_cores"),
)

#: All fields that distinguish types.
TYPE_FIELDS = (*TYPE, "memory_total_bytes", "gpus", "firmware_instance_type")

#: All fields that distinguish machines.
ID_FIELDS = (*TYPE_FIELDS, "host_hash")

MACHINE_IDS = ("/etc/machine-id", "/var/lib/dbus/machine-id")

#: The kernel's id of the running boot.
BOOT_ID = "/proc/sys/kernel/random/boot_id"

#: Fields of DMI that hold a serial of the machine or of its board; only root may read most.
DMI_SERIALS = ("product_uuid", "product_serial", "board_serial", "chassis_serial")

#: Other files that hold one: a Xen guest's, a board's of a device tree (one place, two names), and
#: the instance of a cloud.
SERIALS = (
    "/sys/hypervisor/uuid",
    "/proc/device-tree/serial-number",
    "/sys/firmware/devicetree/base/serial-number",
    "/var/lib/cloud/data/instance-id",
)

#: Placeholders that firmware and images hold if their makers wrote no serial number.
NO_SERIALS = frozenset(
    {
        *("none", "n/a", "default string", "not specified", "not applicable", "unknown", "empty"),
        *("not available", "invalid", "o.e.m.", "oem", "uninitialized", "i-none", "nocloud"),
        *("system serial number", "base board serial number", "to be filled by o.e.m."),
        *("chassis serial number", "serial number", "iid-datasource-none", "iid-local01"),
        *("123456789", "0123456789", "1234567890", "03000200-0400-0500-0006-000700080009"),
        *("00020003-0004-0005-0006-000700080009", "11111111-2222-3333-4444-555555555555"),
        "12345678-1234-5678-90ab-cddeefaabbcc",
    }
)

#: What a machine of IBM Z says about its owner, its partition and itself.
SYSINFO = "/proc/sysinfo"

#: Files with a line that holds a serial: of a board without firmware tables, of a guest on IBM Z.
SERIAL_LINES: tuple[tuple[str, re.Pattern[str]], ...] = (
    ("/proc/cpuinfo", re.compile(r"^Serial\s*:\s*(\S+)", re.MULTILINE)),
    (SYSINFO, re.compile(r"^(?:VM00|LPAR) UUID:\s*(\S+)", re.MULTILINE)),
)

NOTHING: Mapping[str, str] = MappingProxyType({})


def host_hash(root: Root = HOST) -> str:
    """Return the digest of what distinguishes this host from others of its make.

    This covers the machine-id (on macOS the platform's UUID) and every readable serial, because
    clones of one image share the machine-id; without any, the host name. Inside a container the
    machine-id comes with the image, so it counts only if no serial is readable. The host name is
    ignored there, because each container draws a new one. Raises Absent if no source is left.
    """
    contained = container(root) not in {"none", "WSL"}
    image = next(filter(_is_serial, map(root.line, MACHINE_IDS)), None) or _platform_uuid(root)
    serials = _serials(root)
    known = serials if contained and serials else [*([image] if image else []), *serials]
    if known:
        return salted("\n".join(known))
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

    Returns None if a fact is there but was not read. `unknown` holds the reasons by fact.
    """
    return None if _unread(facts, unknown, TYPE_FIELDS) else _type_digest(facts)


def machine_id(facts: Mapping[str, Any], unknown: Mapping[str, str] = NOTHING) -> str:
    """Return the digest of type and hashed host; it begins with UNREAD if a fact is missing."""
    own = {"type": _type_digest(facts), "host": facts.get("host_hash")}
    missing = _unread(facts, unknown, ID_FIELDS)
    if not missing:
        return _digest(own)
    return UNREAD + _digest({**own, "not read": list(missing)})


def why_unsure(facts: Mapping[str, Any], unknown: Mapping[str, str]) -> dict[str, str]:
    """Return the reasons, by the ids' names, why ids lack facts that were not read."""
    reasons = {}
    for name, fields in (("machine_type", TYPE_FIELDS), ("machine_id", ID_FIELDS)):
        missing = _unread(facts, unknown, fields)
        late = [field for field in missing if was_given_up(unknown.get(field))]
        parts = {"gave no answer in time": late, "could not be read": sorted({*missing} - {*late})}
        if missing:
            texts = (f"{', '.join(fields)} {why}" for why, fields in parts.items() if fields)
            reasons[name] = f"unknown: {'; '.join(texts)}"
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


def _unread(
    facts: Mapping[str, Any], unknown: Mapping[str, str], names: Sequence[str]
) -> tuple[str, ...]:
    """Return the facts among `names` that are there but were not read.

    Their sources were too slow, or nothing names the CPU, or the driver does not describe the GPUs.
    A machine whose GPUs are not read must not have the type of a machine without any.
    """
    return tuple(name for name in names if _is_unread(name, facts, unknown.get(name)))


def _is_unread(name: str, facts: Mapping[str, Any], reason: str | None) -> bool:
    if was_given_up(reason):
        return True
    if name == "cpu_model":  # without a name and without numbers, all unread CPUs would be one
        return facts.get("cpu_model") is None and facts.get("cpu_signature") is None
    if name != "gpus":
        return False
    unnamed = any(gpu.model is None for gpu in facts.get("gpus") or ())
    return unnamed or (reason is not None and reason.startswith((UNREAD_GPUS, WRONG_VALUE)))


def _type_digest(facts: Mapping[str, Any]) -> str:
    fixed: dict[str, Any] = {name: facts.get(name) for name in TYPE}
    fixed["version"] = VERSION
    fixed["memory_gib"] = memory_gib(facts.get("memory_total_bytes"))
    fixed["gpus"] = sorted(gpu.model or "" for gpu in facts.get("gpus") or ())
    if facts.get("firmware_instance_type"):
        fixed["instance_type"] = facts["firmware_instance_type"]
    return _digest(fixed)


def _digest(value: Mapping[str, Any]) -> str:
    return digest_of(value)[:16]


def _serials(root: Root) -> list[str]:
    """Return the serials that can be read, each once."""
    found = [*(dmi(name, root) for name in DMI_SERIALS), *map(root.line, SERIALS)]
    tag = dmi("board_asset_tag", root) or ""
    found.append(tag if tag.startswith("i-") else None)  # an instance of AWS, which all may read
    found += [_in_a_line(root, path, pattern) for path, pattern in SERIAL_LINES]
    return [text for text in dict.fromkeys(found) if text and _is_serial(text)]


def _in_a_line(root: Root, path: str, pattern: re.Pattern[str]) -> str | None:
    try:
        found = pattern.search(root.text(path))
    except OSError:
        return None
    return found[1] if found else None


def _is_serial(text: str | None) -> bool:
    """Say whether a text is a serial and no placeholder."""
    text = (text or "").strip()
    return text.lower() not in NO_SERIALS and len(set(text) - {"-", " ", "."}) > 1


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
        "salted digest of the machine-id (macOS: the platform UUID) and of all readable serials, "
        "else of the host name; in a container, of the serials, else of the machine-id",
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
