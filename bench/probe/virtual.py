"""Whether this is a virtual machine, a container or a laptop, and of what kind."""

from __future__ import annotations

import re
from pathlib import PurePosixPath

import psutil

import bench.probe.system as system
from bench.probe.container import container
from bench.probe.cpus import cpuinfo_text
from bench.probe.fact import NOT_IN_FILES, Absent, Fact
from bench.probe.root import HOST, Root
from bench.probe.translation import translator

TITLE = "Virtualisation"

DMI = PurePosixPath("/sys/class/dmi/id")
SUPPLIES = "/sys/class/power_supply"

#: Words in the vendor or product of the firmware's tables, and their hypervisors.
HYPERVISORS: tuple[tuple[str, str], ...] = (
    ("amazon ec2", "Amazon EC2"),
    ("google compute engine", "Google Compute Engine"),
    ("microsoft corporation virtual machine", "Hyper-V"),
    ("vmware", "VMware"),
    ("virtualbox", "VirtualBox"),
    ("parallels", "Parallels"),
    ("xen", "Xen"),
    ("bhyve", "bhyve"),
    ("openstack", "OpenStack"),
    ("alibaba cloud", "Alibaba Cloud"),
    ("digitalocean", "DigitalOcean"),
    ("hetzner", "Hetzner"),
    ("kvm", "KVM"),
    ("qemu", "QEMU"),
)

#: How AWS writes instance types: `c7i.large`, `u-6tb1.metal`.
INSTANCE_TYPE = re.compile(r"[a-z][a-z0-9-]*\.[a-z0-9-]+")


def dmi(name: str, root: Root = HOST) -> str | None:
    """Return a field of the firmware's tables; None if it is missing or only root may read it."""
    return root.line(DMI / name)


def firmware_instance_type(root: Root = HOST) -> str | None:
    """Return the cloud's instance type if the firmware states it (only AWS's firmware does)."""
    product = dmi("product_name", root) or ""
    is_aws = dmi("sys_vendor", root) == "Amazon EC2"
    return product if is_aws and INSTANCE_TYPE.fullmatch(product) else None


def virtualisation(root: Root = HOST) -> str:
    """Return the hypervisor's name, and what translates this process's instructions, or `none`."""
    translated = translator(root)
    if translated is None:
        return hypervisor(root)
    try:
        name = hypervisor(root)
    except Absent:
        name = "none"
    return ", ".join([*([] if name == "none" else [name]), f"translated by {translated}"])


def hypervisor(root: Root = HOST) -> str:
    """Return the hypervisor's name, or `none` on bare metal.

    An x86 CPU says whether it belongs to a guest, whatever the firmware's vendor is. The firmware
    names the hypervisor. If there is no firmware (microVMs), systemd may know it from the CPU.
    """
    if root.is_macos:
        return "macOS guest" if system.sysctl(root).get("kern.hv_vmm_present") == "1" else "none"
    product = dmi("product_name", root) or ""
    guest = _is_guest(root)
    if "metal" in product or guest is False:
        return "none"
    known = _known(" ".join(filter(None, (dmi("sys_vendor", root), product))).lower())
    if known:
        return known
    asked = system.hypervisor(root)
    if not asked and guest is None:
        raise Absent("neither firmware nor systemd says whether this is a virtual machine")
    return _known(asked) or asked or "unknown hypervisor"


def _known(text: str) -> str | None:
    return next((name for mark, name in HYPERVISORS if mark in text), None)


def _is_guest(root: Root) -> bool | None:
    """Say whether the first CPU has the x86 flag `hypervisor`; None for other CPUs."""
    flags = re.search(r"^flags\s*:(.*)$", cpuinfo_text(root), re.MULTILINE)
    return None if flags is None else "hypervisor" in flags[1].split()


def batteries(root: Root = HOST) -> list[PurePosixPath]:
    """Return the folders of the batteries that the machine itself runs on, as Linux lists them."""
    return [
        supply
        for supply in root.below(SUPPLIES)
        if root.line(supply / "type") == "Battery"
        and root.line(supply / "scope") != "Device"  # a mouse's
        and root.line(supply / "present") != "0"  # an empty bay
    ]


def has_battery(root: Root = HOST) -> bool:
    """Say whether this machine has a battery, as a laptop does."""
    if root.is_linux:
        return bool(batteries(root))
    if not root.is_host:
        raise Absent(NOT_IN_FILES)
    read = getattr(psutil, "sensors_battery", None)
    if read is None:
        raise Absent("this system states no batteries")
    return read() is not None


FACTS = (
    Fact(
        "virtualisation",
        virtualisation,
        "firmware tables, systemd-detect-virt, CPU flag; whether instructions are translated",
    ),
    Fact(
        "container",
        container,
        "what managers and systemd say below /run, cgroup path, marks in the root folder, "
        "environment, marks of Kubernetes, mounts",
    ),
    Fact(
        "firmware_instance_type",
        firmware_instance_type,
        "firmware tables",
        absent="only AWS's firmware states it",
    ),
    Fact("has_battery", has_battery, "power supplies in /sys; psutil on macOS"),
)
