"""A real embedded Ray: the same jobs as without it, closed to the network, nothing left behind.

One Ray serves most of the module; what needs another environment (another priority, RAY_ADDRESS)
runs in a child of the test.
"""

from __future__ import annotations

import ipaddress
import itertools
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import psutil
import pytest
import toy_workload
from launches import a_launch, is_gone, notes, only_record, scheduled, wait_for

from bench.dispatch import ray_local
from bench.dispatch.local import LOCAL_HOST, LocalSetup, LocalTransport
from bench.dispatch.ray_local import RayLocal
from bench.dispatch.ray_process import RAY_ENVIRONMENT
from bench.errors import DispatchError
from bench.probe.machine import probe
from bench.spec.variables import THREAD_VARIABLES
from bench.watch.marked import JOB_MARK, MARK

pytestmark = pytest.mark.slow

SETUP = LocalSetup(workload=toy_workload.NAME)

#: What Ray puts into its workers' environment that reaches a job, and the marks of run and job:
#: none of it bears on speed.
HARMLESS = {"PYTHONBREAKPOINT", "SPT_NOENV", MARK, JOB_MARK}

#: pytest's own, which changes from setup to call.
PYTEST_S_OWN = {"PYTEST_CURRENT_TEST"}

#: What varies between two runs of one toy job.
VARYING = {"pid", "clock_s", "wall_s"}

STRANGER = """
import ray, sys
ray.init(address=sys.argv[1], log_to_driver=False, logging_level="ERROR")
print("connected")
"""

#: A whole visit to Ray: measure, leave in the midst of a job, tell what is different afterwards.
VISIT = """
import json, os, psutil, sys
import toy_workload
from launches import scheduled, still_below
from bench.child.launch import LaunchSpec
from bench.dispatch.local import LocalSetup
from bench.dispatch.ray_local import RayLocal

launch, stuck = (LaunchSpec.model_validate_json(line) for line in sys.stdin)
before = dict(os.environ)
told = {}
with RayLocal(LocalSetup(workload=toy_workload.NAME)) as transport:
    folder = transport._folder
    told["folder_mode"] = folder.stat().st_mode & 0o777
    told["token_mode"] = (folder / "1" / "auth_token").stat().st_mode & 0o777
    told["kinds"] = [event.kind for event in scheduled(transport, [launch])]
    items = scheduled(transport, [stuck])
    job = next(event.detail["pid"] for event in items if "pid" in event.detail)
    below = psutil.Process().children(recursive=True)
    told["processes"] = [process.name() for process in below]
    told["pids"] = [job] + [process.pid for process in below]
told["left"] = still_below()
told["folder_left"] = folder.exists()
told["changed"] = {
    name: [before.get(name), os.environ.get(name)]
    for name in before.keys() | os.environ.keys()
    if before.get(name) != os.environ.get(name)
}
print(json.dumps(told))
"""


@pytest.fixture(scope="module")
def ray_here():
    with RayLocal(SETUP) as entered:
        yield entered


def inline(launches):
    """Run launches without Ray and yield what happens."""
    with LocalTransport(SETUP) as transport:
        yield from scheduled(transport, launches)


def comparable(events):
    """Return what two runs of the same launches have in common."""
    told = []
    for event in events:
        detail = {key: value for key, value in event.detail.items() if key not in VARYING}
        failure = event.record and event.record.failure
        final = event.record and event.record.measurement and event.record.measurement.final
        outcome = failure and (failure.reason, failure.message, failure.exception)
        told.append((event.kind, event.job_id, detail, outcome, final and final.weights_digest))
    return told


def test_ray_gives_the_same_events_as_no_ray(ray_here, tmp_path):
    launches = [a_launch(model, tmp_path) for model in ("ok", "raise", "segv", "exit7")]
    placed = comparable(scheduled(ray_here, launches))
    assert placed == comparable(inline(launches))
    assert [kind for kind, *_ in placed].count("record") == 4


def test_jobs_keep_their_order_and_never_overlap(ray_here, tmp_path):
    launches = [a_launch("ok", tmp_path, seed=seed) for seed in (3, 1, 2)]
    records = [event.record for event in scheduled(ray_here, launches) if event.record]
    seen = notes(tmp_path)
    order = [launch.job.job_id for launch in launches]
    assert [note["job_id"] for note in seen] == order
    assert [record.job_id for record in records] == order
    assert all(a["end"] <= b["begin"] for a, b in itertools.pairwise(seen))


def test_a_job_sees_the_environment_that_it_sees_without_ray(ray_here, tmp_path):
    with_ray, without = tmp_path / "ray", tmp_path / "inline"
    with_ray.mkdir()
    without.mkdir()
    list(scheduled(ray_here, [a_launch("ok", with_ray, threads=2)]))
    (placed,) = notes(with_ray)
    list(inline([a_launch("ok", without, threads=2)]))
    (bare,) = notes(without)
    seen, expected = placed["environment"], bare["environment"]
    differing = {k for k in seen.keys() | expected.keys() if seen.get(k) != expected.get(k)}
    assert differing - PYTEST_S_OWN <= HARMLESS
    assert {seen[name] for name in THREAD_VARIABLES} == {"2"}
    assert placed["folder"] == bare["folder"]
    assert placed["niceness"] == bare["niceness"] == os.getpriority(os.PRIO_PROCESS, 0)


@pytest.mark.skipif(sys.platform != "linux", reason="the kernel of Linux alone has such a score")
def test_if_memory_runs_out_the_kernel_kills_the_child_and_not_its_worker(ray_here, tmp_path):
    items = scheduled(ray_here, [a_launch("hang", tmp_path)])
    pid = next(event.detail["pid"] for event in items if "pid" in event.detail)
    family = [pid, psutil.Process(pid).ppid()]
    child, worker = (int(Path(f"/proc/{one}/oom_score_adj").read_text()) for one in family)
    items.close()
    assert child >= worker + 500


def test_the_machine_facts_are_those_of_this_machine(ray_here):
    ticket = ray_here.prepare(LOCAL_HOST)
    (message,) = wait_for(lambda: ray_here.poll(1))
    assert (message.ticket, message.kind) == (ticket, "prepared")
    seen, here = message.prepared.facts, probe(("ray", "numpy"))
    volatile = {"cpu_now_hz"}
    assert seen.model_dump(exclude=volatile) == here.model_dump(exclude=volatile)


def test_every_listening_socket_of_ray_is_on_loopback(ray_here, tmp_path):
    list(scheduled(ray_here, [a_launch("ok", tmp_path)]))
    processes = [psutil.Process(), *psutil.Process().children(recursive=True)]
    listening = [
        connection.laddr.ip
        for process in processes
        for connection in process.net_connections("tcp")
        if connection.status == psutil.CONN_LISTEN
    ]
    assert len(listening) >= 3  # the control store, the node manager and a worker at the least
    assert [ip for ip in listening if not is_loopback(ip)] == []


def is_loopback(ip: str) -> bool:
    address = ipaddress.ip_address(ip)
    return (getattr(address, "ipv4_mapped", None) or address).is_loopback


@pytest.mark.parametrize("token", ["none", "wrong"])
def test_a_driver_without_the_token_is_refused(ray_here, tmp_path, token):
    """The same driver with the token gets in, so it is the token that it lacks."""
    folder = max(ray_here._folder.glob("*/auth_token")).parent
    raylet = next(one for one in below() if one.name() == "raylet")
    address, *_ = re.findall(r"--gcs-address=(\S+)", " ".join(raylet.cmdline()))
    environment = {**os.environ, **RAY_ENVIRONMENT}
    environment["RAY_AUTH_TOKEN_PATH"] = str(folder / "auth_token")
    assert stranger(address, dict(environment)) == (0, "connected\n")
    if token == "none":
        del environment["RAY_AUTH_MODE"], environment["RAY_AUTH_TOKEN_PATH"]
    else:
        (tmp_path / "token").write_text("0" * 64)
        environment["RAY_AUTH_TOKEN_PATH"] = str(tmp_path / "token")
    code, output = stranger(address, environment)
    assert code != 0
    assert output == ""


def stranger(address: str, environment: dict[str, str]) -> tuple[int, str]:
    """Let another driver come to our Ray; it asks twice and not, as Ray would, for 20 s."""
    environment |= {"RAY_NUM_REDIS_GET_RETRIES": "2", "HOME": "/nonexistent"}
    done = subprocess.run(
        [sys.executable, "-c", STRANGER, address],
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    return done.returncode, done.stdout


def test_a_worker_is_called_after_the_function_that_it_runs(ray_here, tmp_path):
    items = scheduled(ray_here, [a_launch("hang", tmp_path)])
    pid = next(event.detail["pid"] for event in items if "pid" in event.detail)
    assert psutil.Process(pid).parent().cmdline()[0] == "ray::run_as_json"
    items.close()


def kill_workers(ray_here, launches, times):
    """Kill the Ray worker of the first launch so many times in mid-job; return (pids, records)."""
    pids, records = [], []
    for event in scheduled(ray_here, launches):
        first = event.job_id == launches[0].job.job_id
        if first and "pid" in event.detail and len(pids) < times:
            pids.append(event.detail["pid"])
            psutil.Process(pids[-1]).parent().kill()  # the Ray worker that started the child
        if event.record:
            records.append(event.record)
    return pids, records


def test_a_killed_worker_s_job_is_tried_again_here_and_measured(ray_here, tmp_path):
    launches = [a_launch("second", tmp_path), a_launch("ok", tmp_path)]
    pids, records = kill_workers(ray_here, launches, times=1)
    assert [record.job_id for record in records] == [launch.job.job_id for launch in launches]
    assert [record.attempt for record in records] == [2, 1]
    assert [record.failure for record in records] == [None, None]
    wait_for(lambda: is_gone(pids[0]))


def test_a_job_whose_worker_is_killed_each_time_is_lost_and_the_next_is_measured(
    ray_here, tmp_path
):
    launches = [a_launch("fork", tmp_path), a_launch("ok", tmp_path)]
    pids, records = kill_workers(ray_here, launches, times=3)
    assert [record.job_id for record in records] == [launch.job.job_id for launch in launches]
    assert records[0].failure.reason == "host lost"
    assert "3 attempts" in records[0].failure.message
    assert records[0].attempt == 3
    assert records[1].failure is None
    wait_for(lambda: all(is_gone(pid) for pid in pids))


def test_what_a_lost_job_had_started_ends_with_it(ray_here, tmp_path):
    pids = {}
    items = scheduled(ray_here, [a_launch("fork", tmp_path)])
    for event in items:
        pids |= {key: event.detail[key] for key in ("pid", "grandchild") if key in event.detail}
        if "grandchild" in event.detail:
            psutil.Process(pids["pid"]).parent().kill()
            break
    wait_for(lambda: is_gone(pids["pid"]) and is_gone(pids["grandchild"]))
    items.close()


def test_closing_the_iterator_ends_the_job_and_the_next_one_runs(ray_here, tmp_path):
    items = scheduled(ray_here, [a_launch("hang", tmp_path), a_launch("raise", tmp_path)])
    pid = next(event.detail["pid"] for event in items if "pid" in event.detail)
    items.close()
    wait_for(lambda: is_gone(pid))
    record = only_record(event.record for event in scheduled(ray_here, [a_launch("ok", tmp_path)]))
    assert record.measurement is not None


@pytest.mark.parametrize(
    ("name", "words"),
    [("raylet", "one of its own processes has ended"), ("ray_driver", "its process ended with -9")],
)
def test_a_ray_that_loses_a_process_is_started_again_and_the_job_is_measured(
    ray_here, tmp_path, name, words
):
    launches = [a_launch("second", tmp_path), a_launch("ok", tmp_path)]
    killed, records, said = None, [], []
    for event in scheduled(ray_here, launches):
        said += [event.detail["text"]] if event.kind == "note" else []
        if killed is None and "pid" in event.detail:
            killed = next(one for one in below() if name in " ".join(one.cmdline()))
            killed.kill()
        if event.record:
            records.append(event.record)
    assert [record.job_id for record in records] == [launch.job.job_id for launch in launches]
    assert [record.attempt for record in records] == [2, 1]
    assert [record.failure for record in records] == [None, None]
    (note,) = said
    assert note.startswith(f"note: Ray was lost: {words}")
    assert note.endswith("; Ray is started again")


def below():
    return psutil.Process().children(recursive=True)


def test_a_ray_that_is_lost_again_and_again_is_an_error_that_names_the_way_without_it(
    ray_here, tmp_path, monkeypatch
):
    monkeypatch.setattr(ray_local, "MOST_LOSSES", 0)
    items = scheduled(ray_here, [a_launch("hang", tmp_path)])
    next(event for event in items if "pid" in event.detail)
    next(one for one in below() if one.name() == "raylet").kill()
    with pytest.raises(DispatchError, match=r"lost 1 times in a row.*--dispatch inline"):
        list(items)


def test_ray_that_does_not_start_is_an_error_that_names_the_way_without_it(tmp_path, monkeypatch):
    (tmp_path / "ray.py").write_text("raise RuntimeError('planted')")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(DispatchError, match=r"did not start.*planted.*--dispatch inline"):
        RayLocal(SETUP).__enter__()


@pytest.fixture(scope="module")
def visit(tmp_path_factory):
    """A driver of lower priority, with RAY_ADDRESS set, that leaves while a job runs."""
    folder, temporary = tmp_path_factory.mktemp("visit"), tmp_path_factory.mktemp("temporary")
    niceness = os.getpriority(os.PRIO_PROCESS, 0) + 4
    launches = [a_launch("ok", folder), a_launch("hang", folder)]
    done = subprocess.run(
        ["nice", "-n", "4", sys.executable, "-c", VISIT],
        input="\n".join(launch.model_dump_json() for launch in launches),
        env={**os.environ, "RAY_ADDRESS": "127.0.0.1:1", "TMPDIR": str(temporary)},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return {
        **json.loads(done.stdout.splitlines()[-1]),
        "note": notes(folder)[0],
        "driver_niceness": niceness,
        "temporary": [path.name for path in temporary.iterdir()],
    }


def test_ray_address_in_the_environment_diverts_no_job(visit):
    assert visit["kinds"] == ["started", *["progress"] * 5, "record"]
    assert {"gcs_server", "raylet"} <= set(visit["processes"])


def test_a_job_has_its_driver_s_priority_although_ray_lowers_its_workers(visit):
    assert visit["note"]["niceness"] == visit["driver_niceness"]


def test_the_token_can_be_read_by_this_user_alone(visit):
    assert (visit["folder_mode"], visit["token_mode"]) == (0o700, 0o600)


def test_leaving_ends_the_running_job_and_every_process_of_ray(visit):
    assert visit["left"] == []
    wait_for(lambda: all(is_gone(pid) for pid in visit["pids"]))


def test_leaving_leaves_no_folder_behind(visit):
    assert not visit["folder_left"]
    assert visit["temporary"] == []


def test_leaving_puts_the_environment_back(visit):
    assert visit["changed"] == {}
