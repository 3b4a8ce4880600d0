"""The child process: a job description in, a record out.

    python -m bench.child.entry launch.json record.json      (`-` is standard input or output)

Exit codes: 0 measured, 1 the job failed (the record says why), 2 the description is wrong or the
record cannot be written, 5 the disk was too full for the record.
"""

from __future__ import annotations

import atexit
import contextlib
import ctypes
import errno
import json
import os
import secrets
import signal
import stat
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, TextIO

from bench.child.job import run_launch
from bench.child.launch import LaunchSpec
from bench.child.reasons import FULL
from bench.errors import BenchError, OutputError, OutsideError, RequestError
from bench.outside.documents import parse_model
from bench.outside.files import MOST_TOLD, read_bytes, read_stream
from bench.record.lines import JobRecord
from bench.watch.marked import JOB_MARK, kill_marked

#: The exit code if the disk is too full for the record, and the seconds that space is waited for.
DISK_FULL, SPACE_S = 5, 20.0

#: `prctl(2)`: the signal that the kernel sends when the thread that started this process ends.
PR_SET_PDEATHSIG = 1

#: What the kernel adds at least to this process's share of memory (in thousandths) when it must
#: kill one.
OOM_SCORE = 800

#: Where Linux keeps it.
OOM_SCORE_FILE = Path("/proc/self/oom_score_adj")


def _end_with_parent() -> None:
    """End this process and its descendants when the parent's end of the input pipe closes.

    This works on Linux and macOS, whatever ended the parent. If this process is stopped, Linux lets
    it go on when its parent has ended, so that it notices.
    """

    def wait() -> None:
        while os.read(0, 1):
            pass
        with contextlib.suppress(Exception):  # this process ends in any case
            if mark := os.environ.get(JOB_MARK):
                kill_marked(mark, seconds=1.0)
        if os.getpgrp() == os.getpid():  # bench.child.process gives it its own group
            os.killpg(0, signal.SIGKILL)
        os._exit(3)

    threading.Thread(target=wait, daemon=True).start()
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGCONT, 0, 0, 0)


def go_first() -> None:
    """If memory runs out, let the kernel kill this process and not the one that watches it.

    A worker of Ray may have 1000, which this process has inherited and keeps.
    """
    with contextlib.suppress(OSError, ValueError):  # Linux alone
        score = max(OOM_SCORE, int(OOM_SCORE_FILE.read_text()))
        OOM_SCORE_FILE.write_text(str(score))


def _find_modules_of_this_folder() -> None:
    """Find a workload's module in the working folder, behind all that is installed."""
    with contextlib.suppress(OSError):  # the folder may have been deleted
        sys.path.append(os.getcwd())


def _read_launch(path: str) -> LaunchSpec:
    try:
        if path == "-":  # a closed standard input is None
            content = read_stream(sys.stdin.buffer, MOST_TOLD) if sys.stdin else b""
        else:
            content = read_bytes(Path(path), MOST_TOLD)
    except OutsideError as error:
        raise RequestError(f"cannot read the job description {path}", seen=error.what) from error
    try:
        return parse_model(LaunchSpec, content, MOST_TOLD)
    except OutsideError as error:
        raise RequestError(
            "the job description is wrong",
            seen=error.what,
            next_step="take a line that the command `run --list --json` printed",
        ) from error


def _write_record(record: JobRecord, path: str, spare: int | None = None) -> None:
    """Write the record. Raises OSError.

    If there is no space, a parent gets it through the pipe `spare`. Without one, space is waited
    for.
    """
    text = record.model_dump_json()
    if path == "-":
        print(text, flush=True)
        return
    deadline = time.monotonic() + SPACE_S
    while True:
        try:
            _write(text, path)
            return
        except OSError:
            if spare is not None:
                with os.fdopen(spare, "wb") as pipe:
                    pipe.write(text.encode())
                return
            if time.monotonic() > deadline:
                raise
            time.sleep(1)


def _tell(event: Mapping[str, Any], events: TextIO) -> None:
    """Write an event; a disk that takes none costs the user a line of progress, and no job."""
    text = json.dumps(event)
    with contextlib.suppress(OSError):
        print(text, file=events)


def _write(text: str, path: str) -> None:
    """Write the file at once or not at all. A device or a pipe takes the text itself."""
    if _is_odd(path):
        Path(path).write_text(text, encoding="utf-8")
        return
    with _new_beside(path) as temporary:
        temporary.write_text(text, encoding="utf-8")
        temporary.replace(os.path.realpath(path))


def _is_odd(path: str) -> bool:
    """Say whether something that is no regular file is there. Raises OSError, ValueError."""
    try:
        return not stat.S_ISREG(os.stat(path).st_mode)
    except FileNotFoundError:
        return False


@contextlib.contextmanager
def _new_beside(path: str) -> Iterator[Path]:
    """Make a new file beside `path`, whose name no file of the user's has; delete it if it stays.

    Raises OSError.
    """
    folder = os.path.dirname(os.path.realpath(path))
    temporary = Path(folder, f".record-{os.getpid()}-{secrets.token_hex(8)}")
    temporary.touch(exist_ok=False)
    try:
        yield temporary
    finally:
        temporary.unlink(missing_ok=True)


def _check_writable(path: str) -> None:
    """Raise OutputError if the record cannot be written: before the job, not after it.

    A full disk is no such error: it may have space again once the record is written.
    """
    try:
        if path == "-":
            return
        if os.path.isdir(path):
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
        if _is_odd(path):
            if not os.access(path, os.W_OK):
                raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
            return
        with _new_beside(path):
            pass
    except (OSError, ValueError) as error:
        if getattr(error, "errno", None) in FULL:
            return
        raise OutputError(
            f"the record cannot be written to {path}",
            seen=getattr(error, "strerror", None) or error,
            next_step="name a file in a writable folder, or - for standard output",
        ) from error


def end_at_once(code: Callable[[], int]) -> Callable[[], None]:
    """End this process once all exit functions have run, without taking down the interpreter.

    Taking down a framework's modules takes about a second, which the next job waits for. Return
    what was registered. If the output cannot be written, the exit code is no longer 0.
    """

    def end() -> None:
        ends_with = code()
        for stream in (sys.stdout, sys.stderr):
            try:
                stream.flush()
            except Exception:  # it is closed, or its disk is full
                ends_with = ends_with or DISK_FULL
        with contextlib.suppress(Exception):
            ctypes.CDLL(None).fflush(None)  # what libraries in C have printed
        os._exit(ends_with)

    atexit.register(end)  # exit functions run in reverse order, so this one runs last
    return end


def main(arguments: list[str]) -> int:
    """Run the job that the command line names; return the exit code."""
    if len(arguments) not in (2, 4):
        print(__doc__, file=sys.stderr)
        return 2
    _find_modules_of_this_folder()
    try:
        launch = _read_launch(arguments[0])
        _check_writable(arguments[1])
    except BenchError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    emit: Callable[[Mapping[str, Any]], None] = lambda event: None  # noqa: E731
    spare = None
    if len(arguments) == 4:  # a parent started us: report progress, end with it
        _end_with_parent()
        go_first()
        events = Path(arguments[2]).open("a", buffering=1)  # noqa: SIM115  stays open until the end
        emit = lambda event: _tell(event, events)  # noqa: E731
        spare = int(arguments[3])
        os.set_inheritable(spare, False)
    record = run_launch(launch, emit)
    try:
        _write_record(record, arguments[1], spare)
    except OSError as error:
        print(f"error: {arguments[1]} cannot be written: {error}", file=sys.stderr)
        return DISK_FULL
    return 0 if record.measurement else 1


if __name__ == "__main__":
    codes = [1]  # as for an exception that nothing caught
    end = end_at_once(lambda: codes[-1])
    try:
        codes.append(main(sys.argv[1:]))
    except KeyboardInterrupt:  # Python then ends by SIGINT itself, which a shell's loop must see
        atexit.unregister(end)
        raise
    sys.exit(codes[-1])
