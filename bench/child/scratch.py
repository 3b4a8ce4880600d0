"""Folders for the files of a run: each is held while its process lives, and swept once it is dead.

A folder is held by a lock on a file in it, which the system lets go of when the process ends,
however it ends. A process id would tell nothing to a container that shares the folder.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import itertools
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

#: What the names of our folders begin with: those of a job, and those of an embedded Ray.
JOB, RAY = "bench-job-", "bench-ray-"

#: The file within a folder that is locked, its name until it is, and its name if locks do not work
#: there: then nothing tells whether its process lives.
HELD, UNHELD, LOCKLESS = ".held", ".held.new", ".lockless"

#: Seconds after which a folder without a lock file is taken to be left over.
LEFT_OVER_S = 3600.0


@contextlib.contextmanager
def held_folder(prefix: str, parent: str | Path | None = None) -> Iterator[Path]:
    """Make a new folder that only this user can read, and hold it; delete it at the end.

    A folder that cannot be locked stays if its process is killed: no sweep may touch it.
    """
    folder = Path(tempfile.mkdtemp(prefix=prefix, dir=parent or temporary_folder()))
    with contextlib.ExitStack() as held:
        held.callback(shutil.rmtree, folder, ignore_errors=True)
        descriptor = os.open(folder / UNHELD, os.O_RDWR | os.O_CREAT, 0o600)
        held.callback(os.close, descriptor)
        name = HELD
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            name = LOCKLESS
        os.rename(folder / UNHELD, folder / name)  # a sweep never sees it without its lock
        yield folder


def temporary_folder() -> Path:
    """Return the system's folder for temporary files. Raises OSError if no such folder takes any.

    Python then says that no file was found. That it could write to none is nearer to the cause.
    """
    try:
        return Path(tempfile.gettempdir())
    except FileNotFoundError as error:
        words = "no folder for temporary files takes one: each is full or cannot be written"
        raise OSError(errno.ENOSPC, f"{words} ({error.strerror or error})") from error


def short_parent() -> Path:
    """Return the folder for files whose paths must be short.

    Ray puts Unix sockets below its folder, whose paths may hold 107 bytes (103 on macOS): the
    system's own temporary folder is too deep on macOS.
    """
    return Path("/tmp") if os.access("/tmp", os.W_OK) else temporary_folder()


def sweep() -> None:
    """Delete this user's folders whose process was killed before it could do so.

    What cannot be read or deleted is left.
    """
    parents = set()
    for find in (temporary_folder, short_parent):
        with contextlib.suppress(OSError):
            parents.add(find())
    for parent, prefix in itertools.product(parents, (JOB, RAY)):
        with contextlib.suppress(OSError):
            for folder in parent.glob(f"{prefix}*"):
                with contextlib.suppress(OSError):  # it may vanish while we look
                    if folder.lstat().st_uid == os.getuid() and _is_left(folder):
                        shutil.rmtree(folder, ignore_errors=True)


def _is_left(folder: Path) -> bool:
    """Return whether no living process holds a folder."""
    if (folder / LOCKLESS).exists():
        return False
    try:
        descriptor = os.open(folder / HELD, os.O_RDWR | os.O_NOFOLLOW)
    except FileNotFoundError:  # it is just being made, or was made in another way
        return time.time() - folder.lstat().st_mtime > LEFT_OVER_S
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    finally:
        os.close(descriptor)
    return True
