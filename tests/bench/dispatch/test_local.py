"""The inline dispatcher: every launch in the given order, one at a time, each with one record."""

from __future__ import annotations

import itertools
import os

import pytest
from launches import a_launch, is_gone, living_jobs, notes, wait_for

from bench.dispatch.local import InlineDispatcher
from bench.probe.machine import probe


def test_each_launch_starts_gets_on_and_ends_in_one_record(tmp_path):
    launch = a_launch("ok", tmp_path)
    with InlineDispatcher() as dispatcher:
        events = list(dispatcher.run([launch]))
    assert [event.kind for event in events] == ["started", *["progress"] * 3, "record"]
    assert {event.job_id for event in events} == {launch.job.job_id}
    assert events[-1].record.measurement is not None
    assert events[1].detail["event"] == "training"


def test_launches_keep_their_order_and_never_overlap(tmp_path):
    launches = [a_launch("ok", tmp_path, seed=seed) for seed in (3, 1, 2)]
    with InlineDispatcher() as dispatcher:
        list(dispatcher.run(launches))
    seen = notes(tmp_path)
    assert [note["job_id"] for note in seen] == [launch.job.job_id for launch in launches]
    assert all(a["end"] <= b["begin"] for a, b in itertools.pairwise(seen))
    assert len({note["pid"] for note in seen} | {os.getpid()}) == 4


def test_a_crash_is_a_record_and_the_next_job_is_measured(tmp_path):
    launches = [a_launch("segv", tmp_path), a_launch("ok", tmp_path)]
    with InlineDispatcher() as dispatcher:
        records = [e.record for e in dispatcher.run(launches) if e.kind == "record"]
    assert [record.job_id for record in records] == [launch.job.job_id for launch in launches]
    assert records[0].failure.reason == "crash"
    assert records[1].failure is None


@pytest.mark.parametrize("way", ["leaving the context", "closing the iterator"])
def test_stopping_early_ends_the_job_that_runs(tmp_path, way):
    with InlineDispatcher() as dispatcher:
        events = dispatcher.run([a_launch("hang", tmp_path), a_launch("ok", tmp_path)])
        pid = next(event.detail["pid"] for event in events if event.kind == "progress")
        assert not is_gone(pid)
        if way == "closing the iterator":
            events.close()
    wait_for(lambda: is_gone(pid))
    assert living_jobs() == []


def test_the_machine_is_this_one():
    with InlineDispatcher() as dispatcher:
        assert dispatcher.machine(("numpy",)).machine_id == probe().machine_id
        assert dispatcher.machine(("numpy",)).packages["numpy"] is not None


def test_no_launches_give_no_events():
    with InlineDispatcher() as dispatcher:
        assert list(dispatcher.run([])) == []
