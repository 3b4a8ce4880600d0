"""Processes that a run or a job has started, known by a mark in their environment or by a session.

A process that has left its parent, its group and its session still has the environment that it was
started with. A process that has given itself another title has overwritten it, and is known by its
session.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Collection, Iterable

import psutil

#: Two variables mark a process. The first holds the mark of its run, and the second holds the mark
#: of its job.
MARK, JOB_MARK = "BENCH_RUN_MARK", "BENCH_JOB_MARK"

#: Seconds until what was killed must have ended, and between two looks.
END_S, LOOK_S = 10.0, 0.1


def marked(mark: str, sessions: Collection[int] = ()) -> list[psutil.Process]:
    """Return the living processes with `mark` or in one of `sessions`, this one excepted."""
    found = []
    for process in psutil.process_iter():
        try:
            if process.pid == os.getpid() or process.status() == psutil.STATUS_ZOMBIE:
                continue
            if os.getsid(process.pid) in sessions or mark in _marks_of(process):
                found.append(process)
        except (psutil.Error, OSError):  # it has ended, or it is another user's
            continue
    return found


def _marks_of(process: psutil.Process) -> tuple[str | None, ...]:
    environment = process.environ()
    return tuple(map(environment.get, (MARK, JOB_MARK)))


def kill_marked(mark: str, sessions: Collection[int] = (), seconds: float = END_S) -> bool:
    """Kill all of them, stopped ones too; return whether none is left after `seconds`."""
    deadline = time.monotonic() + seconds
    while found := marked(mark, sessions):
        for process in found:
            try:
                process.send_signal(signal.SIGKILL)
            except (psutil.Error, OSError):
                continue
        if time.monotonic() > deadline:
            return False
        time.sleep(LOOK_S)
    return True


def children_named(names: Iterable[str]) -> list[psutil.Process]:
    """Return the children of this process that have one of these names."""
    wanted = set(names)
    return [child for child in psutil.Process().children() if child.name() in wanted]


def is_alive(process: psutil.Process) -> bool:
    """Return whether a process is still at work; a zombie is not."""
    try:
        return bool(process.is_running() and process.status() != psutil.STATUS_ZOMBIE)
    except psutil.Error:
        return False
