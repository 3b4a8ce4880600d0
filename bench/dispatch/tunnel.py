"""A way to a cluster's head through SSH: a command there, or its Jobs API on a port here."""

from __future__ import annotations

import contextlib
import os
import shlex
import socket
import subprocess
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Annotated, Self

from pydantic import StringConstraints

from bench.errors import DispatchError
from bench.outside.programs import MOST_PRINTED, decoded, last_line, run_to_end
from bench.paths import cache_folder
from bench.text import LINE_LIMIT

#: Where the head's dashboard and Jobs API listen, on its loopback alone.
JOBS_PORT = 8265

#: What ssh runs on the head while a tunnel is open: it ends when this process closes the input, or
#: ends in whatever way, and the tunnel ends with it.
WHILE_OPEN = "exec cat >/dev/null"

#: Seconds for the connection, and after which a silent one counts as dead.
CONNECT_S, ALIVE_S = 10, 5

#: A host and a user as ssh takes them: neither may look like one of ssh's options, and neither
#: may hold what a shell would run, because hosts stand in commands that root runs.
SshHost = Annotated[
    str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.:%-]*$", max_length=255)
]
SshUser = Annotated[str, StringConstraints(pattern=r"^[A-Za-z_][A-Za-z0-9_.-]*$", max_length=255)]


#: What it means that `keeps_keys` says no.
UNKEPT = "no key of a host can be kept in the cache folder, so that a false host is not noticed"

#: What mends that.
KEEP = "name a folder that can be written: export XDG_CACHE_HOME=FOLDER"


@dataclass(frozen=True)
class SshTarget:
    """A host as ssh reaches it; `key` is None if ssh's own configuration knows it."""

    host: str
    user: str
    key: str | None = None

    def words(self, *options: str) -> list[str]:
        """Return the ssh command up to and with the host. A host's key is kept at first sight."""
        known = known_hosts()
        settings = {
            "BatchMode": "yes",
            "ConnectTimeout": CONNECT_S,
            "ServerAliveInterval": ALIVE_S,
            "ServerAliveCountMax": 3,
            "StrictHostKeyChecking": "accept-new",
            "UserKnownHostsFile": '"{}"'.format(str(known).replace("%", "%%")),  # as ssh quotes
            "LogLevel": "ERROR",
        }
        words = ["ssh", *options]
        for name, value in settings.items():
            words += ["-o", f"{name}={value}"]
        if self.key:
            words += ["-i", os.path.expanduser(self.key), "-o", "IdentitiesOnly=yes"]
        return [*words, f"{self.user}@{self.host}"]


def run_there(target: SshTarget, command: str, timeout_s: float = 60) -> str:
    """Run a shell command on the host and return what it printed. Raises DispatchError."""
    try:
        said = run_to_end([*target.words(), command], timeout_s)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise _unreachable(target, str(error)) from error
    if said.code != 0:
        raise _unreachable(target, said.complaint)
    return said.out


class Tunnel:
    """The head's Jobs API on a free port of this machine's loopback, while it is entered."""

    def __init__(self, target: SshTarget, timeout_s: float = 30) -> None:
        self._target, self._timeout_s = target, timeout_s
        self._process: subprocess.Popen[bytes] | None = None
        self._errors: IO[bytes] | None = None
        self.address = ""

    def __enter__(self) -> Self:
        """Open the tunnel and wait until it listens. Raises DispatchError."""
        port = _free_port()
        forward = f"127.0.0.1:{port}:127.0.0.1:{JOBS_PORT}"
        words = self._target.words("-T", "-o", "ExitOnForwardFailure=yes", "-L", forward)
        try:
            # a file, because a pipe that is full would hold up ssh, and with it the tunnel
            self._errors = tempfile.TemporaryFile()
            self._process = subprocess.Popen(
                [*words, WHILE_OPEN],
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                stderr=self._errors,
                start_new_session=True,  # a Ctrl-C at the terminal is the parent's to handle
            )
        except OSError as error:
            self.__exit__()
            raise _unreachable(self._target, str(error)) from error
        self.address = f"http://127.0.0.1:{port}"
        deadline = time.monotonic() + self._timeout_s
        while not _listens(port):
            if self._process.poll() is not None:
                said = self._last_words()
                self.__exit__()
                raise _unreachable(self._target, said or "ssh ended")
            if time.monotonic() > deadline:
                self.__exit__()
                raise _unreachable(self._target, f"no tunnel after {self._timeout_s:g} s")
            time.sleep(0.1)
        return self

    def _last_words(self) -> str:
        if self._errors is None:
            return ""
        size = self._errors.seek(0, os.SEEK_END)
        self._errors.seek(max(0, size - MOST_PRINTED))
        return last_line(decoded(self._errors.read()))

    def __exit__(self, *exception: object) -> None:
        if self._process is not None:
            self._process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(5)
            self._process.kill()
            self._process.wait()
            if self._process.stdin is not None:
                self._process.stdin.close()
        if self._errors is not None:
            self._errors.close()


def _unreachable(target: SshTarget, seen: str) -> DispatchError:
    check = shlex.join(target.words())
    return DispatchError(
        f"the cluster's head {target.host} cannot be reached by ssh",
        seen=seen[:LINE_LIMIT],
        next_step=f"try it by hand: {check}",
    )


def keeps_keys() -> bool:
    """Return whether ssh can keep the keys of hosts that it sees for the first time.

    If it cannot, another host in the place of one of them is not noticed.
    """
    known = known_hosts()
    return known.parent == _cache() and os.access(known if known.exists() else _cache(), os.W_OK)


def _cache() -> Path:
    return cache_folder("bench")


def known_hosts() -> Path:
    """Return the file that keeps the keys of hosts; its folder is made if it is missing."""
    try:
        _cache().mkdir(parents=True, exist_ok=True)
    except OSError:  # no folder to keep hosts' keys in: ssh keeps none, and `keeps_keys` says so
        return Path(os.devnull)
    return _cache() / "known_hosts"


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", port)) == 0
