"""The Ray session that placed a job: its own processes, its workers and its driver."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping

from bench.watch.process_table import PROC, ProcessLook, descendants

#: A Ray session's name, which is in the command line of each of its processes.
SESSION = re.compile(r"session_[0-9-]+_[0-9-]+_[0-9]+_[0-9]+")


class RaySession:
    """The Ray session that started this process; it is empty if Ray did not."""

    def __init__(self, looks: Mapping[int, ProcessLook], me: int) -> None:
        pid = me
        while pid in looks and not looks[pid].name.startswith("raylet"):
            pid = looks[pid].parent
        self._raylet = pid if pid in looks else None
        self._drivers: set[int] = set()
        self._name: str | None = None
        self._named: dict[tuple[int, float], bool] = {}
        if self._raylet is not None:
            above = looks[pid].parent
            for _ in ("Ray's driver", "the process of the run, which started it"):
                if above in looks and executable(above) == executable(me) is not None:
                    self._drivers.add(above)
                    above = looks[above].parent
            match = SESSION.search(command_line(pid))
            self._name = match[0] if match else None

    def own(self, looks: Mapping[int, ProcessLook]) -> set[int]:
        """Return the raylet, its descendants, the driver, and processes that name the session."""
        if self._raylet is None:
            return set()
        below = descendants(self._raylet, looks) | self._drivers
        return {pid for pid, look in looks.items() if pid in below or self._names_us(look)}

    def _names_us(self, look: ProcessLook) -> bool:
        """Say whether a process names the session; the answer is kept, as it rarely changes."""
        key = (look.pid, look.started)
        if key not in self._named:
            self._named[key] = self._name is not None and self._name in command_line(look.pid)
        return self._named[key]


def executable(pid: int) -> str | None:
    """Return the file that a process runs; None if that cannot be seen."""
    try:
        return os.readlink(PROC / str(pid) / "exe")
    except OSError:
        return None


def command_line(pid: int) -> str:
    """Return the command line of a process; empty if it cannot be seen."""
    try:
        return (PROC / str(pid) / "cmdline").read_bytes().decode(errors="replace")
    except OSError:
        return ""
