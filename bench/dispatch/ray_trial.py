"""A trial of the embedded Ray: it starts, prepares this machine as before a run, and ends."""

from __future__ import annotations

import time

from bench import stops
from bench.dispatch.local import LocalSetup
from bench.dispatch.ray_local import RayLocal
from bench.errors import DispatchError


def try_ray(workload: str, limit_s: float) -> float:
    """Return the seconds that a trial took. Raises DispatchError if it fails or takes too long.

    A signal that arrives meanwhile is an error too: the trial may be made in any thread, and the
    main one answers the signal.
    """
    began_s = time.monotonic()
    try:
        with RayLocal(LocalSetup(workload=workload)) as ray:
            _prepare(ray, began_s, limit_s)
    except stops.Interrupt as error:
        raise _failed("a signal ended it") from error
    return time.monotonic() - began_s


def _prepare(ray: RayLocal, began_s: float, limit_s: float) -> None:
    """Let a worker of Ray read the facts of this machine; if it is lost, let another one."""
    ray.prepare(ray.hosts()[0])
    while time.monotonic() < began_s + limit_s:
        for message in ray.poll(1.0):
            if message.prepared is not None:
                return
            if message.kind == "lost":
                ray.prepare(ray.hosts()[0])
    raise _failed(f"it has not prepared this machine within {limit_s:g} s")


def _failed(seen: str) -> DispatchError:
    return DispatchError(
        "the embedded Ray does not work",
        seen=seen,
        next_step="run without it: {program} run --dispatch inline",
    )
