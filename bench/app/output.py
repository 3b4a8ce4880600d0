"""Standard output and error that may take no more: the program goes on, and knows of it.

A pipe loses its reader, a disk is full, a terminal goes away, a character has no place in the
encoding. None of these is worth a measurement.
"""

from __future__ import annotations

import contextlib
import errno
import io
import os
import select
import sys
import time
from collections.abc import Iterator
from typing import Any, TextIO

#: Errors of an output whose reader has gone: a closed pipe, and a terminal that was lost.
READER_GONE = (errno.EPIPE, errno.EIO)

#: Bytes that a pipe takes at once if it takes any.
CHUNK_BYTES = min(select.PIPE_BUF, 4096)

#: Seconds until a terminal that said that it takes more, but took nothing, is asked again.
LOOK_S = 0.02

#: The size of the buffer of an output.
BUFFER_BYTES = 8192


class _Patient(io.FileIO):
    """A file descriptor whose write never fails.

    `error` is the error of the first write that failed; nothing is written after it. If `wait_s`
    is set, what cannot be written within that time is dropped. After that, no write waits until one
    goes through as a whole: the reader has caught up.
    """

    error: OSError | None = None
    wait_s: float | None = None
    _late = False  # whether the reader has not caught up since a write was dropped

    def write(self, data: Any) -> int:
        """Write all of `data`, or drop the rest; return its length in any case."""
        rest = memoryview(data).cast("B")
        size = len(rest)
        ends_s = None if self.wait_s is None else time.monotonic() + self.wait_s * (not self._late)
        while rest and self.error is None:
            left_s = None if ends_s is None else max(0.0, ends_s - time.monotonic())
            try:
                is_ready = select.select([], [self], [], left_s)[1]
                taken = super().write(rest[:CHUNK_BYTES]) if is_ready else None
            except OSError as error:
                self.error = error
                break
            if taken:
                rest = rest[taken:]
            elif left_s == 0:
                break
            elif is_ready:  # a terminal with room for less than it makes of the next character
                time.sleep(LOOK_S)
        self._late = bool(rest)
        return size


class Outputs:
    """The outputs of this process while `forgiving` holds them."""

    def __init__(self) -> None:
        self._files: list[_Patient] = []

    def wrapped(self, stream: Any, *, errors: str) -> TextIO:
        """Return a stream to the same descriptor that forgives."""
        stream.flush()
        own = _reopened(stream.fileno())
        raw = _Patient(stream.fileno() if own is None else own, "wb", closefd=own is not None)
        self._files.append(raw)
        return io.TextIOWrapper(
            io.BufferedWriter(raw, BUFFER_BYTES),
            encoding=stream.encoding,
            errors=errors,
            line_buffering=getattr(stream, "line_buffering", False),
            write_through=getattr(stream, "write_through", False),
        )

    def wait_at_most(self, seconds: float) -> None:
        """Let no write wait longer for a reader: what it does not take by then is dropped.

        The next ones do not wait at all, until the reader has caught up.
        """
        for file in self._files:
            file.wait_s = seconds

    @property
    def lost(self) -> OSError | None:
        """Why standard output is incomplete; None if it is complete or its reader has gone."""
        with contextlib.suppress(OSError, ValueError):
            sys.stdout.flush()
        found = (file.error for file in self._files[:1])
        return next((one for one in found if one and one.errno not in READER_GONE), None)


#: The outputs of this process.
OUTPUTS = Outputs()


@contextlib.contextmanager
def forgiving() -> Iterator[Outputs]:
    """Let standard output and error forgive meanwhile, if they are the process's own.

    A descriptor that was closed at the start leads nowhere from now on, so that no other file gets
    its number.
    """
    _open_closed()
    if sys.stdout is not sys.__stdout__ or sys.stderr is not sys.__stderr__:
        yield Outputs()  # a test, or a program that has put something in their place
        return
    out, err = sys.stdout, sys.stderr
    OUTPUTS._files.clear()
    sys.stdout = OUTPUTS.wrapped(out, errors="replace")
    sys.stderr = OUTPUTS.wrapped(err, errors="backslashreplace")
    try:
        yield OUTPUTS
    finally:
        for stream in (sys.stdout, sys.stderr):
            with contextlib.suppress(OSError, ValueError):
                stream.flush()
        sys.stdout, sys.stderr = out, err


def _reopened(descriptor: int) -> int | None:
    """Return another descriptor of the same terminal whose writes do not wait, or None.

    A terminal that is stopped (Ctrl-S, a hung connection) takes a part of a write and then waits
    for its reader. Other programs share the descriptor itself, so it must not be changed.
    """
    try:
        name = os.ttyname(descriptor)
        own = os.open(name, os.O_WRONLY | os.O_NONBLOCK | os.O_NOCTTY)
    except OSError:
        return None
    if os.fstat(own).st_rdev == os.fstat(descriptor).st_rdev:
        return own
    os.close(own)  # a name of another terminal, from outside of this container
    return None


def _open_closed() -> None:
    """Open the null device in place of each standard descriptor that is closed."""
    for number, name, mode in ((0, "stdin", "r"), (1, "stdout", "w"), (2, "stderr", "w")):
        try:
            os.fstat(number)
        except OSError:
            null = os.open(os.devnull, os.O_RDONLY if number == 0 else os.O_WRONLY)
            if null != number:  # 0 is opened first, so the lowest free number is ours
                os.dup2(null, number)
                os.close(null)
            os.set_inheritable(number, True)
        if getattr(sys, f"__{name}__") is None:
            stream = open(number, mode, closefd=False)  # noqa: SIM115  open until the end
            setattr(sys, name, stream)
            setattr(sys, f"__{name}__", stream)
