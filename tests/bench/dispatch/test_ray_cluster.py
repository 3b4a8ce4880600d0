"""A real Ray of several nodes: each host measured once, what is lost, a declared GPU, the data."""

from __future__ import annotations

import hashlib
import json
import re
import socket
import subprocess
import sys
from collections import Counter
from functools import partial
from itertools import pairwise
from pathlib import Path

import ceilings_workload
import pytest
import toy_workload
from builders import a_run
from launches import a_launch, toy_job

from bench.dispatch import node
from bench.dispatch.cluster_request import ClusterRequest, WantedType
from bench.dispatch.ray_cluster import host_of
from bench.errors import DispatchError
from bench.record.journal import read_run
from bench.record.price import Price
from bench.spec.privacy import Privacy, name_hash
from bench.watch.look import wait_until_quiet

pytestmark = pytest.mark.slow

DATA = b"the data that go out once"
PLAIN, FLAKY, KILLED, SPOT = (f"cpu {name_hash(n)}" for n in ("plain", "flaky", "killed", "spot"))
DECLARED = f"gpu {name_hash('declared')}"
HOSTS = (PLAIN, FLAKY, KILLED, DECLARED)
MODELS = ("long", "raise", "unable")


def request_of(folder, jobs):
    (folder / "toy.bin").write_bytes(DATA)
    return ClusterRequest(
        header=a_run(
            [], planned=jobs, run_id="run-1", workload=toy_workload.DESCRIPTION.outline
        ).header,
        cluster="lab",
        workload=toy_workload.NAME,
        data_file="toy.bin",
        types=(WantedType(name="cpu", count=4), WantedType(name="arm", wait_s=5, ask=True)),
        grace_s=25,
        prices={"cpu": Price(0.1, "list", "2025-01")},
    )


@pytest.fixture(scope="module")
def visit(tmp_path_factory):
    """What the head's driver said on a real cluster, and the journal that it left."""
    folder = tmp_path_factory.mktemp("cluster")
    jobs = [a_launch(model, folder, seed=seed).job for model in MODELS for seed in (1, 2)]
    (folder / "request.json").write_text(request_of(folder, jobs).model_dump_json())
    script = Path(__file__).parents[2] / "multi_node.py"
    done = subprocess.run(
        [sys.executable, str(script), str(folder)],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    told = json.loads(done.stdout.splitlines()[-1])
    assert told["stopped"] is None
    return told["said"], read_run(folder / "run-1.jsonl")


def records(run, label):
    return [record for record in run.records if record.label == label]


def test_every_host_has_a_record_of_each_of_its_jobs_and_the_head_has_none(visit):
    _, run = visit
    assert run.warnings == ()
    counts = Counter(record.label for record in run.records)
    assert counts == dict.fromkeys((*HOSTS, SPOT), 4)
    for share in run.shares:
        assert share.missing == ()
        assert [skip.job.axes["model"] for skip in share.skipped] == ["unable", "unable"]
        assert share.facts.packages["ray"]


def test_no_two_jobs_of_one_host_overlap(visit):
    _, run = visit
    for label in HOSTS:
        spans = sorted((r.started_at, r.ended_at) for r in records(run, label))
        assert all(a[1] <= b[0] for a, b in pairwise(spans))


def test_hosts_run_side_by_side(visit):
    said, _ = visit
    starts, ends = {}, {}
    for item in said:
        if item.get("event", {}).get("kind") == "started":
            starts.setdefault(item["event"]["host"], item["at"])
        elif "job_id" in item.get("line", {}):
            ends[item["line"]["label"]] = item["at"]
    assert set(starts) == {*HOSTS, SPOT}
    assert max(starts.values()) < min(ends.values())


@pytest.mark.parametrize("label", [FLAKY, KILLED])
def test_a_job_whose_raylet_or_worker_was_killed_is_measured_there_and_counts_attempts(
    visit, label
):
    _, run = visit
    found = records(run, label)
    whole = [record for record in found if record.job.axes["model"] == "long"]
    assert [record.failure for record in whole] == [None, None]
    assert sorted(record.attempt for record in found) == [1, 1, 1, 2]
    assert {r.attempt for r in records(run, PLAIN)} == {1}


def test_the_jobs_of_a_host_that_was_taken_away_are_recorded_as_lost_and_nobody_waits(visit):
    """On a busy machine the host may have done a job before it is taken away."""
    said, run = visit
    found = records(run, SPOT)
    lost = [record for record in found if record.failure and record.failure.reason == "host lost"]
    assert lost
    assert found[-len(lost) :] == lost
    assert all("did not come back" in record.failure.message for record in lost)
    ends = {}
    for item in said:
        if "job_id" in item.get("line", {}):
            ends.setdefault(item["line"]["label"], []).append(item["at"])
    assert max(ends[PLAIN]) < min(ends[SPOT][-len(lost) :])


def test_a_declared_gpu_that_is_not_there_fails_plainly_and_is_not_measured_as_a_cpu(visit):
    _, run = visit
    found = records(run, DECLARED)
    assert {record.failure.reason for record in found} == {"no GPU visible"}
    assert all("no GPU visible" in record.failure.message for record in found)
    assert {record.machine.kind for record in found} == {"gpu"}


def test_a_type_that_never_came_is_a_line_with_its_reason(visit):
    _, run = visit
    (refused,) = run.unavailable
    assert refused.label == "arm"
    assert "0 of 1 came up" in refused.reason


def test_a_node_costs_what_its_own_label_says_else_what_its_type_does(visit):
    _, run = visit
    prices = {
        entry.label: (entry.usd_per_hour, entry.usd_source, entry.usd_date)
        for entry in run.machines
    }
    assert prices[FLAKY] == (0.5, None, None)
    assert prices[PLAIN] == (0.1, "list", "2025-01")


@pytest.mark.parametrize("label", ["nan", "inf", "-1", "free"])
def test_a_node_whose_label_is_no_price_has_an_unknown_one_and_the_reason(label):
    node = {
        "NodeID": "n",
        "NodeManagerHostname": "h",
        "Resources": {},
        "Labels": {"bench-usd-per-hour": label},
    }
    price = host_of(node, {"": Price(0.1, "list", "2025-01")}).price
    assert price.usd_per_hour is None
    assert price.reason == f"its label bench-usd-per-hour is not a price: {label}"


def test_each_machine_is_looked_at_before_its_first_job(visit):
    looks = [entry.look for entry in visit[1].machines if entry.machine is not None]
    assert looks
    assert all(look.quiet in {True, False} for look in looks)
    assert all("quiet" in look.words and look.seen.foreign_cpus >= 0 for look in looks)


def test_no_host_s_name_is_in_what_leaves_the_cluster(visit):
    """The names are those of the labels `bench-host`, looked for in all that is no log of Ray's."""
    said, run = visit
    labels = {e["line"]["label"] for e in said if "line" in e} | {r.label for r in run.records}
    labels |= {e["event"]["host"] for e in said if "event" in e}
    assert labels == {*HOSTS, SPOT, "arm"}
    lines = [item["line"] for item in said if "line" in item]
    text = json.dumps([{**line, "look": None, "conditions": None} for line in lines])
    for name in ("plain", "flaky", "spot", "declared"):
        assert re.search(rf"\b{name}\b", text) is None


def test_all_that_was_followed_is_in_the_journal_too(visit):
    said, run = visit
    lines = [item["line"] for item in said if "line" in item]
    assert len(lines) == len(run.records) + len(run.machines)


@pytest.fixture
def temporary(tmp_path, monkeypatch):
    """A folder for what a node keeps; the node looks at the machine for a moment alone."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.setattr(node, "wait_until_quiet", partial(wait_until_quiet, seconds=0.1))
    return tmp_path


def prepared(data, sha256, **changes):
    """Prepare this machine as a node of a cluster."""
    jobs = [toy_job("ok"), toy_job("unable")]
    request = ClusterRequest(
        header=a_run([], planned=jobs, run_id="run-1").header,
        cluster="lab",
        workload=toy_workload.NAME,
        data_file="toy.bin",
    ).model_copy(update=changes)
    return node.prepare(data, "h", request.model_dump_json(), "cloud", sha256)


def test_a_node_keeps_the_data_under_their_digest_for_this_user_alone(temporary):
    digest = hashlib.sha256(DATA).hexdigest()
    path = Path(prepared(DATA, digest).data_path)
    assert path.read_bytes() == DATA
    assert path.parent.stat().st_mode & 0o777 == 0o700
    path.write_bytes(b"damaged")
    assert Path(prepared(DATA, digest).data_path).read_bytes() == DATA


def test_a_node_of_a_workload_without_data_keeps_none(temporary):
    assert prepared(None, "", data_file=None).data_path is None
    assert list(temporary.iterdir()) == []


def test_a_node_tells_which_jobs_it_can_run_and_why_not_the_others(temporary):
    found = prepared(DATA, hashlib.sha256(DATA).hexdigest())
    assert [job.axes["model"] for job in found.able] == ["ok"]
    assert [(skip.job.axes["model"], skip.reason) for skip in found.skipped] == [
        ("unable", "planted")
    ]


@pytest.mark.parametrize("wanted", [True, False])
def test_a_node_has_jobs_for_ceilings_only_if_they_are_wanted(temporary, wanted):
    jobs = [ceilings_workload.a_library_job()]
    header = a_run([], planned=jobs, run_id="run-1").header
    reference = ceilings_workload.NAME
    found = prepared(None, "", data_file=None, header=header, workload=reference, ceilings=wanted)
    assert len(found.ceiling_jobs) == (2 if wanted else 0)


@pytest.mark.parametrize("shown", [False, True])
def test_a_node_tells_its_host_name_only_if_that_was_asked_for(temporary, shown):
    digest = hashlib.sha256(DATA).hexdigest()
    facts = prepared(DATA, digest, privacy=Privacy(show_hostnames=shown)).facts
    assert facts.host_name == (socket.gethostname() if shown else None)


def test_data_that_were_damaged_on_the_way_are_refused_at_the_node(temporary):
    with pytest.raises(DispatchError, match="differ from the data that were sent"):
        prepared(DATA + b"!", hashlib.sha256(DATA).hexdigest())
