"""Ray tasks that a driver follows: each yields JSON texts, which become messages.

Ray never retries a task here: the scheduler does, so that no job runs twice without being counted.
"""

from __future__ import annotations

import contextlib
import itertools
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from bench.child.launch import LaunchSpec
from bench.child.process import failed_record
from bench.clock import utc_now
from bench.dispatch.transport import Message, Prepared
from bench.errors import OutsideError
from bench.outside.documents import parse_object, shaped
from bench.record.failure import DISPATCH, OUT_OF_MEMORY, Failure
from bench.record.lines import JobRecord
from bench.text import type_and_line

#: Seconds that a result, which is ready, may take from its node to this driver.
FETCH_S = 60


@dataclass(frozen=True)
class _Task:
    """A task on its way; `launch` is None if it prepares a host."""

    stream: Any
    launch: LaunchSpec | None
    started_at: str


class RayTasks:
    """The tasks of one transport, by their tickets."""

    def __init__(self) -> None:
        self._tickets = itertools.count(1)
        self._tasks: dict[int, _Task] = {}

    def __len__(self) -> int:
        return len(self._tasks)

    def follow(self, stream: Any, launch: LaunchSpec | None = None) -> int:
        """Follow a streaming task that was started; return its ticket."""
        ticket = next(self._tickets)
        self._tasks[ticket] = _Task(stream, launch, utc_now())
        return ticket

    def cancel(self, ticket: int) -> None:
        """End the worker of a task; the child of its job ends with it."""
        import ray

        task = self._tasks.pop(ticket, None)
        if task is not None and ray.is_initialized():  # else ray.cancel would start a new Ray
            with contextlib.suppress(ray.exceptions.RayError):  # it may be gone already
                ray.cancel(task.stream, force=True)

    def cancel_all(self) -> None:
        """End every task."""
        for ticket in list(self._tasks):
            self.cancel(ticket)

    def poll(self, timeout_s: float) -> Sequence[Message]:
        """Return what the tasks have yielded."""
        import ray

        if not self._tasks:
            time.sleep(timeout_s)
            return []
        tickets = {task.stream: ticket for ticket, task in self._tasks.items()}
        ready, _ = ray.wait(list(tickets), num_returns=1, timeout=timeout_s)
        if ready:  # take whatever else is there by now
            ready, _ = ray.wait(list(tickets), num_returns=len(tickets), timeout=0)
        return [self._news(tickets[stream]) for stream in ready]

    def _news(self, ticket: int) -> Message:
        """Return the next thing that a ready task has to say."""
        import ray

        task = self._tasks[ticket]
        try:
            message = _message(ticket, ray.get(next(task.stream), timeout=FETCH_S))
        except ray.exceptions.TaskUnschedulableError as error:
            message = Message(ticket, "away", reason=type_and_line(error), host_died=True)
        except (ray.exceptions.NodeDiedError, ray.exceptions.LocalRayletDiedError) as error:
            message = Message(ticket, "lost", reason=type_and_line(error), host_died=True)
        except ray.exceptions.RayTaskError as error:  # the task raised it, and would do so again
            message = _refused(ticket, task, error)
        except ray.exceptions.OutOfMemoryError as error:  # Ray's own monitor was faster than ours
            message = _out_of_memory(ticket, task, error)
        except (ray.exceptions.RayError, StopIteration) as error:
            message = Message(ticket, "lost", reason=f"Ray lost the work: {type_and_line(error)}")
        except OutsideError as error:  # what came is nothing that a worker of ours tells
            self.cancel(ticket)
            message = _refused(ticket, task, error)
        if message.kind != "progress":
            self._tasks.pop(ticket, None)
        return message


def _message(ticket: int, text: Any) -> Message:
    """Return what a worker tells. Raises OutsideError."""
    if not isinstance(text, str):
        raise OutsideError(f"a worker told no text but {type(text).__name__}")
    item = parse_object(text)
    if "record" in item:
        return Message(ticket, "record", record=shaped(JobRecord, item["record"]))
    if "prepared" in item:
        return Message(ticket, "prepared", prepared=shaped(Prepared, item["prepared"]))
    return Message(ticket, "progress", detail=item)


def _refused(ticket: int, task: _Task, error: Exception) -> Message:
    cause = getattr(error, "cause", None) or error
    words = type_and_line(cause)
    if task.launch is None:
        return Message(ticket, "failed", reason=f"could not be prepared: {words}")
    failure = Failure(reason=DISPATCH, message=words, exception=type(cause).__name__)
    return Message(ticket, "record", record=failed_record(task.launch, failure, task.started_at))


def _out_of_memory(ticket: int, task: _Task, error: Exception) -> Message:
    """Return what a task becomes that Ray ended for lack of memory: a job would lack it again."""
    words = "Ray ended the job, because the memory of its node was nearly used up"
    if task.launch is None:
        return Message(ticket, "lost", reason=words)
    failure = Failure(reason=OUT_OF_MEMORY, message=words, exception=type(error).__name__)
    return Message(ticket, "record", record=failed_record(task.launch, failure, task.started_at))
