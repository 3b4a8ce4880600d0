"""What a driver makes of the errors that Ray raises; a double stands for Ray and its streams."""

from __future__ import annotations

import pytest
from builders import facts
from launches import a_launch

from bench.dispatch.ray_tasks import RayTasks

pytestmark = pytest.mark.plain_ray


@pytest.fixture
def out_of_memory():
    """Return the error of Ray's memory monitor."""
    from ray.exceptions import OutOfMemoryError

    return OutOfMemoryError("Memory on the node (IP: 203.0.113.7) was 15 / 16 GB")


@pytest.fixture
def news_of(monkeypatch):
    """Return the one message of a task whose stream ends in an error of Ray's."""

    def raised(error, launch):
        import ray

        def get(reference, timeout):
            raise error

        monkeypatch.setattr(ray, "wait", lambda streams, **how: (streams, []))
        monkeypatch.setattr(ray, "get", get)
        tasks = RayTasks()
        tasks.follow(iter(["a reference"]), launch)
        (message,) = tasks.poll(0)
        assert tasks._tasks == {}
        return message

    return raised


def test_a_job_that_ray_ends_for_lack_of_memory_is_no_lost_host(news_of, out_of_memory, tmp_path):
    launch = a_launch("ok", tmp_path, machine=facts())
    message = news_of(out_of_memory, launch)
    assert message.kind == "record"
    assert message.record.job == launch.job
    assert message.record.failure.reason == "out of memory"
    assert "203.0.113.7" not in message.record.failure.message


def test_a_preparation_that_ray_ends_for_lack_of_memory_is_tried_again(news_of, out_of_memory):
    message = news_of(out_of_memory, None)
    assert message.kind == "lost"
    assert not message.host_died
