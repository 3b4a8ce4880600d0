"""The process that holds an embedded Ray: requests on its input, messages on its output, as JSON.

    python -m bench.dispatch.ray_driver FOLDER

It ends when its input ends, and when one of Ray's own processes has died: its parent then starts
another. Exit codes: 0 its input ended, 1 Ray did not start, 4 Ray has lost a process.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import queue
import sys
import threading
from collections.abc import Callable, Iterator
from typing import Any

from bench.child.launch import LaunchSpec
from bench.dispatch.node import run_as_json
from bench.dispatch.ray_tasks import RayTasks
from bench.dispatch.ray_workers import prepare, task
from bench.dispatch.transport import Message
from bench.outside.documents import parse_model, parse_object
from bench.text import first_line
from bench.watch.marked import children_named, is_alive

OBJECT_STORE_BYTES = 100 * 2**20

#: Seconds between two looks at the requests and at Ray's processes.
POLL_S = 0.1

#: Names of the processes without which an embedded Ray does not work.
VITAL = ("gcs_server", "raylet")

#: The exit code if one of them has died.
LOST = 4


class Driver:
    """Does what is requested by a line of text, and says what became of it."""

    def __init__(self, folder: str, say: Callable[[dict[str, Any]], None]) -> None:
        self._folder, self._say = folder, say
        self._tasks = RayTasks()
        self._outer: dict[int, int] = {}  # tickets of the requests by those of RayTasks

    def do(self, request: dict[str, Any]) -> None:
        """Start or cancel a task."""
        ticket, launch = request["ticket"], None
        if "cancel" in request:
            for inner, outer in list(self._outer.items()):
                if outer == ticket:
                    self._tasks.cancel(inner)
            return
        if "prepare" in request:
            stream = task(prepare).remote(request["prepare"])
        else:
            launch = parse_model(LaunchSpec, request["start"])
            stream = task(run_as_json).remote(request["start"], self._folder)
        self._outer[self._tasks.follow(stream, launch)] = ticket

    @property
    def has_work(self) -> bool:
        """Whether there are tasks to wait for."""
        return bool(self._tasks)

    def poll(self) -> None:
        """Say what has happened."""
        for message in self._tasks.poll(POLL_S):
            self._say(as_json(message, self._outer[message.ticket]))

    def end(self) -> None:
        """End every task."""
        self._tasks.cancel_all()


def as_json(message: Message, ticket: int) -> dict[str, Any]:
    """Return a message as it is sent."""
    told: dict[str, Any] = {"ticket": ticket, "kind": message.kind, "reason": message.reason}
    told |= {"detail": dict(message.detail), "host_died": message.host_died}
    for name in ("record", "prepared"):
        model = getattr(message, name)
        told[name] = None if model is None else model.model_dump(mode="json")
    return told


def main(arguments: list[str]) -> int:
    """Hold a Ray until the input ends."""
    (folder,) = arguments
    out = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)  # what Ray prints belongs to the log

    def say(message: dict[str, Any]) -> None:
        out.write(json.dumps(message) + "\n")

    try:
        _start(folder)
    except Exception as error:  # Ray raises of many kinds while it starts
        say({"failed": first_line(error)})
        return 1
    requests: queue.SimpleQueue[str] = queue.SimpleQueue()
    threading.Thread(target=_listen, args=(requests,), daemon=True).start()
    vital = children_named(VITAL)
    say({"ready": True})
    driver = Driver(folder, say)
    while all(is_alive(process) for process in vital):
        for line in _waiting(requests, 0.0 if driver.has_work else POLL_S):
            if not line:
                driver.end()
                _stop()
                return 0
            driver.do(parse_object(line))
        if driver.has_work:
            driver.poll()
    out.flush()
    os._exit(LOST)  # leaving in good order would wait for what has died


def _waiting(requests: queue.SimpleQueue[str], timeout_s: float) -> Iterator[str]:
    """Yield the requests that wait; wait at most `timeout_s` for the first."""
    with contextlib.suppress(queue.Empty):
        yield requests.get(timeout=timeout_s) if timeout_s else requests.get_nowait()
        while True:
            yield requests.get_nowait()


def _start(folder: str) -> None:
    import ray

    ray.init(
        address="local",
        num_cpus=1,  # one job at a time; the job's own threads are set in its child
        num_gpus=0,
        include_dashboard=False,
        object_store_memory=OBJECT_STORE_BYTES,
        _temp_dir=folder,
        log_to_driver=False,
        logging_level=logging.ERROR,
        configure_logging=False,
    )


def _stop() -> None:
    import ray

    ray.shutdown()


def _listen(requests: queue.SimpleQueue[str]) -> None:
    line = "the input is open"
    while line:
        line = sys.stdin.readline()
        requests.put(line)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
