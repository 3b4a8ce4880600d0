"""Ray's cluster launcher, in a process of its own because it prints, and exits if it fails.

    python -m bench.dispatch.launcher head FILE     {"head": IP or null, "user": ..., "key": ...}
    python -m bench.dispatch.launcher down FILE     ends the cluster

The answer is the last line of standard output that begins with MARK: Ray prints there too.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from pydantic import BaseModel, model_validator

from bench.dispatch.tunnel import SshHost, SshUser
from bench.errors import DispatchError, OutsideError
from bench.outside.documents import parse_model
from bench.outside.environment import for_python, python_path
from bench.outside.programs import run_to_end
from bench.outside.yaml_files import read_yaml
from bench.text import LINE_LIMIT

#: Seconds that the launcher may take: `down` waits for machines to end.
ASK_S, DOWN_S = 90, 600

#: How the line of the answer begins.
MARK = "@launcher "

#: The one variable of Ray's that the launcher heeds: the folder in which `ray up` left its state.
STATE = "RAY_TMPDIR"


class _Head(BaseModel):
    """Where the head is and how ssh gets there; no `head` if it is not up."""

    head: SshHost | None = None
    user: SshUser | None = None
    key: str | None = None

    @model_validator(mode="after")
    def _has_a_user(self) -> _Head:
        if self.head is not None and self.user is None:
            raise ValueError("it names no user for ssh")
        return self


def ask_head(file: Path) -> dict[str, Any]:
    """Return the head's address and how ssh gets there; `head` is None if the head is not up.

    Raises DispatchError if the provider cannot be asked.
    """
    try:
        return parse_model(_Head, _run("head", file, ASK_S)).model_dump()
    except OutsideError as error:
        raise _failed("head", file, error.what) from error


def take_down(file: Path) -> None:
    """End the cluster as `ray down` does. Raises DispatchError."""
    _run("down", file, DOWN_S)


def _run(what: str, file: Path, timeout_s: float) -> str:
    words = [sys.executable, "-P", "-m", "bench.dispatch.launcher", what, str(file)]
    try:
        said = run_to_end(words, timeout_s, _environment())
    except subprocess.TimeoutExpired as error:
        raise _failed(what, file, f"no answer within {timeout_s:g} s") from error
    except OSError as error:
        raise _failed(what, file, str(error)) from error
    lines = [line for line in said.out.splitlines() if line.startswith(MARK)]
    if said.code != 0:
        raise _failed(what, file, said.complaint)
    if not lines:
        raise _failed(what, file, "it printed no answer")
    return lines[-1].removeprefix(MARK)


def _environment() -> dict[str, str]:
    """Return the launcher's environment: Ray keeps the state of clusters in RAY_TMPDIR."""
    kept = {name: os.environ[name] for name in (STATE,) if name in os.environ}
    return {**for_python(os.environ), "PYTHONPATH": python_path(os.environ), **kept}


def _failed(what: str, file: Path, seen: str) -> DispatchError:
    step = f"try by hand: ray {'down' if what == 'down' else 'get-head-ip'} {file}"
    what = f"Ray's cluster launcher failed on {file}"
    return DispatchError(what, seen=seen[:LINE_LIMIT], next_step=step)


def _head(file: str) -> dict[str, Any]:
    from ray.autoscaler import sdk

    try:
        address = sdk.get_head_node_ip(file)
    except RuntimeError as error:
        if "not found" in str(error):
            return {"head": None}
        raise
    config = read_yaml(Path(file))
    if config["provider"]["type"] != "local":  # its key may be one that Ray made
        config = sdk.bootstrap_config(config)
    auth = config["auth"]
    return {"head": address, "user": auth["ssh_user"], "key": auth.get("ssh_private_key")}


def main(arguments: list[str]) -> int:
    """Answer one question."""
    what, file = arguments
    if what == "down":
        from ray.autoscaler import sdk

        sdk.teardown_cluster(file)
        answer: dict[str, Any] = {"down": True}
    else:
        answer = _head(file)
    print(f"\n{MARK}{json.dumps(answer)}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
