"""Software facts: operating system, Python, and installed package versions (nothing imported)."""

from __future__ import annotations

import platform
from collections.abc import Iterable
from importlib import metadata


def operating_system() -> str:
    """Return the system's name and version as its vendor writes it."""
    if platform.system() == "Linux":
        return platform.freedesktop_os_release().get("PRETTY_NAME", "Linux")
    return f"macOS {platform.mac_ver()[0]}" if platform.mac_ver()[0] else platform.platform()


def versions(packages: Iterable[str]) -> dict[str, str | None]:
    """Return the installed version of each distribution; None where it is not installed."""
    return {name: _version(name) for name in packages}


def _version(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


FACTS = (
    ("os", operating_system),
    ("kernel", platform.release),
    ("python", platform.python_version),
)
