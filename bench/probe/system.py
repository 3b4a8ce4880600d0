"""Sources that several subjects read: small system files, sysctl and short commands."""

from __future__ import annotations

import functools
import platform
import subprocess
from collections.abc import Sequence
from pathlib import Path

from bench.probe.fact import NO_ANSWER, Absent

#: Reason for facts that macOS does not show to users.
MACOS_CLOSED = "macOS shows it only to root (powermetrics)"

#: Seconds that a system command may take.
COMMAND_S = 0.9


def is_macos() -> bool:
    """Say whether this is macOS."""
    return platform.system() == "Darwin"


def first_line(file: Path) -> str | None:
    """Return the text of a one-line file; None if it is empty, missing or unreadable."""
    try:
        return file.read_text(errors="replace").strip().strip("\0") or None
    except OSError:
        return None


def number(file: Path) -> int | None:
    """Return the whole number in a file; None if the file does not hold one."""
    text = first_line(file)
    return int(text) if text is not None and text.lstrip("-").isdigit() else None


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


def cpus_of(text: str) -> frozenset[int]:
    """Return the numbers of a kernel CPU list: `0-3,8` is 0, 1, 2, 3 and 8."""
    numbers: set[int] = set()
    for part in filter(None, text.strip().split(",")):
        first, _, last = part.partition("-")
        numbers.update(range(int(first), int(last or first) + 1))
    return frozenset(numbers)


def parse_sysctl(text: str) -> dict[str, str]:
    """Return the names and values of a `sysctl -a` text."""
    pairs = (line.partition(":") for line in text.splitlines())
    return {key.strip(): value.strip() for key, _, value in pairs}


@functools.cache  # these values describe the hardware, which does not change
def sysctl() -> dict[str, str]:
    """Return what macOS says about its hardware, by sysctl name."""
    return parse_sysctl(output(["/usr/sbin/sysctl", "-a"]))
