"""A process that holds an embedded Ray, as its parent sees it: requests out, messages in.

Ray replaces the handlers of signals, and ends the process that holds it when its own processes
die. None of this may happen to the process that keeps the journal.
"""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import select
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from bench import stops
from bench.child.keeper import Kept
from bench.child.program import words_of
from bench.dispatch.ray_driver import LOST
from bench.errors import DispatchError, OutsideError
from bench.outside.documents import parse_object
from bench.outside.environment import for_python
from bench.text import LINE_LIMIT

#: What every Ray process of ours is started with; read by `ray.init` and inherited by workers.
RAY_ENVIRONMENT: Mapping[str, str] = {
    "RAY_worker_niceness": "0",
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_IGNORE_UNHANDLED_ERRORS": "1",  # the scheduler tells of a worker that died
    "RAY_worker_oom_score_adjustment": "0",  # the kernel is to kill the child, not its parent
    "RAY_memory_monitor_refresh_ms": "0",  # the parent of a child guards the memory
    "RAY_AUTH_MODE": "token",
    "RAY_raylet_start_wait_time_s": "120",  # a loaded machine takes more than Ray's 30 s
    "RAY_ENABLE_UV_RUN_RUNTIME_ENV": "0",  # under `uv run`, workers would make a venv of their own
    # makes Ray take 127.0.0.1 as this node's address, as it does on macOS; its servers then listen
    # on loopback alone. `_node_ip_address="127.0.0.1"` does not: Ray resolves it to a reachable one
    "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0",
}

#: Seconds that Ray has to start (more than it gives its raylet), and to end in good order.
START_S, END_S = 150.0, 15.0


class RayGone(Exception):
    """The process has ended; the text says how."""


class RayProcess:
    """Starts the process in a session of its own, for a keeper; `folder` is for its files."""

    def __init__(self, folder: Path, kept: Kept) -> None:
        folder.mkdir(mode=0o700)
        self._kept, self._log = kept, folder / "driver.log"
        self._rest = b""
        token = folder / "auth_token"
        token.touch(mode=0o600)
        token.write_text(secrets.token_hex(32))
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                words_of("bench.dispatch.ray_driver", str(folder)),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                env={
                    **for_python(os.environ),  # the user's variables would lead Ray elsewhere
                    **RAY_ENVIRONMENT,
                    **kept.variables,  # Ray hands them on to its workers, and they to the jobs
                    "RAY_AUTH_TOKEN_PATH": str(token),
                },
                start_new_session=True,  # a Ctrl-C at the terminal is answered by the parent alone
            )
        kept.add(self._process.pid)

    def await_start(self) -> None:
        """Wait until Ray is up. Raises DispatchError, or Interrupt if a signal arrives first."""
        deadline = time.monotonic() + START_S
        try:
            late = False
            while not late:
                stops.check()
                late = time.monotonic() > deadline  # an answer that is there counts all the same
                for message in self.read(0.2):
                    if message.get("ready"):
                        return
                    raise RayGone(message["failed"])
            raise RayGone(f"no answer within {START_S:g} s")
        except RayGone as gone:
            raise DispatchError(
                "the embedded Ray did not start",
                seen=gone,
                next_step="try again with --dispatch inline",
            ) from gone

    def send(self, request: Mapping[str, Any]) -> None:
        """Send a request. If the process has ended, the next `read` says so."""
        assert self._process.stdin is not None
        with contextlib.suppress(OSError):
            self._process.stdin.write(json.dumps(request).encode() + b"\n")
            self._process.stdin.flush()

    def read(self, timeout_s: float) -> Sequence[dict[str, Any]]:
        """Return the messages that came, at most `timeout_s` later. Raises RayGone."""
        assert self._process.stdout is not None
        descriptor = self._process.stdout.fileno()
        if not select.select([descriptor], [], [], timeout_s)[0]:
            return []
        found = os.read(descriptor, 1 << 20)
        if not found:
            raise RayGone(self._last_words())
        *lines, self._rest = (self._rest + found).split(b"\n")
        try:
            return [parse_object(line) for line in lines]
        except OutsideError as error:
            raise RayGone(f"a message of its process cannot be read: {error}") from error

    def end(self) -> None:
        """End Ray in good order, and then whatever is left of it."""
        if self._process.stdin:
            with contextlib.suppress(OSError):
                self._process.stdin.close()
        deadline = time.monotonic() + END_S
        while self._process.poll() is None and time.monotonic() < deadline and not stops.hurried():
            time.sleep(0.05)
        self.kill()

    def kill(self) -> None:
        """Kill the process and all that it started."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        self._kept.end()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe:
                with contextlib.suppress(OSError):
                    pipe.close()

    def _last_words(self) -> str:
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(5)
        code = self._process.returncode
        if code == LOST:  # the end of its log is Ray's, and says nothing of this
            return "one of its own processes has ended"
        ended = "has not ended" if code is None else f"ended with {code}"
        with contextlib.suppress(OSError):
            lines = self._log.read_text(encoding="utf-8", errors="replace").split("\n")
            said = next((line for line in reversed(lines) if line.strip()), "")
            return f"its process {ended}: {said}"[:LINE_LIMIT] if said else f"its process {ended}"
        return f"its process {ended}"
