"""The lock of a folder of results: one run at a time, and a second one is told who has it.

Two locks work together. The system's own lock (flock) is on the folder itself, so that no deleted
file opens it, and it ends with its process. The file `.lock` names the process. On a file system
without locks, that file alone is the lock, and it counts as long as its process runs.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench.clock import utc_now
from bench.errors import OutputError, OutsideError, RequestError
from bench.outside.documents import parse_model
from bench.paths import replace_file
from bench.record.text_lines import odd_kind
from bench.spec.frozen import Frozen
from bench.watch.named_process import NamedProcess, this_process

#: The file that names the process that writes into the folder.
LOCK = ".lock"

#: What flock says if another process holds the lock, and bytes of `.lock` that are read.
HELD, MOST_BYTES = (errno.EAGAIN, errno.EACCES), 4096


class Holder(Frozen):
    """Who writes into a folder: the process, and when its run began (UTC)."""

    process: NamedProcess
    started_at: str


@contextmanager
def held(out: Path) -> Iterator[None]:
    """Hold the folder: two runs at once would disturb each other and mix their reports.

    Raises RequestError if another run holds it, or if `.lock` is no file.
    """
    path = out / LOCK
    _check(path)
    with _system_lock(out) as is_locked:
        own = Holder(process=this_process(), started_at=utc_now())
        if is_locked:
            with contextlib.suppress(OSError):  # a full disk: the system's lock does without
                replace_file(path, own.model_dump_json())
        else:
            _claim(path, own)
        try:
            yield
        finally:
            with contextlib.suppress(OSError):
                if _read(path) == own:
                    path.unlink()


def _check(path: Path) -> None:
    try:
        kind = "a link" if path.is_symlink() else odd_kind(path)
    except OSError:
        return  # it is not there
    if kind is not None:
        raise RequestError(
            f"{path} is in the way: a run keeps its lock there",
            seen=kind,
            next_step="move it away, or name another folder with --out",
        )


@contextmanager
def _system_lock(out: Path) -> Iterator[bool]:
    """Hold the system's lock on a folder; give False if the file system has none."""
    descriptor = os.open(out, os.O_RDONLY)
    try:
        yield _is_locked(descriptor, out)
    finally:
        os.close(descriptor)


def _is_locked(descriptor: int, out: Path) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        if error.errno in HELD:
            raise _refused(out / LOCK, _read(out / LOCK)) from error
        return False
    return True


def _claim(path: Path, own: Holder) -> None:
    """Make `.lock` the lock, unless a process that still runs has it."""
    while True:
        try:
            with path.open("x", encoding="utf-8") as file:
                file.write(own.model_dump_json())
            return
        except FileExistsError:
            holder = _read(path)
        except OSError as error:
            raise OutputError(
                f"cannot write {path}",
                seen=error.strerror,
                next_step="name a writable folder with --out",
            ) from error
        if holder is None or holder.process.runs is not False:
            raise _refused(path, holder)
        _take_away(path, holder)


def _take_away(path: Path, dead: Holder) -> None:
    """Remove the lock of a process that has ended; leave one that was made meanwhile."""
    aside = path.with_name(f"{LOCK}.{os.getpid()}")
    with contextlib.suppress(OSError):
        path.rename(aside)
        if _read(aside) == dead:
            aside.unlink()
        else:
            aside.rename(path)


def _read(path: Path) -> Holder | None:
    try:
        with path.open("rb") as file:
            return parse_model(Holder, file.read(MOST_BYTES))
    except (OSError, OutsideError):
        return None


def _refused(path: Path, holder: Holder | None) -> RequestError:
    seen = "it does not say who it is"
    step = "wait for it: two runs on one machine spoil each other's figures"
    if holder is not None:
        since = holder.started_at[:19].replace("T", " ")
        seen = f"process {holder.process.pid}, started {since} UTC"
    if holder is None or holder.process.runs is None:
        step = f"wait for it; if it ended on another host, delete {path}"
    return RequestError(f"another run is writing to {path.parent}", seen=seen, next_step=step)
