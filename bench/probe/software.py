"""Software facts: system, kernel, libc, mitigations, Python, packages (without importing any)."""

from __future__ import annotations

import os
import platform
from collections.abc import Sequence
from importlib import metadata
from pathlib import Path

import bench.probe.system as system
from bench.probe.fact import Absent, Fact
from bench.spec.variables import RECORDED_VARIABLES

TITLE = "Software"

VULNERABILITIES = Path("/sys/devices/system/cpu/vulnerabilities")


def operating_system() -> str:
    """Return the system's name and version as its vendor writes it."""
    if platform.system() == "Linux":
        return platform.freedesktop_os_release().get("PRETTY_NAME", "Linux")
    return f"macOS {platform.mac_ver()[0]}" if platform.mac_ver()[0] else platform.platform()


def libc() -> str | None:
    """Return the C library and its version."""
    if system.is_macos():
        raise Absent("the C library of macOS has no version number")
    try:
        return os.confstr("CS_GNU_LIBC_VERSION")
    except (ValueError, OSError):
        return " ".join(platform.libc_ver()).strip() or None


def mitigations() -> dict[str, str] | None:
    """Return the mitigation of each vulnerability that affects this CPU."""
    if not VULNERABILITIES.is_dir():
        return None
    stated = {file.name: system.first_line(file) for file in sorted(VULNERABILITIES.iterdir())}
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
    Fact("kernel", platform.release, "uname"),
    Fact("libc", libc, "confstr"),
    Fact(
        "mitigations",
        mitigations,
        "vulnerabilities in /sys",
        absent="this kernel lists no vulnerabilities (as on macOS)",
    ),
    Fact("python", platform.python_version, "this interpreter"),
    Fact(
        "environment",
        environment,
        "this process's environment, without thread counts, which each job sets",
    ),
)
