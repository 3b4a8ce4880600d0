"""Whether this is a virtual machine, a container or a laptop, and of what kind."""

from __future__ import annotations

import re
from pathlib import PurePosixPath

import psutil

import bench.probe.system as system
from bench.probe.cgroup import MEMBERSHIP, MOUNTS
from bench.probe.fact import Absent, Fact
from bench.probe.root import HOST, Inner, Root

TITLE = "Virtualisation"

DMI = PurePosixPath("/sys/class/dmi/id")
CPUINFO = "/proc/cpuinfo"

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

#: Patterns in the group path of a containerised process.
CONTAINER_GROUPS: tuple[tuple[str, str], ...] = (
    ("kubepods", "Kubernetes"),
    ("docker", "Docker"),
    ("libpod", "Podman"),
    ("lxc", "LXC"),
    ("containerd", "containerd"),
)

#: Folders that Kubernetes creates in every container of a pod, and a variable that it sets.
KUBERNETES_MARKS = ("/var/run/secrets/kubernetes.io", "/run/secrets/kubernetes.io")
KUBERNETES_VARIABLE = "KUBERNETES_SERVICE_HOST"

#: A container about which we know only that its root consists of image layers.
LAYERS = "containerd or similar"

#: How AWS writes instance types: `c7i.large`, `u-6tb1.metal`.
INSTANCE_TYPE = re.compile(r"[a-z][a-z0-9-]*\.[a-z0-9-]+")

#: Files at the root of a container, and its kind.
CONTAINER_MARKS: tuple[tuple[str, str], ...] = (
    ("/run/.containerenv", "Podman"),
    ("/.dockerenv", "Docker"),
    ("/singularity", "Singularity"),
    ("/.singularity.d", "Singularity"),
)


def dmi(name: str, root: Root = HOST) -> str | None:
    """Return a field of the firmware's tables; None if it is missing or only root may read it."""
    return root.line(DMI / name)


def firmware_instance_type(root: Root = HOST) -> str | None:
    """Return the cloud's instance type if the firmware states it (only AWS's firmware does)."""
    product = dmi("product_name", root) or ""
    is_aws = dmi("sys_vendor", root) == "Amazon EC2"
    return product if is_aws and INSTANCE_TYPE.fullmatch(product) else None


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


def container(root: Root = HOST) -> str:
    """Return the container's kind, or `none` outside a container.

    A pod's own namespaces hide its group's path, so Kubernetes is also recognised by its marks.
    """
    groups = _text(root, MEMBERSHIP)
    kinds = ["Kubernetes"] if "kubepods" in groups else []
    if root.variable(KUBERNETES_VARIABLE) or any(map(root.exists, KUBERNETES_MARKS)):
        kinds.append("Kubernetes")
    kinds += [name for mark, name in CONTAINER_GROUPS if mark in groups]
    kinds += [name for mark, name in CONTAINER_MARKS if root.exists(mark)]
    if kinds:
        return kinds[0]
    if "microsoft" in (root.line("/proc/sys/kernel/osrelease") or "").lower():
        return "WSL"
    # systemd-nspawn, LXC and Flatpak set this variable, in lower case
    declared = root.variable("container")
    return declared or (LAYERS if _root_is_layers(root) else "none")


def _known(text: str) -> str | None:
    return next((name for mark, name in HYPERVISORS if mark in text), None)


def _text(root: Root, file: Inner) -> str:
    try:
        return root.text(file)
    except OSError:
        return ""


def _root_is_layers(root: Root) -> bool:
    """Say whether the root is an overlay as container engines mount it.

    Live systems mount their overlay from a source with another name. Source: proc_pid_mountinfo(5).
    """
    for line in _text(root, MOUNTS).splitlines():
        own, _, rest = line.partition(" - ")
        if own.split()[4:5] == ["/"] and rest.split()[:2] == ["overlay", "overlay"]:
            return True
    return False


def _is_guest(root: Root) -> bool | None:
    """Say whether the first CPU has the x86 flag `hypervisor`; None for other CPUs."""
    flags = re.search(r"^flags\s*:(.*)$", _text(root, CPUINFO), re.MULTILINE)
    return None if flags is None else "hypervisor" in flags[1].split()


def has_battery(root: Root = HOST) -> bool:
    """Say whether this machine has a battery, as a laptop does."""
    if not root.is_host:
        supplies = root.below("/sys/class/power_supply")
        return any(re.match("BAT|.*battery", supply.name, re.IGNORECASE) for supply in supplies)
    read = getattr(psutil, "sensors_battery", None)
    if read is None:
        raise Absent("this system states no batteries")
    return read() is not None


FACTS = (
    Fact("virtualisation", hypervisor, "firmware tables, systemd-detect-virt, CPU flag"),
    Fact(
        "container",
        container,
        "cgroup path, marks in the root folder, environment, marks of Kubernetes, overlay as root",
    ),
    Fact(
        "firmware_instance_type",
        firmware_instance_type,
        "firmware tables",
        absent="only AWS's firmware states it",
    ),
    Fact("has_battery", has_battery, "psutil"),
)
