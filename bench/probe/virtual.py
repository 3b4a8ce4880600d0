"""Whether this is a virtual machine or a container, and of which kind."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

import bench.probe.system as system
from bench.probe.cgroup import MEMBERSHIP
from bench.probe.fact import Absent, Fact

TITLE = "Virtualisation"

DMI = Path("/sys/class/dmi/id")
#: The root below which the marks of containers lie.
ROOT = Path("/")
CPUINFO = Path("/proc/cpuinfo")

#: Words in the vendor or product of the firmware's tables, and the hypervisor behind them.
HYPERVISORS: tuple[tuple[str, str], ...] = (
    ("amazon ec2", "Amazon EC2"),
    ("google", "Google Compute Engine"),
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

#: Files at the root of a container, and its kind.
CONTAINER_MARKS: tuple[tuple[str, str], ...] = (
    ("run/.containerenv", "Podman"),
    (".dockerenv", "Docker"),
    ("singularity", "Singularity"),
    (".singularity.d", "Singularity"),
)


def dmi(name: str) -> str | None:
    """Return a field of the firmware's tables, None where there are none (or only root may)."""
    return system.first_line(DMI / name)


def hypervisor() -> str:
    """Return the hypervisor's name, `none` on bare metal.

    The firmware names it; where there is no firmware (microVMs) systemd may know it from the CPU;
    last, the CPU's own flag says that there is one.
    """
    if system.is_macos():
        return "macOS guest" if system.sysctl().get("kern.hv_vmm_present") == "1" else "none"
    words = " ".join(filter(None, (dmi("sys_vendor"), dmi("product_name")))).lower()
    known = _known(words)
    metal = "metal" in (dmi("product_name") or "")
    if known and not metal:
        return known
    guest = _is_guest()
    if metal or guest is False:
        return "none"
    asked = _systemd("--vm")
    if not asked and guest is None:
        raise Absent("neither firmware nor systemd says whether this is a virtual machine")
    return _known(asked) or asked or "unknown hypervisor"


def container() -> str:
    """Return the container's kind, `none` outside of one."""
    groups = _membership()
    kinds = [name for mark, name in CONTAINER_GROUPS if mark in groups]
    kinds += [name for mark, name in CONTAINER_MARKS if (ROOT / mark).exists()]
    if kinds:
        return kinds[0]
    if "microsoft" in (system.first_line(ROOT / "proc/sys/kernel/osrelease") or "").lower():
        return "WSL"
    # systemd-nspawn, LXC and Flatpak set it, in small letters
    return os.environ.get("container") or "none"  # noqa: SIM112


def _known(words: str) -> str | None:
    return next((name for mark, name in HYPERVISORS if mark in words), None)


def _membership() -> str:
    try:
        return MEMBERSHIP.read_text()
    except OSError:
        return ""


def _is_guest() -> bool | None:
    """Say whether the first CPU carries the x86 flag `hypervisor`; None of other CPUs."""
    text = CPUINFO.read_text(errors="replace")
    flags = re.search(r"^flags\s*:(.*)$", text, re.MULTILINE)
    return None if flags is None else "hypervisor" in flags[1].split()


def _systemd(what: str) -> str:
    """Ask systemd; it prints `none` and exits 1 where there is nothing to detect, we nothing."""
    command = ["systemd-detect-virt", what]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=system.COMMAND_S)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip()


FACTS = (
    Fact("virtualisation", hypervisor, "firmware tables, systemd-detect-virt, CPU flag"),
    Fact("container", container, "own cgroup path, marks at the root, environment"),
)
