"""Places jobs through Ray: an embedded local Ray, closed to the network, one job at a time.

Ray only places a job: the task starts the same child that a bare command starts. What Ray does to
its workers (priority 15, OMP_NUM_THREADS, empty CUDA_VISIBLE_DEVICES) is switched off here, and the
child's environment is made anew in any case. Task results are JSON text, so that no record depends
on a pickle.
"""

from __future__ import annotations

import contextlib
import functools
import json
import logging
import os
import secrets
import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from bench.child.launch import LaunchSpec
from bench.child.process import failed_record
from bench.clock import utc_now
from bench.dispatch.events import Event, events_of
from bench.dispatch.node import run_as_json
from bench.errors import DispatchError
from bench.probe.machine import probe
from bench.record.facts import MachineFacts
from bench.record.failure import Failure
from bench.record.lines import JobRecord

#: What every Ray process of ours is started with; read by `ray.init` and inherited by workers.
RAY_ENVIRONMENT: Mapping[str, str] = {
    "RAY_worker_niceness": "0",
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_AUTH_MODE": "token",
    # makes Ray take 127.0.0.1 as this node's address, as it does on macOS; its servers then listen
    # on loopback alone. `_node_ip_address="127.0.0.1"` does not: Ray resolves it to a reachable one
    "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0",
}

#: What `ray.init` heeds or sets in this process; put back afterwards with our own.
RAY_LEAVES = ("RAY_ADDRESS", "RAY_CLIENT_MODE", "PYTHONBREAKPOINT")

OBJECT_STORE_BYTES = 100 * 2**20

#: A private folder is named by this and the pid of the driver that made it.
FOLDER_PREFIX = "mnb-"

#: Seconds in which a Ray that works at all has run its first task.
FIRST_TASK_S = 120

#: Seconds between looks while a job runs, so that a Ctrl-C is answered soon.
POLL_S = 0.2


class RayLocalDispatcher:
    """An embedded Ray on this machine: loopback only, token required, no dashboard."""

    name = "ray"

    def __init__(self) -> None:
        self._folder: Path | None = None
        self._saved: dict[str, str | None] = {}
        self._running: Any = None

    def __enter__(self) -> RayLocalDispatcher:
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
                seen=_first_line(error)[:300],
                next_step="try again with --dispatch inline",
            ) from error
        return self

    def __exit__(self, *exception: object) -> None:
        with contextlib.suppress(ImportError):
            import ray

            self._cancel()
            ray.shutdown()
        for name, value in self._saved.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
        if self._folder:
            shutil.rmtree(self._folder, ignore_errors=True)

    def machine(self, packages: Sequence[str]) -> MachineFacts:
        """Return the facts of this machine, read in a Ray worker, as the jobs will find them."""
        import ray

        task = ray.remote(num_cpus=1, max_retries=0)(_probe_as_json)
        try:
            facts = ray.get(task.remote(tuple(packages)), timeout=FIRST_TASK_S)
        except ray.exceptions.RayError as error:
            raise DispatchError(
                "the embedded Ray ran no task",
                seen=f"{type(error).__name__}: {str(error).splitlines()[0][:200]}",
                next_step="try again with --dispatch inline",
            ) from error
        return MachineFacts.model_validate_json(facts)

    def run(self, launches: Sequence[LaunchSpec]) -> Iterator[Event]:
        """Run `launches` one after another, each in a Ray task that starts its child."""
        import ray

        task = ray.remote(num_cpus=1, max_retries=0, num_returns="streaming")(run_as_json)
        for launch in launches:
            started_at = utc_now()
            self._running = task.remote(launch.model_dump_json(), str(self._folder))
            try:
                yield from events_of(launch, self._items(launch, started_at))
            finally:
                self._cancel()  # where the consumer stopped early

    def _items(
        self, launch: LaunchSpec, started_at: str
    ) -> Iterator[Mapping[str, Any] | JobRecord]:
        """Yield the task's items as they come; a lost worker becomes a failure record."""
        import ray

        try:
            while True:
                ready, _ = ray.wait([self._running], timeout=POLL_S)
                if ready:
                    item = json.loads(ray.get(next(self._running)))
                    if "record" in item:
                        self._running = None
                        yield JobRecord.model_validate(item["record"])
                        return
                    yield item
        except (ray.exceptions.RayError, StopIteration) as error:
            self._running = None
            message = f"Ray lost the job: {type(error).__name__}: {_first_line(error)}"
            failure = Failure(reason="lost", message=message, exception=type(error).__name__)
            yield failed_record(launch, failure, started_at)

    def _cancel(self) -> None:
        """End the running task's worker; its child ends with it."""
        import ray

        if self._running is not None:
            with contextlib.suppress(ray.exceptions.RayError):  # the worker may be gone already
                ray.cancel(self._running, force=True)
            self._running = None

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


def _first_line(error: Exception) -> str:
    return next(iter(str(error).splitlines()), type(error).__name__)


def _probe_as_json(packages: tuple[str, ...]) -> str:
    return probe(packages).model_dump_json()
