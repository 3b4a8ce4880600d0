"""Starts a job's child process, watches it from outside, and ends it at its time limit."""

from __future__ import annotations

import contextlib
import os
import secrets
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Generator, Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from bench import stops
from bench.child.launch import LaunchSpec, child_environment
from bench.child.left import Files, SparePipe
from bench.child.reasons import failure_of
from bench.child.scratch import JOB, held_folder
from bench.child.workload import Workload, load_workload, probe_for
from bench.clock import utc_now
from bench.errors import OutsideError, RequestError
from bench.outside.documents import parse_object
from bench.record.facts import MachineFacts
from bench.record.failure import (
    CRASH,
    DISK_FULL,
    IMPOSSIBLE,
    INTERRUPTED,
    OUT_OF_MEMORY,
    TIME_LIMIT,
    Failure,
)
from bench.record.lines import JobRecord
from bench.watch.marked import JOB_MARK, kill_marked
from bench.watch.memory_guard import MemoryGuard
from bench.watch.sampler import ChildWatch

#: The most seconds between two checks for a child's events and its end.
PERIOD_S = 0.1

#: Opens a descriptor that tells when a process ends (Linux); None on other systems.
PIDFD_OPEN: Callable[[int], int] | None = getattr(os, "pidfd_open", None)

#: The exit code of a child that found no space for its record (bench.child.entry).
NO_SPACE = 5

#: Seconds that a child has to end by itself after SIGTERM.
GRACE_S = 3.0


def run_child(
    launch: LaunchSpec,
    scratch: str | None = None,
    *,
    beats: bool = False,
    variables: Mapping[str, str] = MappingProxyType({}),
) -> Generator[Mapping[str, Any] | JobRecord, None, None]:
    """Run `launch` in a fresh child process; yield its progress events, then its record.

    The record always comes, and comes last: a crash or an overrun becomes a failure. Closing the
    iterator early ends the child. The child's files are in a new folder inside `scratch` (default:
    the system's temporary folder).
    If `beats`, an empty event comes every PERIOD_S, so that the caller can do other things.
    `variables` are added to the child's environment.
    """
    try:
        yield from _run_in_folder(launch, scratch, beats, variables)
    except OSError as error:  # the temporary folder, or the system, takes no more
        yield failed_record(launch, failure_of(error, launch.privacy), utc_now())


def _run_in_folder(
    launch: LaunchSpec, scratch: str | None, beats: bool, variables: Mapping[str, str]
) -> Generator[Mapping[str, Any] | JobRecord, None, None]:
    with held_folder(JOB, scratch) as folder, SparePipe() as spare:
        launch_file, record = folder / "launch.json", folder / "record.json"
        files = Files(launch_file, record, folder / "events", folder / "log", spare)
        launch = _with_facts(launch)
        files.launch.write_text(launch.model_dump_json(), encoding="utf-8")
        files.events.touch()
        started_at = utc_now()
        workload = _workload(launch)
        description = workload.description if workload else None
        marks = {**variables, JOB_MARK: secrets.token_hex(8)}
        environment = {**child_environment(os.environ, launch, description), **marks}
        visible = environment.get("CUDA_VISIBLE_DEVICES")
        with (
            _started(environment, files) as child,
            ChildWatch(child.pid, launch.threads, visible) as watch,
        ):
            followed = yield from _follow(child, files, watch, launch.time_limit_s, beats)
        yield _outcome(launch, files, child.returncode, followed, started_at, watch)


def _with_facts(launch: LaunchSpec) -> LaunchSpec:
    if launch.machine is not None:
        return launch
    return launch.model_copy(update={"machine": _probed(launch)})


def _probed(launch: LaunchSpec) -> MachineFacts:
    return probe_for(_workload(launch), launch.privacy)


def _workload(launch: LaunchSpec) -> Workload | None:
    """Return the job's workload, or None if it cannot be imported (the child's record says why)."""
    try:
        return load_workload(launch.workload)
    except RequestError:
        return None


@contextlib.contextmanager
def _started(environment: Mapping[str, str], files: Files) -> Iterator[subprocess.Popen[bytes]]:
    """Start the child; on exit, end the child and all its descendants, whatever happens."""
    command = [sys.executable, "-P", "-m", "bench.child.entry"]  # -P: none of this folder
    command += [str(files.launch), str(files.record), str(files.events), str(files.spare.child_s)]
    with files.log.open("wb") as log:
        child = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,  # held open: the child ends when it closes
            stdout=log,
            stderr=subprocess.STDOUT,
            env=environment,
            pass_fds=(files.spare.child_s,),
            start_new_session=True,  # the parent handles a Ctrl-C at the terminal
        )
    try:
        yield child
    finally:
        _end(child, environment[JOB_MARK])


@dataclass(frozen=True)
class _Followed:
    """What was seen of a child: its training clock, and why its record does not count, if so."""

    clock_s: float | None
    failure: Failure | None = None
    out_of_memory: bool = False  # whether the kernel killed a process for lack of memory


def _follow(
    child: subprocess.Popen[bytes],
    files: Files,
    watch: ChildWatch,
    limit_s: float,
    beats: bool,
) -> Generator[Mapping[str, Any], None, _Followed]:
    """Yield the child's events until it ends, or until it must be ended."""
    deadline, guard = time.monotonic() + limit_s, MemoryGuard(child.pid)
    clock_s: float | None = None
    with files.events.open(encoding="utf-8", errors="replace") as file:
        while True:
            ended = child.poll() is not None
            files.spare.take()
            for event in _read_events(file):
                clock_s = event.get("clock_s", clock_s)
                if event.get("event") == "measured":  # what follows is not part of the job
                    watch.stop()
                yield event
            if ended:
                return _Followed(clock_s, out_of_memory=guard.killed())
            if time.monotonic() > deadline:
                message = f"not done after {limit_s:g} s"
                return _Followed(clock_s, Failure(reason=TIME_LIMIT, message=message))
            if why := guard.why_end():
                return _Followed(clock_s, Failure(reason=OUT_OF_MEMORY, message=why))
            if beats:
                yield {}
            if not watch.stopped.is_set():
                watch.standstill.begin_wait()
            _wait(PERIOD_S, child.pid)
            if not watch.stopped.is_set():
                watch.standstill.end_wait()


def _wait(seconds: float, pid: int) -> None:
    """Wait until the child ends, at most `seconds`.

    If the system cannot tell of the end of a process (macOS, old kernels), all of them pass.
    """
    try:
        child_fd = PIDFD_OPEN(pid) if PIDFD_OPEN else None
    except OSError:  # an old kernel, or no file descriptor is left
        child_fd = None
    if child_fd is None:
        time.sleep(seconds)
    else:
        try:
            poller = select.poll()
            poller.register(child_fd, select.POLLIN)
            poller.poll(1000 * seconds)
        finally:
            os.close(child_fd)


#: The failure of a job whose times include a while in which it was stopped.
_STOPPED = Failure(
    reason=IMPOSSIBLE,
    message="the job was stopped for a while (SIGSTOP, a paused container), so its times are wrong",
)


def _read_events(file: Any) -> Iterator[Mapping[str, Any]]:
    while True:
        position = file.tell()
        line = file.readline()
        if not line.endswith("\n"):  # nothing new, or a line still being written
            file.seek(position)
            return
        with contextlib.suppress(OutsideError):  # what a job itself wrote there is no event
            yield parse_object(line)


def _end(child: subprocess.Popen[bytes], mark: str) -> None:
    """End the child and all its descendants, gently first.

    Descendants that left the child's process group are known by the mark of the job.
    """
    if child.poll() is None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(child.pid, signal.SIGTERM)
        deadline = time.monotonic() + GRACE_S
        while child.poll() is None and time.monotonic() < deadline and not stops.hurried():
            time.sleep(PERIOD_S / 2)
    with contextlib.suppress(ProcessLookupError, PermissionError):  # all of it has ended
        os.killpg(child.pid, signal.SIGKILL)
    child.wait()
    kill_marked(mark, seconds=GRACE_S)
    if child.stdin:
        child.stdin.close()


def _outcome(
    launch: LaunchSpec,
    files: Files,
    code: int,
    followed: _Followed,
    started_at: str,
    watch: ChildWatch,
) -> JobRecord:
    found = followed.failure
    record, problem = (None, "") if found else files.read_record()
    if record is not None and record.failure is None and watch.standstill.seen():
        record, found = None, _STOPPED
    if record is not None:
        epochs = record.measurement.epochs if record.measurement else ()
        failure = record.failure and record.failure.model_copy(
            update={"log_tail": files.log_tail(launch.privacy)}
        )
        measured = record.measurement or record.ceilings
        device = measured.device if measured else None
        conditions = watch.conditions(epochs, followed.clock_s, device)
        return record.model_copy(update={"conditions": conditions, "failure": failure})
    failure = found or (
        Failure(reason=CRASH, message=problem)
        if problem
        else _ended_by_itself(code, followed.out_of_memory)
    )
    failure = failure.model_copy(update={"log_tail": files.log_tail(launch.privacy)})
    return failed_record(launch, failure, started_at, watch)


def failed_record(
    launch: LaunchSpec, failure: Failure, started_at: str, watch: ChildWatch | None = None
) -> JobRecord:
    """Return the record of a job that did not write one itself."""
    return launch.record(
        machine=launch.machine or _probed(launch),
        started_at=started_at,
        failure=failure,
        conditions=watch.conditions((), None) if watch else None,
    )


def _ended_by_itself(code: int, out_of_memory: bool) -> Failure:
    """Return the failure of a child that ended with `code` and left no record."""
    if code == NO_SPACE:
        message = "the record could not be written: the temporary folder takes no more"
        return Failure(reason=DISK_FULL, message=message)
    if code >= 0:
        message = f"the child ended with exit code {code} and left no record"
        return Failure(reason=CRASH, message=message)
    known = {number.value: number.name for number in signal.Signals}
    name = known.get(-code, f"signal {-code}")  # real-time signals have no names
    if -code == signal.SIGKILL and out_of_memory:
        message = f"the kernel ended the child ({name}) because memory was used up"
        return Failure(reason=OUT_OF_MEMORY, message=message)
    reason = INTERRUPTED if -code in stops.INTERRUPTS else CRASH
    return Failure(reason=reason, message=f"the child was ended by {name}")
