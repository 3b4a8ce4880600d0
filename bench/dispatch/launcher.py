"""Ray's cluster launcher, in a process of its own because it prints, and exits if it fails.

    python -m bench.dispatch.launcher head FILE     {"head": IP or null, "user": ..., "key": ...}
    python -m bench.dispatch.launcher down FILE     ends the cluster

The answer is the last line of standard output.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from bench.errors import DispatchError
from bench.outside.documents import parse_object
from bench.outside.environment import for_python, python_path
from bench.outside.yaml_files import read_yaml

#: Seconds that the launcher may take: `down` waits for machines to end.
ASK_S, DOWN_S = 90, 600

#: The one variable of Ray's that the launcher heeds: the folder in which `ray up` left its state.
STATE = "RAY_TMPDIR"


def ask_head(file: Path) -> dict[str, Any]:
    """Return the head's address and how ssh gets there; `head` is None if the head is not up.

    Raises DispatchError if the provider cannot be asked.
    """
    return parse_object(_run("head", file, ASK_S).splitlines()[-1])


def take_down(file: Path) -> None:
    """End the cluster as `ray down` does. Raises DispatchError."""
    _run("down", file, DOWN_S)


def _run(what: str, file: Path, timeout_s: float) -> str:
    words = [sys.executable, "-P", "-m", "bench.dispatch.launcher", what, str(file)]
    try:
        done = subprocess.run(
            words,
            capture_output=True,
            text=True,
            timeout=timeout_s,
            check=False,
            stdin=subprocess.DEVNULL,
            env=_environment(),
        )
    except subprocess.TimeoutExpired as error:
        raise _failed(what, file, f"no answer within {timeout_s:g} s") from error
    if done.returncode != 0 or not done.stdout.strip():
        lines = [line for line in done.stderr.splitlines() if line.strip()]
        raise _failed(what, file, lines[-1][:300] if lines else f"exit code {done.returncode}")
    return done.stdout


def _environment() -> dict[str, str]:
    """Return the launcher's environment: Ray keeps the state of clusters in RAY_TMPDIR."""
    kept = {name: os.environ[name] for name in (STATE,) if name in os.environ}
    return {**for_python(os.environ), "PYTHONPATH": python_path(os.environ), **kept}


def _failed(what: str, file: Path, seen: str) -> DispatchError:
    step = f"try by hand: ray {'down' if what == 'down' else 'get-head-ip'} {file}"
    return DispatchError(f"Ray's cluster launcher failed on {file}", seen=seen, next_step=step)


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
        print(json.dumps({"down": True}))
    else:
        print(json.dumps(_head(file)))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
