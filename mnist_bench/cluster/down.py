"""Takes a cluster down, all of it: Ray's own command leaves the workers of on-premises hosts on."""

from __future__ import annotations

from collections.abc import Callable

from bench.dispatch.launcher import take_down
from bench.errors import DispatchError
from bench.tunnel import SshTarget, run_there
from mnist_bench.cluster.config import ClusterFile

#: What every start command of a cluster file begins with; the worker's own is taken from there.
STOP = "ray stop"


def down(file: ClusterFile, say: Callable[[str], None]) -> None:
    """End every machine of the cluster, or Ray on every host. Raises DispatchError at the last."""
    say(f"taking {file.name} down")
    take_down(file.path)
    failed = [text for text in (_stop(file, host) for host in _workers(file)) if text]
    if failed:
        raise DispatchError(
            "Ray could not be stopped on every worker",
            seen="; ".join(failed),
            next_step="log in there and type: ray stop --force",
        )
    say(f"{file.name} is down")


def _workers(file: ClusterFile) -> list[str]:
    return list(file.document["provider"].get("worker_ips") or ()) if file.on_premises else []


def _stop(file: ClusterFile, host: str) -> str | None:
    """Stop Ray on a worker; return what failed, None where it went well."""
    auth = file.document["auth"]
    commands = file.document.get("worker_start_ray_commands") or ()
    command = next((one for one in commands if STOP in one), f"{STOP} --force")
    target = SshTarget(host, auth["ssh_user"], auth.get("ssh_private_key"))
    try:
        run_there(target, command, 120)
    except DispatchError as error:
        return f"{host}: {error.seen}"
    return None
