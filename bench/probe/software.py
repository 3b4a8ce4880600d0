"""Software facts: system, kernel, libc, mitigations, Python, packages (without importing any)."""

from __future__ import annotations

import os
import platform
import re
from collections.abc import Sequence
from importlib import metadata

from bench.probe.fact import NOT_IN_FILES, Absent, Fact
from bench.probe.root import Root
from bench.spec.variables import RECORDED_VARIABLES

TITLE = "Software"

VULNERABILITIES = "/sys/devices/system/cpu/vulnerabilities"

#: Where a Linux system states its name and version, the first one first.
RELEASES = ("/etc/os-release", "/usr/lib/os-release")


def operating_system(root: Root) -> str:
    """Return the system's name and version as its vendor writes it."""
    if root.is_linux:
        text = next((root.text(path) for path in RELEASES if root.exists(path)), "")
        named = re.search(r"""^PRETTY_NAME=(["']?)(.*)\1\s*$""", text, re.MULTILINE)
        return re.sub(r"\\(.)", r"\1", named[2]) if named else "Linux"
    if not root.is_host:
        raise Absent(NOT_IN_FILES)
    return f"macOS {platform.mac_ver()[0]}" if platform.mac_ver()[0] else platform.platform()


def kernel(root: Root) -> str | None:
    """Return the kernel's release."""
    return platform.release() if root.is_host else root.line("/proc/sys/kernel/osrelease")


def libc(root: Root) -> str | None:
    """Return the C library and its version."""
    if root.is_macos:
        raise Absent("the C library of macOS has no version number")
    try:
        return os.confstr("CS_GNU_LIBC_VERSION")
    except (ValueError, OSError):
        return " ".join(platform.libc_ver()).strip() or None


def mitigations(root: Root) -> dict[str, str] | None:
    """Return the mitigation of each vulnerability that affects this CPU."""
    if not root.is_folder(VULNERABILITIES):
        return None
    stated = {file.name: root.line(file) for file in root.below(VULNERABILITIES)}
    return {name: text for name, text in stated.items() if text and text != "Not affected"}


def environment(names: Sequence[str] = RECORDED_VARIABLES) -> dict[str, str]:
    """Return the variables among `names` that are set; the default names change speed in general.

    Thread counts are left out: each job sets its own, and its record holds them.
    """
    return {name: os.environ[name] for name in names if name in os.environ}


def version(name: str) -> str | None:
    """Return the installed version of a distribution; None if it is not installed."""
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


FACTS = (
    Fact("os", operating_system, "os-release; version of macOS"),
    Fact("kernel", kernel, "uname"),
    Fact("libc", libc, "confstr", is_asked=True),
    Fact(
        "mitigations",
        mitigations,
        "vulnerabilities in /sys",
        absent="this kernel lists no vulnerabilities (as on macOS)",
    ),
    Fact(
        "python",
        lambda root: platform.python_version(),
        "this interpreter",
        is_asked=True,
    ),
    Fact(
        "environment",
        lambda root: environment(),
        "this process's environment, without thread counts, which each job sets",
        is_asked=True,
    ),
)
