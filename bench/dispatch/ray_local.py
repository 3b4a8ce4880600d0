"""Runs jobs through an embedded Ray on this machine, which is closed to the network.

Ray only places a job: the task starts the same child that a bare command starts. This module
switches off what Ray does to its workers (priority 15, OMP_NUM_THREADS, an empty
CUDA_VISIBLE_DEVICES); the child's environment is made anew in any case.
"""

from __future__ import annotations

import contextlib
import functools
import logging
import os
import secrets
import shutil
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Self

from bench.child.launch import LaunchSpec
from bench.dispatch.local import LocalSetup, OneHost
from bench.dispatch.node import prepared_as_json, run_as_json
from bench.dispatch.ray_tasks import RayTasks
from bench.dispatch.transport import Host, Message
from bench.errors import DispatchError
from bench.spec.request import Dispatch
from bench.text import first_line

#: What every Ray process of ours is started with; read by `ray.init` and inherited by workers.
RAY_ENVIRONMENT: Mapping[str, str] = {
    "RAY_worker_niceness": "0",
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_IGNORE_UNHANDLED_ERRORS": "1",  # the scheduler tells of a worker that died
    "RAY_AUTH_MODE": "token",
    # makes Ray take 127.0.0.1 as this node's address, as it does on macOS; its servers then listen
    # on loopback alone. `_node_ip_address="127.0.0.1"` does not: Ray resolves it to a reachable one
    "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0",
}

#: What `ray.init` heeds or sets in this process; put back afterwards with our own.
RAY_LEAVES = ("RAY_ADDRESS", "RAY_CLIENT_MODE", "PYTHONBREAKPOINT")

OBJECT_STORE_BYTES = 100 * 2**20

#: A private folder is named by this and the pid of the driver that made it.
FOLDER_PREFIX = "bench-ray-"

#: Seconds in which a Ray that works has prepared this machine.
PREPARE_S = 120


class RayLocal(OneHost):
    """An embedded Ray on this machine: loopback only, token required, no dashboard."""

    name: Dispatch = "ray"

    def __init__(self, setup: LocalSetup) -> None:
        self._setup = setup
        self._tasks = RayTasks()
        self._preparing: tuple[int, float] | None = None  # ticket, and when it began
        self._works = False  # whether this Ray has prepared the machine once
        self._folder: Path | None = None
        self._saved: dict[str, str | None] = {}

    def __enter__(self) -> Self:
        self._folder = _private_folder()
        self._set_environment(self._folder)
        try:
            import ray  # after the environment: Ray reads it once, at its import

            ray.init(
                address="local",
                num_cpus=1,  # one job at a time; the job's own threads are set in its child
                num_gpus=0,
                include_dashboard=False,
                object_store_memory=OBJECT_STORE_BYTES,
                _temp_dir=str(self._folder / "ray"),
                log_to_driver=False,
                logging_level=logging.ERROR,
                configure_logging=False,
            )
        except BaseException as error:  # Ray raises of many kinds while it starts
            self.__exit__()
            if not isinstance(error, Exception):  # Ctrl-C
                raise
            raise DispatchError(
                "the embedded Ray did not start",
                seen=first_line(error),
                next_step="try again with --dispatch inline",
            ) from error
        return self

    def __exit__(self, *exception: object) -> None:
        with contextlib.suppress(ImportError):
            import ray

            self._tasks.cancel_all()
            ray.shutdown()
        for name, value in self._saved.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
        if self._folder:
            shutil.rmtree(self._folder, ignore_errors=True)

    def prepare(self, host: Host) -> int:
        """Read the facts of this machine in a Ray worker, as the jobs will find them."""
        ticket = self._tasks.follow(_task(_prepare).remote(self._setup.model_dump_json()))
        self._preparing = ticket, time.monotonic()
        return ticket

    def start(self, host: Host, launch: LaunchSpec) -> int:
        """Start a Ray task that starts the child of the job."""
        task = _task(run_as_json)
        return self._tasks.follow(task.remote(launch.model_dump_json(), str(self._folder)), launch)

    def cancel(self, ticket: int) -> None:
        """End the worker of a task; the child of its job ends with it."""
        if self._preparing and self._preparing[0] == ticket:
            self._preparing = None
        self._tasks.cancel(ticket)

    def poll(self, timeout_s: float) -> Sequence[Message]:
        """Return what the task has yielded.

        Raises DispatchError if this Ray cannot prepare the machine. If it could before, a worker
        that is lost while it prepares is left to the scheduler, which tries again.
        """
        messages = self._tasks.poll(timeout_s)
        if self._preparing is None:
            return messages
        ticket, began_s = self._preparing
        for message in messages:
            if message.ticket == ticket:
                self._preparing = None
                self._works = self._works or message.prepared is not None
                if message.kind == "failed" or not self._works:
                    raise _not_prepared(message.reason)
        if self._preparing and time.monotonic() - began_s > PREPARE_S:
            raise _not_prepared(f"no answer within {PREPARE_S} s")
        return messages

    def _set_environment(self, folder: Path) -> None:
        token = folder / "auth_token"
        token.touch(mode=0o600)
        token.write_text(_process_token())
        wanted = {**RAY_ENVIRONMENT, "RAY_AUTH_TOKEN_PATH": str(token)}
        self._saved = {name: os.environ.get(name) for name in (*wanted, *RAY_LEAVES)}
        os.environ.pop("RAY_ADDRESS", None)
        os.environ.update(wanted)


def _private_folder() -> Path:
    """Return a new folder that only this user can read, with a short name.

    Ray puts Unix sockets below it, whose paths may hold 107 bytes (103 on macOS): the system's
    own temporary folder is too deep on macOS.
    """
    parent = Path("/tmp") if os.access("/tmp", os.W_OK) else Path(tempfile.gettempdir())
    _sweep(parent)
    return Path(tempfile.mkdtemp(prefix=f"{FOLDER_PREFIX}{os.getpid()}-", dir=parent))


def _sweep(parent: Path) -> None:
    """Delete this user's folders whose process was killed before it could do so."""
    for folder in parent.glob(f"{FOLDER_PREFIX}*-*"):
        owner = folder.name.removeprefix(FOLDER_PREFIX).partition("-")[0]
        with contextlib.suppress(OSError):  # it may vanish while we look
            if folder.stat().st_uid == os.getuid() and owner.isdigit() and not _alive(int(owner)):
                shutil.rmtree(folder, ignore_errors=True)


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


@functools.cache
def _process_token() -> str:
    """Return this process's token: Ray reads its token once a process and keeps it."""
    return secrets.token_hex(32)


def _not_prepared(seen: str) -> DispatchError:
    return DispatchError(
        "the embedded Ray did not prepare this machine",
        seen=seen,
        next_step="try again with --dispatch inline",
    )


def _task(function: Any) -> Any:
    import ray

    return ray.remote(num_cpus=1, max_retries=0, num_returns="streaming")(function)


def _prepare(setup_json: str) -> Iterator[str]:
    yield prepared_as_json(LocalSetup.model_validate_json(setup_json).prepared())
