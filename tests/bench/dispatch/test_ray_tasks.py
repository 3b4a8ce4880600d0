"""What a worker tells that is nothing a worker of ours tells: a failure with a name, and no end.

`ray.get` is a double that returns what is planted; a real Ray's workers run our code, and tell no
such thing (tests of it are in test_ray_local.py and test_ray_cluster.py).
"""

from __future__ import annotations

import json

import pytest
from launches import a_launch

from bench.dispatch.ray_tasks import RayTasks
from bench.record.failure import DISPATCH

ray = pytest.importorskip("ray")

WRONG = {
    "no JSON": "Segmentation fault",
    "no object": "[]",
    "no text": 5,
    "half a record": json.dumps({"record": {"job_id": "x"}}),
    "a record that is none": json.dumps({"record": None}),
    "half a preparation": json.dumps({"prepared": {"facts": []}}),
    "too deep": "[" * 5000,
}


@pytest.fixture
def news(monkeypatch):
    """A function that returns the message that a task with this answer becomes, and the tasks."""

    def of(answer, launch):
        monkeypatch.setattr(ray, "get", lambda reference, timeout: answer)
        tasks = RayTasks()
        ticket = tasks.follow(iter(["a reference"]), launch)
        return tasks._news(ticket), tasks

    return of


@pytest.mark.parametrize("answer", WRONG.values(), ids=WRONG)
def test_a_job_whose_worker_tells_nonsense_failed_in_dispatch(news, tmp_path, answer):
    launch = a_launch("second", tmp_path)
    message, tasks = news(answer, launch)
    assert message.kind == "record"
    assert message.record.job == launch.job
    assert message.record.failure.reason == DISPATCH
    assert message.record.failure.exception == "OutsideError"
    assert tasks._tasks == {}, "the task is followed no longer"


@pytest.mark.parametrize("answer", WRONG.values(), ids=WRONG)
def test_a_host_whose_worker_tells_nonsense_could_not_be_prepared(news, answer):
    message, _ = news(answer, None)
    assert message.kind == "failed"
    assert message.reason.startswith("could not be prepared: OutsideError: ")


def test_what_a_job_tells_meanwhile_is_progress(news, tmp_path):
    message, tasks = news('{"event": "epoch"}', a_launch("second", tmp_path))
    assert (message.kind, message.detail) == ("progress", {"event": "epoch"})
    assert len(tasks._tasks) == 1
