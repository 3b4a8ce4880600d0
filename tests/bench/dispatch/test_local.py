"""This machine without Ray: jobs in the given order, one at a time, each with one record."""

from __future__ import annotations

import itertools
import os
import signal
import threading
import time

import pytest
import toy_workload
from launches import a_launch, is_gone, living_jobs, notes, scheduled, toy_job, wait_for

from bench.dispatch.local import LOCAL_HOST, LocalSetup, LocalTransport
from bench.probe.machine import probe
from bench.record.lines import Skip

SETUP = LocalSetup(workload=toy_workload.NAME)


def test_each_launch_starts_gets_on_and_ends_in_one_record(tmp_path):
    launch = a_launch("ok", tmp_path)
    with LocalTransport(SETUP) as transport:
        events = list(scheduled(transport, [launch]))
    assert events[0].kind == "started"
    assert [event.kind for event in events[1:]] == [*["progress"] * 5, "record"]
    assert {event.job_id for event in events} == {launch.job.job_id}
    assert events[-1].record.measurement is not None
    assert events[1].detail["event"] == "training"
    assert events[-2].detail["event"] == "measured"  # what follows the job is not part of it


@pytest.mark.slow
def test_launches_keep_their_order_and_never_overlap(tmp_path):
    launches = [a_launch("ok", tmp_path, seed=seed) for seed in (3, 1, 2)]
    with LocalTransport(SETUP) as transport:
        list(scheduled(transport, launches))
    seen = notes(tmp_path)
    assert [note["job_id"] for note in seen] == [launch.job.job_id for launch in launches]
    assert all(a["end"] <= b["begin"] for a, b in itertools.pairwise(seen))
    assert len({note["pid"] for note in seen} | {os.getpid()}) == 4


def test_a_crash_is_a_record_and_the_next_job_is_measured(tmp_path):
    launches = [a_launch("segv", tmp_path), a_launch("ok", tmp_path)]
    with LocalTransport(SETUP) as transport:
        records = [e.record for e in scheduled(transport, launches) if e.kind == "record"]
    assert [record.job_id for record in records] == [launch.job.job_id for launch in launches]
    assert records[0].failure.reason == "crash"
    assert records[0].attempt == 1
    assert records[1].failure is None


@pytest.mark.parametrize("way", ["leaving the context", "closing the iterator"])
def test_stopping_early_ends_the_job_that_runs(tmp_path, way):
    with LocalTransport(SETUP) as transport:
        events = scheduled(transport, [a_launch("hang", tmp_path), a_launch("ok", tmp_path)])
        pid = next(event.detail["pid"] for event in events if "pid" in event.detail)
        assert not is_gone(pid)
        if way == "closing the iterator":
            events.close()
    wait_for(lambda: is_gone(pid))
    assert living_jobs() == []


def test_ctrl_c_is_answered_soon_and_ends_the_job(tmp_path):
    def interrupt():
        wait_for(lambda: "pid" in seen)
        seen["at"] = time.monotonic()
        os.kill(os.getpid(), signal.SIGINT)

    seen = {}
    other = threading.Thread(target=interrupt)
    other.start()

    def follow():
        with LocalTransport(SETUP) as transport:
            for event in scheduled(transport, [a_launch("hang", tmp_path)]):
                seen.update({key: event.detail[key] for key in ("pid",) if key in event.detail})

    with pytest.raises(KeyboardInterrupt):
        follow()
    assert time.monotonic() - seen["at"] < 10
    other.join()
    assert is_gone(seen["pid"])


def test_a_poll_in_the_midst_of_a_silent_job_ends_in_its_time(tmp_path):
    with LocalTransport(SETUP) as transport:
        ticket = transport.start(LOCAL_HOST, a_launch("hang", tmp_path))
        wait_for(lambda: any("pid" in message.detail for message in transport.poll(1)))
        begin = time.monotonic()
        assert transport.poll(0.3) == []
        assert time.monotonic() - begin < 2
        transport.cancel(ticket)
        assert living_jobs() == []
        assert transport.poll(0.1) == []


def test_this_machine_tells_what_it_is_and_what_the_run_knows_of_it():
    able, unable = toy_job("ok"), toy_job("unable")
    skips = (Skip(job=unable, reason="planted"),)
    with LocalTransport(SETUP.model_copy(update={"jobs": (able,), "skipped": skips})) as transport:
        transport.prepare(LOCAL_HOST)
        (message,) = transport.poll(1)
    assert message.prepared.facts.machine_id == probe().machine_id
    assert message.prepared.facts.kind == "local"
    assert (message.prepared.able, message.prepared.skipped) == ((able,), skips)


def test_no_launches_give_no_events():
    with LocalTransport(SETUP) as transport:
        assert list(scheduled(transport, [])) == []
