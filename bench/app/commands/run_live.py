"""Serves the page of a run, if the user asked for it, and says where it can be seen."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from bench.app.live.viewer import Viewer
from bench.child.workload import Workload
from bench.spec.request import RunRequest


@contextmanager
def viewer(request: RunRequest, workload: Workload) -> Iterator[Viewer]:
    """Serve the page and say where, if it was asked for; without it, no page shows the run."""
    if request.serve is None:
        yield Viewer()
        return
    from bench.app.live.live import Live  # the analysis is not needed to start a run

    with Live(workload, request.out, request.serve, form=request.form) as live:
        print(f"live:    {live.url} (on this machine alone, until the run ends)", flush=True)
        tunnel = tunnel_command(live.port, os.environ)
        if tunnel:
            print(f"         from your own machine: {tunnel}, then the same address", flush=True)
        yield live


def tunnel_command(port: int, environment: Mapping[str, str]) -> str | None:
    """Return the command that brings the page to the machine from which the user came by SSH.

    SSH says in SSH_CONNECTION which address and port of this machine the user came to.
    """
    words = environment.get("SSH_CONNECTION", "").split()
    if len(words) != 4:
        return None
    address, ssh_port = words[2:]
    user = environment.get("USER")
    where = f"{user}@{address}" if user else address
    other = "" if ssh_port == "22" else f"-p {ssh_port} "
    return f"ssh -N -L {port}:127.0.0.1:{port} {other}{where}"
