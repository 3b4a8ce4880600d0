"""Takes a cluster down, all of it: Ray's own command leaves on-premises hosts running."""

from __future__ import annotations

from collections.abc import Callable

from bench.cluster import aws
from bench.cluster.config import ClusterFile
from bench.cluster.firewall import all_hosts, ssh_target
from bench.dispatch.launcher import take_down
from bench.dispatch.tunnel import run_there
from bench.errors import DispatchError

#: The stop command stands among a cluster file's start commands, with the PATH that it needs.
STOP = "ray stop"


def down(file: ClusterFile, say: Callable[[str], None]) -> None:
    """End every machine of the cluster, or Ray on every host. Raises DispatchError if some stay."""
    say(f"taking {file.name} down")
    take_down(file.path)
    failed = [text for text in (_stop(file, *one) for one in _hosts(file)) if text]
    if failed:
        raise DispatchError(
            "Ray could not be stopped on every host",
            seen="; ".join(failed),
            next_step="log in there and type: ray stop --force",
        )
    if file.provider == "aws" and (left := aws.running(file)):
        raise DispatchError(
            "machines of the cluster are still running and cost money",
            seen=", ".join(left),
            next_step="end them in the EC2 console",
        )
    say(f"{file.name} is down")


def _hosts(file: ClusterFile) -> list[tuple[str, str]]:
    """Return hosts that outlive `ray down`, the head first: it would start the workers again."""
    if not file.on_premises:
        return []
    head, *workers = all_hosts(file)
    return [("head", head), *(("worker", worker) for worker in workers)]


def _stop(file: ClusterFile, side: str, host: str) -> str | None:
    """Stop Ray on a host; return what failed, or None."""
    commands = file.document.get(f"{side}_start_ray_commands") or ()
    command = next((one for one in commands if STOP in one), f"{STOP} --force")
    try:
        run_there(ssh_target(file, host), command, 120)
    except DispatchError as error:
        return f"{host}: {error.seen}"
    return None
