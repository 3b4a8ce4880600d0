"""How the embedded Ray answers a preparation that fails; a double stands for its process."""

from __future__ import annotations

import errno
from pathlib import Path

import pytest
import toy_workload
from builders import a_measurement, a_record, facts
from launches import a_launch, scheduled

from bench.child import scratch
from bench.dispatch import ray_local
from bench.dispatch.local import LOCAL_HOST, LocalSetup
from bench.dispatch.ray_driver import as_json
from bench.dispatch.ray_local import RayLocal
from bench.dispatch.ray_process import RayGone
from bench.dispatch.transport import Message, Prepared
from bench.errors import DispatchError

READY = {"kind": "prepared", "prepared": Prepared(facts=facts())}
LOST = {"kind": "lost", "reason": "Ray lost the work"}


class ScriptedRay:
    """In place of RayProcess: each piece of work ends with the next item of the script."""

    def __init__(self, script):
        self._script, self._news, self.asked = list(script), [], []

    def send(self, request):
        if "cancel" in request:
            self._news = [told for told in self._news if told["ticket"] != request["ticket"]]
            return
        self.asked.append("job" if "start" in request else "preparation")
        if self._script:
            ticket = request["ticket"]
            self._news.append(as_json(Message(ticket, **self._script.pop(0)), ticket))

    def read(self, timeout_s):
        news, self._news = self._news, []
        return news

    def kill(self):
        """Nothing runs."""


class StoodStill:
    """In place of the module `time`: the clock jumps once, as if this process had been stopped."""

    def __init__(self):
        self.now = 0.0

    def monotonic(self):
        return self.now


@pytest.fixture
def transport():
    """Return the transport whose Ray follows a script."""

    def scripted(*script):
        made = RayLocal(LocalSetup(workload=toy_workload.NAME))
        made._ray = ScriptedRay(script)
        return made

    return scripted


def test_a_worker_that_is_lost_again_while_it_prepares_for_a_lost_job_is_tried_again(
    transport, tmp_path
):
    launch = a_launch("ok", tmp_path)
    record = a_record(launch.job, a_measurement([[0.5, 0.25], [0.25, 0.25]]), attempt=2)
    ray = transport(READY, LOST, LOST, READY, {"kind": "record", "record": record})
    events = list(scheduled(ray, [launch]))
    assert [event.kind for event in events] == ["started", "started", "record"]
    assert events[-1].record == record
    assert ray._ray.asked == ["preparation", "job", "preparation", "preparation", "job"]


def test_a_first_preparation_that_is_lost_is_tried_again(transport, tmp_path):
    launch = a_launch("ok", tmp_path)
    record = a_record(launch.job, a_measurement([[0.5, 0.25], [0.25, 0.25]]))
    ray = transport(LOST, LOST, READY, {"kind": "record", "record": record})
    events = list(scheduled(ray, [launch]))
    assert [event.kind for event in events] == ["started", "record"]
    assert ray._ray.asked == ["preparation"] * 3 + ["job"]


def test_a_ray_that_loses_its_first_preparation_again_and_again_is_an_error(transport, tmp_path):
    words = r"did not prepare this machine.*3 attempts.*--dispatch inline"
    with pytest.raises(DispatchError, match=words):
        list(scheduled(transport(LOST, LOST, LOST), [a_launch("ok", tmp_path)]))


def test_a_ray_that_is_lost_before_its_first_preparation_is_started_again_and_the_user_knows(
    transport, tmp_path, monkeypatch
):
    def start_again():
        made._starts += 1
        made._ray = follower

    launch = a_launch("ok", tmp_path)
    record = a_record(launch.job, a_measurement([[0.5, 0.25], [0.25, 0.25]]))
    made, follower = transport(), ScriptedRay([READY, {"kind": "record", "record": record}])
    monkeypatch.setattr(made, "_start", start_again)
    monkeypatch.setattr(made._ray, "read", lambda timeout_s: raise_gone())
    note, *events = scheduled(made, [launch])
    assert note.kind == "note"
    assert note.detail["text"] == "note: Ray was lost: planted; Ray is started again"
    assert [event.kind for event in events] == ["started", "record"]


def raise_gone():
    raise RayGone("planted")


def test_a_preparation_that_raises_is_an_error_also_after_a_lost_job(transport, tmp_path):
    failed = {"kind": "failed", "reason": "could not be prepared: OSError: planted"}
    with pytest.raises(DispatchError, match="planted"):
        list(scheduled(transport(READY, LOST, failed), [a_launch("ok", tmp_path)]))


def test_a_ray_that_never_answers_is_an_error(transport, tmp_path, monkeypatch):
    monkeypatch.setattr(ray_local, "PREPARE_S", -1)
    with pytest.raises(DispatchError, match="no answer within"):
        list(scheduled(transport(), [a_launch("ok", tmp_path)]))


@pytest.mark.parametrize("news", ["at once", "later"])
def test_a_record_that_came_while_this_process_stood_still_counts(
    transport, tmp_path, monkeypatch, news
):
    clock, launch = StoodStill(), a_launch("ok", tmp_path, time_limit_s=10)
    monkeypatch.setattr(ray_local, "time", clock)
    record = a_record(launch.job, a_measurement([[0.5, 0.25], [0.25, 0.25]]))
    ray = transport({"kind": "progress"}, {"kind": "record", "record": record})
    ticket = ray.start(LOCAL_HOST, launch)
    assert [message.kind for message in ray.poll(0)] == ["progress"]
    clock.now += 10 + ray_local.OVERTIME_S + 1
    if news == "later":
        assert ray.poll(0) == []
        clock.now += 1
    ray._ray.send({"ticket": ticket, "start": ""})
    assert [message.record for message in ray.poll(0)] == [record]


def test_a_job_whose_record_does_not_come_in_time_is_lost(transport, tmp_path, monkeypatch):
    clock = StoodStill()
    monkeypatch.setattr(ray_local, "time", clock)
    ray = transport({"kind": "progress"})
    ray.start(LOCAL_HOST, a_launch("ok", tmp_path, time_limit_s=10))
    assert [message.kind for message in ray.poll(0)] == ["progress"]
    for _ in range(int((10 + ray_local.OVERTIME_S) / ray_local.STILL_S)):
        clock.now += ray_local.STILL_S
        assert ray.poll(0) == []
    clock.now += 1
    assert [message.kind for message in ray.poll(0)] == ["note", "lost"]


def test_a_folder_that_takes_nothing_of_ray_is_an_error_that_names_it(tmp_path, monkeypatch):
    monkeypatch.setattr(scratch, "short_parent", lambda: tmp_path / "missing")
    with pytest.raises(DispatchError, match=r"cannot be started.*missing: No such file"):
        RayLocal(LocalSetup(workload=toy_workload.NAME)).__enter__()


def test_a_disk_that_fills_before_ray_is_started_again_is_an_error_that_names_it(
    transport, tmp_path, monkeypatch
):
    def refuse(self, *words, **more):
        raise OSError(errno.ENOSPC, "No space left on device")

    ray = transport()
    ray._ray, ray._folder, ray._kept = None, tmp_path / "bench-ray-x", None
    ray._folder.mkdir()
    monkeypatch.setattr(Path, "write_text", refuse)
    with pytest.raises(DispatchError, match=rf"free space in {tmp_path}"):
        ray.prepare(LOCAL_HOST)
