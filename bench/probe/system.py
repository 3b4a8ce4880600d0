"""Sources that several subjects read: answers of the system, sysctl and short commands."""

from __future__ import annotations

import functools
import platform
import re
import subprocess
from collections.abc import Mapping, Sequence

from bench.probe.fact import NO_ANSWER, Absent
from bench.probe.root import HOST, Root

#: Reason for facts that macOS does not show to users.
MACOS_CLOSED = "macOS shows it only to root (powermetrics)"

#: Seconds that a system command may take.
COMMAND_S = 0.9


def architecture(root: Root = HOST) -> str | None:
    """Return the architecture that the machine runs programs of, as uname writes it."""
    if root.answers is None:
        return platform.machine() or None
    return root.answers.architecture or root.line("/proc/sys/kernel/arch")


def node(root: Root = HOST) -> str | None:
    """Return the host's name."""
    if root.answers is None:
        return platform.node() or None
    return root.answers.node or root.line("/proc/sys/kernel/hostname")


def output(command: Sequence[str]) -> str:
    """Return what `command` prints.

    Raises OSError or CalledProcessError if it fails, and Absent if it takes too long.
    """
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=COMMAND_S, check=True, errors="replace"
        )
    except subprocess.TimeoutExpired:
        raise Absent(f"{NO_ANSWER} within {COMMAND_S:g} s") from None
    return done.stdout


def hypervisor(root: Root = HOST) -> str:
    """Return what systemd-detect-virt prints (`none` outside a guest); "" if it fails."""
    if root.answers is not None:
        return root.answers.hypervisor or ""
    command = ["systemd-detect-virt", "--vm"]
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=COMMAND_S, errors="replace"
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip()


def cpus_of(text: str) -> frozenset[int]:
    """Return the numbers of a kernel CPU list: `0-3,8` is 0, 1, 2, 3 and 8.

    Parts that are no range of CPUs are left out.
    """
    numbers: set[int] = set()
    for first, last in re.findall(r"(?:^|,)([0-9]{1,5})(?:-([0-9]{1,5}))?(?=,|$)", text.strip()):
        numbers.update(range(int(first), int(last or first) + 1))
    return frozenset(numbers)


def parse_sysctl(text: str) -> dict[str, str]:
    """Return the names and values of a `sysctl -a` text."""
    pairs = (line.partition(":") for line in text.splitlines())
    return {key.strip(): value.strip() for key, _, value in pairs}


def sysctl(root: Root = HOST) -> Mapping[str, str]:
    """Return what macOS says about its hardware, by sysctl name."""
    return _own_sysctl() if root.answers is None else root.answers.sysctl


@functools.cache  # these values describe the hardware, which does not change
def _own_sysctl() -> dict[str, str]:
    return parse_sysctl(output(["/usr/sbin/sysctl", "-a"]))
