"""What leaves a cluster's head: labels and reasons that tell no host's name unless asked to."""

from __future__ import annotations

import hashlib
import json

import pytest
from builders import a_job, a_record, a_run, facts

import bench.dispatch.head as site_module
from bench.dispatch.events import Event
from bench.dispatch.head import Site, SiteRequest, label_of
from bench.dispatch.transport import Host
from bench.errors import DispatchError
from bench.record.failure import Failure

NAME = "ip-10-0-0-5.ec2.internal"
HASH = hashlib.sha256(f"mnist-bench machine {NAME}".encode()).hexdigest()[:6]
HOST = Host(NAME, "node-1", "cpu")
JOB = a_job()


@pytest.mark.parametrize(
    ("type_", "shown", "label"),
    [
        ("cpu", False, f"cpu {HASH}"),
        ("", False, f"host {HASH}"),
        ("cpu", True, f"cpu {NAME}"),
        ("", True, NAME),
    ],
)
def test_a_host_is_labelled_by_its_hash_unless_names_were_asked_for(type_, shown, label):
    assert label_of(Host(NAME, "node-1", type_), shown) == label


def a_request(**changes):
    return SiteRequest(
        header=a_run([], planned=[JOB], run_id="run-1").header,
        site="lab",
        workload="w:W",
        divide="d:d",
        packages=(),
        jobs=(JOB,),
        data_file="data",
        **changes,
    )


class Queues:
    """In place of the scheduler: tells of one host what the real one tells when all goes wrong."""

    hosts = (HOST, Host("10.0.0.9", "node-2", "cpu"))

    def __init__(self, transport, planner, refusal, *, limit, **rest):
        self.refusal, self.limit, self.stopped = refusal, limit, None

    def run(self):
        self.stopped = self.limit(self.hosts)
        words = f"no worker at {NAME} (ip-10-0-0-5, 10.0.0.9): 10 tries"
        failure = Failure(reason="lost", message=words, log_tail=words)
        record = a_record(JOB, failure, label=label_of(HOST))
        yield Event("record", JOB.job_id, record=record, host=NAME)
        yield Event("machine", "", host=NAME, machine=self.refusal(NAME, words))
        yield Event("machine", "", host="gpu", machine=self.refusal("gpu", "0 of 1 came up"))
        yield Event("started", JOB.job_id, host=NAME)


class NoCluster:
    def __init__(self, *parts):
        """Take what the real one takes."""

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        """Leave nothing."""


@pytest.fixture
def run_site(monkeypatch, tmp_path):
    """Run the driver on a scheduler that tells the worst; return what it said and its journal."""

    def run(**changes):
        monkeypatch.setattr(site_module, "HostQueues", Queues)
        monkeypatch.setattr(site_module, "RayCluster", NoCluster)
        monkeypatch.setattr(site_module, "probe", facts)
        (tmp_path / "data").write_bytes(b"data")
        request = a_request(max_usd=1.0, **changes)
        said = []
        stopped = Site(request, tmp_path, said.append).run(tmp_path)
        return "\n".join(said), (tmp_path / "run-1.jsonl").read_text(), stopped

    return run


def test_neither_label_nor_reason_tells_a_host_s_name(run_site):
    said, journal, stopped = run_site()
    for text in (said, journal, stopped):
        assert "ip-10-0-0-5" not in text
        assert "10.0.0.9" not in text
    assert f"no worker at host-{HASH} (host-" in journal
    assert ": 10 tries" in journal
    lines = [json.loads(line) for line in journal.splitlines()[1:]]
    assert [line["label"] for line in lines] == [f"cpu {HASH}", f"cpu {HASH}", "gpu"]
    assert f'"host": "cpu {HASH}"' in said


def test_a_limit_that_cannot_be_kept_does_not_name_a_host_either(run_site, monkeypatch):
    monkeypatch.setattr(Queues, "hosts", [Host(NAME, "node-1")])
    _, _, stopped = run_site()
    assert stopped == f"no price is known of host-{HASH}, so no limit in USD can be kept"


def test_names_stay_where_they_were_asked_for(run_site):
    said, journal, _ = run_site(show_hostnames=True)
    assert f"no worker at {NAME} (ip-10-0-0-5, 10.0.0.9)" in journal
    assert f'"host": "cpu {NAME}"' in said


@pytest.mark.parametrize(
    "error",
    [
        DispatchError("there is no Ray cluster", seen="bobs-head:6379", next_step="look"),
        ZeroDivisionError("there is no Ray cluster at bobs-head"),
    ],
    ids=["an error that is known", "one that nobody expects"],
)
def test_a_driver_that_fails_does_not_tell_its_own_host_s_name(
    monkeypatch, tmp_path, capsys, error
):
    """The head's name is planted in the error that Ray gives where it cannot be reached."""

    def fail(self, journals):
        raise error

    monkeypatch.setattr("platform.node", lambda: "bobs-head")
    monkeypatch.delenv("MNIST_BENCH_SHOW_HOSTNAMES", raising=False)
    monkeypatch.setattr(Site, "run", fail)
    (tmp_path / "request.json").write_text(a_request().model_dump_json())
    assert site_module.main([str(tmp_path / "request.json")]) == 1
    said = capsys.readouterr().out
    assert "there is no Ray cluster" in said
    assert "bobs-head" not in said
