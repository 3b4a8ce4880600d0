"""A process as a file names it for others, and whether it still runs.

A process id alone does not do: the system gives it to another process later, and in a container it
stands for another process than outside.
"""

from __future__ import annotations

import os
import platform
import sys

import psutil

from bench.spec.frozen import Frozen
from bench.spec.privacy import name_hash
from bench.watch.process_table import PROC, parse_stat

BOOT_ID = PROC / "sys/kernel/random/boot_id"
PID_NAMESPACE = PROC / "self/ns/pid"


class NamedProcess(Frozen):
    """A process: its id, when it began, and where its id is valid.

    `began` counts from the boot on Linux, so that a clock that is set changes nothing. `boot` and
    `container` are empty where the system does not state them.
    """

    pid: int
    began: float
    host: str
    boot: str
    container: str

    @property
    def runs(self) -> bool | None:
        """Whether it still runs; None if it was started on another host or in another container."""
        if self.host != name_hash(platform.node()):
            return None
        if self.boot != _boot():
            return False
        return None if self.container != _container() else began_at(self.pid) == self.began


def this_process() -> NamedProcess:
    """Return the running process."""
    pid = os.getpid()
    return NamedProcess(
        pid=pid,
        began=began_at(pid) or 0.0,
        host=name_hash(platform.node()),
        boot=_boot(),
        container=_container(),
    )


def began_at(pid: int) -> float | None:
    """Return when a process began, None if there is none; one that has ended counts as none."""
    try:
        if sys.platform == "linux":
            stat = (PROC / str(pid) / "stat").read_bytes()
            state = stat.rpartition(b") ")[2][:1]
            return None if state in (b"Z", b"X") else float(parse_stat(stat).started)
        process = psutil.Process(pid)
        return None if process.status() == psutil.STATUS_ZOMBIE else process.create_time()
    except (OSError, ValueError, psutil.Error):
        return None


def _boot() -> str:
    try:
        return BOOT_ID.read_text().strip()
    except OSError:
        return ""


def _container() -> str:
    try:
        return os.readlink(PID_NAMESPACE)
    except OSError:
        return ""
